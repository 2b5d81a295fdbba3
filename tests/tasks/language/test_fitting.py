import json
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import elman
from elman.data.preprocessing import DataConfig, prepare_data
from elman.decode.scoring import evaluate
from elman.errors import FolderError, UsageError
from elman.models.neural import grow_arrays
from elman.progress import Progress
from elman.storage import folder as model_folder
from elman.system.machine import cache_folder

SMALL = {"updates": 60, "embedding_size": 8, "hidden_size": 12, "batch": 4, "bptt": 10, "rate": 0.02, "threads": 1}


def test_figures_in_the_passport_are_those_of_evaluate(lstm_folder: Path, text_file: Path) -> None:
    model = elman.load(lstm_folder, torch=True)
    data = prepare_data([str(text_file)], config=DataConfig(), cache=cache_folder(), progress=Progress())
    assert data.corpus.test is not None
    found = model.evaluate(data.corpus.test.path)
    card = model.card["figures"]["test"]
    assert found["bits_per_byte"] == pytest.approx(card["bits_per_byte"], rel=1e-9)
    assert found["tokens"] == card["tokens"]
    # The signature differs in the data alone: the text was cut out of its file.
    pinned = [part for part in card["signature"].split("|") if not part.startswith("data:")]
    assert pinned == [part for part in found["signature"].split("|") if not part.startswith("data:")]


def test_the_figure_is_what_adding_up_by_hand_gives(ngram_folder: Path, tmp_path: Path) -> None:
    """Chain rule over log_probs and advance, the speller for what is unknown, bytes counted with
    len."""
    text = "Anna sees the old house.\nThe zyzzyva, quietly.\n\nBen\n"
    (tmp_path / "text.txt").write_text(text)
    model = elman.load(ngram_folder)
    lm, nats, tokens = model.lm, 0.0, 0
    state = lm.start()
    for line in text.splitlines():
        encoded = lm.tokenizer.encode(line)
        for place, token in enumerate([*encoded.ids.tolist(), 1]):
            nats -= float(lm.log_probs(state)[0, token])
            if token == 0:
                start, end = encoded.spans[place]
                spelled = line[start:end] if place else " " + line[start:end]
                nats += model.speller.nats(spelled)
            state = lm.advance(np.array([token]), state)
            tokens += 1
    found = model.evaluate(tmp_path / "text.txt")
    assert found["tokens"] == tokens
    assert found["bits_per_byte"] == pytest.approx(nats / math.log(2) / len(text.encode()), rel=1e-5)


@pytest.mark.slow
def test_what_training_counts_as_spelling_is_what_evaluation_counts(text_file: Path, tmp_path: Path) -> None:
    lines = text_file.read_text().splitlines()
    odd = tmp_path / "odd.txt"
    odd.write_text("\n".join(line + (f" word{n}x" if n % 7 == 0 else "") for n, line in enumerate(lines)) + "\n")
    data = prepare_data([str(odd)], config=DataConfig(), cache=tmp_path / "cache", progress=Progress())
    model = elman.train(odd, model="ngram", order=2)
    assert data.corpus.valid is not None and data.valid.oov > 3
    tally = evaluate(model.lm, data.speller, data.corpus.valid, context="document")
    assert tally.oov == data.valid.oov
    assert tally.spelling_nats == pytest.approx(data.valid.spelling_nats(data.speller), rel=1e-9)


@pytest.mark.slow
def test_going_on_with_new_text_grows_the_vocabulary_and_keeps_what_was_learned(
    lstm_folder: Path, tmp_path: Path
) -> None:
    new = tmp_path / "new.txt"
    new.write_text("Greta greets the astronaut on Monday.\nAnna sees the old house at night.\n" * 120)
    start = elman.load(lstm_folder)
    grown = elman.train(new, start=lstm_folder, updates=120, batch=4, bptt=10, rate=0.02, threads=1)
    old, now = start.lm.tokenizer, grown.lm.tokenizer
    assert now.tokens[: old.size] == old.tokens and now.size > old.size
    assert " astronaut" in now.tokens and " astronaut" not in old.tokens
    assert grown.complete("Greta greets the", n=1).words[0][0] == "astronaut"
    assert grown.complete("Anna sees the old", n=1).words[0][0] == "house"
    with pytest.raises(UsageError, match="--from keeps the model's sizes"):
        elman.train(new, start=lstm_folder, updates=5, hidden_size=99)
    with pytest.raises(UsageError, match="add --model lstm"):
        elman.train(new, start=lstm_folder, updates=5, model="gru")


