"""What a network is used by as it lies in a model folder: found, trusted, refused, and without
torch.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import elman
from elman.errors import FolderError, ModelError
from elman.inference.model import InferenceModel
from elman.models.neural import NeuralModel
from elman.models.protocol import State
from elman.storage.archive import read_facts, write_arrays
from elman.storage.folder import INFERENCE_FILE, read_arrays, write_card, write_weights


@pytest.fixture
def folder(lstm_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(lstm_folder, tmp_path / "model"))


def test_training_leaves_8_bit_weights_beside_its_own(lstm_folder: Path) -> None:
    model = elman.load(lstm_folder)
    assert isinstance(model.lm, InferenceModel) and model.lm.precision == "int8"
    weights = elman.load(lstm_folder, torch=True)
    assert isinstance(weights.lm, NeuralModel)
    assert model.lm.weights_hash == weights.lm.model_hash != model.lm.model_hash
    assert model.info()["model"] == {**weights.info()["model"], "precision": "int8"}
    parity = model.card["inference"]
    assert parity["precision"] == "int8" and parity["fp32"]["largest_difference"] < 1e-4
    assert abs(parity["int8"]["perplexity_ratio"] - 1) < 0.005
    assert parity["bytes"] == (lstm_folder / INFERENCE_FILE).stat().st_size
    best = [model.complete("Anna sees the old", n=3).words for model in (model, weights)]
    assert [word for word, _ in best[0]] == [word for word, _ in best[1]]
    assert [p for _, p in best[0]] == pytest.approx([p for _, p in best[1]], abs=0.02)


FEW_STEPS = [
    ("info",),
    ("complete", "Anna sees the old"),
    ("complete", "Anna sees the old", "--candidates", "house", "river"),
]
WHOLE_TEXTS = [("complete", "Anna sees", "--phrase"), ("generate", "Anna", "--seed", "1"), ("score", "TEXT")]


def test_using_a_network_never_imports_torch(lstm_folder: Path, text_file: Path) -> None:
    code = """
import io, json, sys
from contextlib import redirect_stdout
from elman.cli.main import main
# A few steps must not wait for the compiler's library; what reads or writes whole texts may.
heavy = {"torch", "onnx", "onnxruntime", "matplotlib", "numba"}
for calls in json.loads(sys.argv[1]):
    for words in calls:
        with redirect_stdout(io.StringIO()) as shown:
            try:
                main(words)
            except SystemExit as stop:
                code = stop.code
        assert not code and shown.getvalue(), words
        assert not heavy & set(sys.modules), (words, heavy & set(sys.modules))
    heavy -= {"numba"}