def test_new_types_share_the_probability_of_the_unknown() -> None:
    arrays = {
        "embedding.weight": np.arange(8, dtype=np.float32).reshape(4, 2),  # V = 3, and <s>
        "output.bias": np.array([0.5, 1.0, 2.0], np.float32),
        "output.weight": np.arange(6, dtype=np.float32).reshape(3, 2),
        "stack.layers.0.weight_hh": np.ones((8, 2), np.float32),
    }
    grown = grow_arrays(arrays, 3, 5)
    assert grown["embedding.weight"].tolist() == [[0, 1], [2, 3], [4, 5], [0, 1], [0, 1], [6, 7]]
    assert grown["output.weight"].tolist() == [[0, 1], [2, 3], [4, 5], [0, 1], [0, 1]]
    before, after = np.exp(arrays["output.bias"]), np.exp(grown["output.bias"])
    assert after[[0, 3, 4]].sum() == pytest.approx(before[0]) and after[[0, 3, 4]] == pytest.approx(before[0] / 3)
    assert after[1:3] == pytest.approx(before[1:])


@pytest.mark.slow
@pytest.mark.parametrize("level", ["word", "subword", "char", "byte"])
def test_every_level_trains_completes_and_generates(text_file: Path, level: str) -> None:
    model = elman.train(text_file, model="ngram", level=level, order=7)
    words = [text for text, _ in model.complete("Anna sees the old h").words]
    assert words[0] == "house", words
    assert "<unk>" not in model.generate("Anna", seed=1, max_tokens=60)
    bits = model.card["figures"]["test"]["bits_per_byte"]
    assert 0.2 < bits < 0.6, bits  # so that levels can be compared, they must land close together


@pytest.mark.parametrize(("level", "order"), [("word", 5), ("subword", 6), ("char", 7)])
def test_the_order_of_an_n_gram_follows_the_level(tmp_path: Path, level: str, order: int) -> None:
    text = tmp_path / "text.txt"
    text.write_text("".join(f"a line of number {n % 7}\n" for n in range(60)))
    assert elman.train(text, model="ngram", level=level).card["model"]["size"] == f"order {order}"


def test_a_text_of_many_unknown_words_says_so(tmp_path: Path) -> None:
    said: list[str] = []

    class Talk(Progress):
        def say(self, message: str) -> None:
            said.append(message)

    text = tmp_path / "text.txt"
    text.write_text("".join(f"a line w{n}x w{n}y\n" for n in range(300)))
    elman.train(text, model="ngram", level="word", order=2, progress=Talk())
    assert any(line.startswith("note: 40%") and "are unknown; --level subword has none" in line for line in said)


@pytest.mark.slow
def test_mixtures_save_and_load(lstm_folder: Path, ngram_folder: Path, text_file: Path, tmp_path: Path) -> None:
    mixed = elman.mix([elman.load(lstm_folder), elman.load(ngram_folder)], text_file)
    mixed.save(tmp_path / "mixed")
    again = elman.load(tmp_path / "mixed")
    assert again.lm.model_hash == mixed.lm.model_hash
    assert again.evaluate(text_file)["bits_per_byte"] == mixed.evaluate(text_file)["bits_per_byte"]
    with pytest.raises(FolderError, match="exists"):
        mixed.save(tmp_path / "mixed")


def test_a_changed_passport_is_not_believed(ngram_folder: Path, tmp_path: Path) -> None:
    elman.load(ngram_folder).save(tmp_path / "copy")
    file = tmp_path / "copy" / "model_card.json"
    card = json.loads(file.read_text())
    card["figures"]["test"]["perplexity"] = 1.0
    file.write_text(json.dumps(card))
    with pytest.raises(FolderError, match="was changed after it was written"):
        elman.load(tmp_path / "copy")