"""
    calls = [
        [[verb, str(lstm_folder), *(word.replace("TEXT", str(text_file)) for word in more)] for verb, *more in part]
        for part in (FEW_STEPS, WHOLE_TEXTS)
    ]
    done = subprocess.run([sys.executable, "-c", code, json.dumps(calls)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_its_8_bits_need_no_other_weights(folder: Path) -> None:
    wanted = elman.load(folder).score("Anna sees the old house at night.").log_prob
    (folder / "model.safetensors").unlink()
    assert elman.load(folder).score("Anna sees the old house at night.").log_prob == wanted


def test_a_folder_of_an_earlier_version_gives_the_same_model(folder: Path) -> None:
    """elman 0.1 left model.onnx, and in the model card what could not be in 8 bits."""
    wanted = elman.load(folder).lm
    (folder / INFERENCE_FILE).unlink()
    (folder / "model.onnx").write_bytes(b"whatever it was")
    found = elman.load(folder).lm
    assert isinstance(found, InferenceModel) and found.precision == "int8"
    assert found.model_hash == wanted.model_hash
    assert np.array_equal(found.log_probs(found.start()), wanted.log_probs(wanted.start()))
    (folder / "model_card.json").unlink()
    assert elman.load(folder).lm.precision == "fp32"  # nobody has measured what 8 bits cost


def test_new_weights_take_it_away(folder: Path) -> None:
    write_weights(folder, read_arrays(folder / "model.safetensors"))
    assert not (folder / INFERENCE_FILE).exists()


def test_other_weights_beside_it_are_noticed(folder: Path) -> None:
    program = (folder / INFERENCE_FILE).read_bytes()
    arrays = read_arrays(folder / "model.safetensors")
    write_weights(folder, {**arrays, "output.bias": arrays["output.bias"] + np.float32(1)})
    (folder / INFERENCE_FILE).write_bytes(program)
    with pytest.raises(FolderError, match="other weights"):
        elman.load(folder)


def test_every_changed_byte_is_an_error(folder: Path) -> None:
    data = (folder / INFERENCE_FILE).read_bytes()
    for place in [*range(0, len(data), 997), *range(len(data) - 1200, len(data), 61)]:
        (folder / INFERENCE_FILE).write_bytes(data[:place] + bytes([data[place] ^ 4]) + data[place + 1 :])
        with pytest.raises(FolderError, match=r"inference\.safetensors"):
            elman.load(folder)
    for keep in (0, 7, len(data) // 2, len(data) - 1):
        (folder / INFERENCE_FILE).write_bytes(data[:keep])
        with pytest.raises(FolderError, match=r"inference\.safetensors"):
            elman.load(folder)
    (folder / INFERENCE_FILE).write_bytes(data)
    for name in ("config.json", "tokenizer_config.json", "speller.safetensors"):
        kept = (folder / name).read_bytes()
        (folder / name).write_bytes(kept[:-2] + b" " + kept[-2:])
        with pytest.raises(FolderError):
            elman.load(folder)
        (folder / name).write_bytes(kept)
    elman.load(folder)


def rewritten(folder: Path, change: Any) -> None:
    """The file with a changed configuration or changed arrays, and digests that fit."""
    file = folder / INFERENCE_FILE
    arrays, facts = read_arrays(file), read_facts(file)
    change(arrays, facts)
    write_arrays(file, arrays, facts)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda arrays, facts: facts["config"].update(gain="much"), "gain is 'much'"),
        (lambda arrays, facts: facts["config"].update(gain=0.0), "gain is 0.0"),
        (lambda arrays, facts: facts["config"].update(int8=[1]), "names of groups"),
        (
            lambda arrays, facts: arrays.update({"output.weight.scales": 0 * arrays["output.weight.scales"]}),
            "wrong shape",
        ),
        (lambda arrays, facts: facts["config"].pop("int8"), "'int8' is missing"),
        (lambda arrays, facts: facts.pop("config"), "does not say what it is"),
        (lambda arrays, facts: facts["config"]["network"].update(hidden_size=33), "another network"),
        (lambda arrays, facts: facts.update(weights="0" * 64), "other weights"),
        (lambda arrays, facts: facts["config"].update(int8=[]), "needs float32"),
        (lambda arrays, facts: arrays.pop("output.weight"), "'output.weight'"),
        (lambda arrays, facts: arrays.pop("output.bias"), "weights lack 'output.bias'"),
        (lambda arrays, facts: arrays.update({"output.weight": arrays["output.weight"][:, 1:]}), "wrong shape"),
        (lambda arrays, facts: arrays.update({"output.weight.scales": arrays["output.bias"][1:]}), "wrong shape"),
        (lambda arrays, facts: arrays.update({"output.bias": arrays["output.bias"] * np.float32(np.nan)}), "finite"),
        (
            lambda arrays, facts: arrays.update(
                {"output.weight.scales": arrays["output.weight.scales"] * np.float32(np.inf)}
            ),
            "wrong shape",
        ),
        (
            lambda arrays, facts: arrays.update({"output.weight": np.full_like(arrays["output.weight"], -128)}),
            "wrong shape",
        ),
    ],
)  # fmt: skip
def test_forged_files_are_refused(folder: Path, change: Any, said: str) -> None:
    rewritten(folder, change)
    with pytest.raises(FolderError, match=said) as found:
        elman.load(folder)
    assert "\n" not in str(found.value)


def test_a_state_that_no_memory_holds_is_refused_before_it_is_made(folder: Path) -> None:
    head = json.loads((folder / "config.json").read_text())
    head["config"] |= {"cell": "transformer", "embedding_size": 1 << 20, "window": 1024, "heads": 1, "skip": True}
    (folder / "config.json").write_text(json.dumps(head))
    write_weights(folder, read_arrays(folder / "model.safetensors", sealed=False))
    with pytest.raises(FolderError, match="state would have parts"):
        elman.load(folder)


def test_what_the_engine_does_not_agree_with_is_computed_by_torch(folder: Path) -> None:
    """Training says so by leaving no file, and null in the model card."""
    (folder / INFERENCE_FILE).unlink()
    card = json.loads((folder / "model_card.json").read_text())
    card = {name: value for name, value in card.items() if name != "digest"} | {"inference": None}
    write_card(folder, card)
    assert isinstance(elman.load(folder).lm, NeuralModel)


def test_a_pipe_in_place_of_weights_is_refused(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    os.mkfifo(folder / "model.safetensors")
    with pytest.raises(FolderError, match="is a pipe, a socket or a device"):
        elman.load(folder)


def test_states_belong_to_what_made_them(lstm_folder: Path) -> None:
    one, two = elman.load(lstm_folder).lm, elman.load(lstm_folder, torch=True).lm
    for mine, other in ((one, two), (two, one)):
        with pytest.raises(ModelError, match="another model"):
            mine.log_probs(other.start())
        with pytest.raises(ModelError, match="another model"):
            State.from_bytes(other.start().to_bytes(), like=mine.start())


def test_a_row_of_ids_for_each_row_of_a_state(lstm_folder: Path) -> None:
    lm = elman.load(lstm_folder).lm
    for ids in ([5, 6, 7], [5]):
        state = lm.start(2)
        with pytest.raises(ModelError, match=f"{len(ids)} rows of ids were given with a state of 2"):
            lm.advance(np.array(ids), state)
        with pytest.raises(ModelError, match=f"{len(ids)} rows of ids were given with a state of 2"):
            lm.score(np.array(ids)[:, None], np.ones(len(ids), np.int64), state)


@pytest.mark.slow
def test_a_seed_gives_the_text_that_a_loaded_model_writes(cli: Any, lstm_folder: Path) -> None:
    model = elman.load(lstm_folder)  # as the server has it
    for seed in range(8):
        found = json.loads(cli("generate", lstm_folder, "Anna", "--seed", seed, "--json").out)["text"]
        assert found == model.generate("Anna", seed=seed, max_tokens=100)


def test_a_copy_is_the_whole_model(lstm_folder: Path, tmp_path: Path) -> None:
    model = elman.load(lstm_folder)
    model.save(tmp_path / "copy")
    again, weights = elman.load(tmp_path / "copy"), elman.load(tmp_path / "copy", torch=True)
    assert again.lm.model_hash == model.lm.model_hash and again.card == model.card
    assert isinstance(weights.lm, NeuralModel) and weights.lm.model_hash == model.lm.weights_hash  # type: ignore[attr-defined]
    weights.save(tmp_path / "by torch")
    made = elman.load(tmp_path / "by torch").lm
    assert isinstance(made, InferenceModel) and made.weights_hash == weights.lm.model_hash


@pytest.mark.slow
def test_what_is_made_of_it_is_saved_without_torch(
    lstm_folder: Path, ngram_folder: Path, text_file: Path, tmp_path: Path
) -> None:
    mixed = elman.mix([elman.load(lstm_folder), elman.load(ngram_folder)], text_file)
    assert "precision:fp32+int8|" in mixed.evaluate(text_file)["signature"]
    mixed.save(tmp_path / "mixed")
    code = "import sys, elman; print(elman.load(sys.argv[1]).score('Anna sees the old house.').log_prob); "
    code += "sys.exit('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "mixed"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) == mixed.score("Anna sees the old house.").log_prob


def test_states_go_through_files(cli: Any, lstm_folder: Path, ngram_folder: Path, tmp_path: Path) -> None:
    first, second = "Anna sees the old house at night.", "Ben likes"
    for name, text in (("both", f"{first}\n{second}\n"), ("one", f"{first}\n"), ("two", f"{second}\n")):
        (tmp_path / name).write_text(text)
    whole = cli("score", lstm_folder, tmp_path / "both", "--save-state", tmp_path / "s").out.splitlines()
    assert cli("score", lstm_folder, tmp_path / "one", "--save-state", tmp_path / "t").out.splitlines() == whole[:1]
    flags = ("--load-state", tmp_path / "t", "--save-state", tmp_path / "t")
    assert cli("score", lstm_folder, tmp_path / "two", *flags).out.splitlines() == whole[1:]
    assert (tmp_path / "s").read_bytes() == (tmp_path / "t").read_bytes()
    (tmp_path / "empty line").write_text("\n")
    (tmp_path / "three").write_text(f"{first}\n{second}\n\n")
    last = cli("score", lstm_folder, tmp_path / "three", "--save-state", tmp_path / "u").out.splitlines()[-1]
    assert cli("score", lstm_folder, tmp_path / "empty line", *flags).out.splitlines() == [last]
    assert (tmp_path / "u").read_bytes() == (tmp_path / "t").read_bytes()
    cli("score", lstm_folder, tmp_path / "both", "--save-state", tmp_path / "t")
    seen = json.loads(cli("info", lstm_folder, "--state", tmp_path / "s", "--state", tmp_path / "t", "--json").out)
    assert seen["difference"] == {
        "same": True,
        "distance": dict.fromkeys(seen["states"][0]["parts"], 0.0),
        "bits": [0, 0],
    }
    assert seen["states"][0]["bytes"] < 4000 and len(seen["states"][0]["likely"]) == 5
    cli("score", lstm_folder, tmp_path / "one", "--save-state", tmp_path / "other")
    shown = cli("info", lstm_folder, "--state", tmp_path / "s", "--state", tmp_path / "other")
    assert "distance: top" in shown.out and "predictions differ by" in shown.out
    assert "3 times" in cli("info", lstm_folder, *["--state", tmp_path / "s"] * 3).err
    alone = cli("score", lstm_folder, tmp_path / "both").out.splitlines()
    assert alone[0] == whole[0] and alone[1] != whole[1]
    for place in (tmp_path / "nowhere" / "s", tmp_path):
        done = cli("score", lstm_folder, tmp_path / "both", "--save-state", place)
        assert done.code == 2 and "cannot be written" in done.err and not done.out
    for model, state, said in (
        (ngram_folder, tmp_path / "s", "another model"),
        (lstm_folder, tmp_path / "one", "not a saved elman state"),
        (lstm_folder, tmp_path / "nowhere", "is not a file"),
    ):
        done = cli("score", model, tmp_path / "two", "--load-state", state)
        assert done.code == 2 and said in done.err and done.err.count("\n") == 1