@pytest.mark.slow
@pytest.mark.usefixtures("pictures")
def test_tensorboard_events_and_the_learning_curve(text_file: Path, tmp_path: Path) -> None:
    elman.train(text_file, out=tmp_path / "m", tensorboard=True, **SMALL)
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(tmp_path / "m" / "training"))
    events.Reload()
    assert {"loss", "norm", "valid_nats", "valid_bits_per_byte"} <= set(events.Tags()["scalars"])
    log = [json.loads(line) for line in (tmp_path / "m" / "training" / "log.jsonl").read_text().splitlines()]
    logged = [entry["valid_nats"] for entry in log if "valid_nats" in entry]
    assert [event.value for event in events.Scalars("valid_nats")] == pytest.approx(logged)
    assert (tmp_path / "m" / "learning-curve.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
@pytest.mark.usefixtures("pictures")
def test_an_ngram_draws_what_its_orders_cost_and_bring(text_file: Path, tmp_path: Path) -> None:
    elman.train(text_file, out=tmp_path / "m", model="ngram", order=2)
    assert (tmp_path / "m" / "ngrams.png").read_bytes().startswith(b"\x89PNG")
    assert not (tmp_path / "m" / "learning-curve.png").exists()


@pytest.mark.slow
def test_settings_reach_the_model_and_unknown_ones_are_refused(text_file: Path) -> None:
    model = elman.train(text_file, model="gru", layers=1, tied=False, **SMALL)
    assert model.card["recipe"]["config"] == {
        "cell": "gru", "layers": 1, "embedding_size": 8, "hidden_size": 12, "tied": False, "input": "learned",
        "skip": True, "softmax": "full", "samples": None, "window": None, "heads": None,
    }  # fmt: skip
    assert model.card["recipe"]["plan"]["bptt"] == 10
    with pytest.raises(UsageError, match="--hiden-size is not a setting"):
        elman.train(text_file, hiden_size=3, updates=1)


@pytest.mark.slow
def test_stdin_can_be_resumed(cli: Callable[..., Any], text_file: Path, tmp_path: Path, monkeypatch: Any) -> None:
    import io

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text_file.read_bytes())))
    out = tmp_path / "m"
    flags = [word for name, value in SMALL.items() for word in (f"--{name.replace('_', '-')}", value)]
    assert cli("train", "-", "--out", out, *flags).code == 0
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    before = model_folder.read_arrays(out / "model.safetensors")
    assert cli("train", "--out", out, "--resume").code == 0
    after = model_folder.read_arrays(out / "model.safetensors")
    assert all(np.array_equal(before[name], after[name]) for name in before)


@pytest.mark.slow
def test_a_network_with_a_large_hidden_and_a_small_embedding_loads(text_file: Path) -> None:
    model = elman.train(text_file, model="rnn", embedding_size=8, hidden_size=64, updates=2, threads=1)
    assert "64" in repr(model)


@pytest.mark.slow
def test_without_torch_ngrams_work_and_networks_say_what_is_missing(
    lstm_folder: Path, text_file: Path, tmp_path: Path
) -> None:
    block = """
import contextlib, io, json, sys
sys.modules["torch"] = None
from elman.cli.main import main
for words in json.loads(sys.argv[1]):
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        try:
            main(words)
        except SystemExit as stopped:
            code = stopped.code
    print(json.dumps([code or 0, out.getvalue(), err.getvalue()]))
"""
    calls = [
        ["train", text_file, "--model", "ngram", "--order", "2", "--out", tmp_path / "m"],
        ["complete", tmp_path / "m", "Anna sees the old"],
        ["train", "--help"],
        ["complete", lstm_folder, "Anna sees the old"],
        ["train", text_file, "--out", tmp_path / "n"],
    ]
    command = [sys.executable, "-c", block, json.dumps(calls, default=str)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    trained, completed, helped, by_network, refused = (json.loads(line) for line in done.stdout.splitlines())
    assert trained[0] == 0, trained
    assert completed[1].startswith("house")
    assert helped[0] == 0
    assert by_network[1].startswith("house")
    code, _, talk = refused
    assert code == 2 and "pip install 'elman[train]'" in talk, talk
    assert talk.count("\n") == 1


@pytest.mark.slow
def test_one_hot_input_grows_too(text_file: Path, tmp_path: Path) -> None:
    elman.train(text_file, out=tmp_path / "one", input="one-hot", **SMALL)
    (tmp_path / "new.txt").write_text("Greta greets the astronaut on Monday.\n" * 150)
    grown = elman.train(tmp_path / "new.txt", start=tmp_path / "one", updates=60, batch=4, bptt=10, threads=1)
    assert " astronaut" in grown.lm.tokenizer.tokens


@pytest.mark.slow
def test_updates_give_the_same_network_whatever_the_machine(text_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from elman.training import calibrate

    shapes = []
    for rate in (1e9, 1e13):
        monkeypatch.setattr(calibrate, "machine_rate", lambda rate=rate, **options: rate)
        model = elman.train(text_file, updates=3, threads=1)
        shapes.append((model.card["recipe"]["config"], model.card["recipe"]["plan"]))
    assert shapes[0] == shapes[1]


def test_a_model_trained_into_no_folder_keeps_none(text_file: Path) -> None:
    model = elman.train(text_file, model="ngram", order=2)
    assert model.folder is None and model.info()["bytes"] is None


def test_a_single_name_is_a_single_source(text_file: Path) -> None:
    model = elman.train(text_file, valid=str(text_file), model="ngram", order=2)
    assert set(model.card["figures"]) == {"valid"}
