"""Taggers that read the states of language models."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.conftest import tiny_text
from tests.stopping import StopAfter

import elman
from elman.data.tagged import TaggedSentence
from elman.errors import FolderError, Interrupted, UsageError
from elman.models.tagger import TaggerNetwork
from elman.models.tagger_config import TaggerConfig
from elman.progress import Progress
from elman.tasks.tag.contexts import CONTEXTS_FILE, Contexts, worded_line

LM: dict[str, Any] = {
    "level": "char", "embedding_size": 6, "hidden_size": 6, "layers": 1, "batch": 4, "bptt": 16, "updates": 4,
    "threads": 1, "precision": "fp32", "rival": False,
}  # fmt: skip
TAGGER: dict[str, Any] = {
    "task": "tag", "embedding_size": 6, "subword_size": 4, "context_size": 5, "hidden_size": 5, "updates": 20,
    "validations": 2, "batch": 8, "threads": 1, "precision": "fp32", "rival": False, "dropout": 0.2,
}  # fmt: skip
TEXTS = ["Anna sees the bird.", "", ["Ben", "n't"], "Unseen  words\there", []]


def tagged(path: Path, *, seed: int) -> None:
    lines = []
    for line in tiny_text(60, seed).split("\n"):
        lines += [f"{word}\t{'N' if word[0].isupper() else 'O'}" for word in line[:-1].split()] + [""]
    path.write_text("\n".join(lines) + "\n")


@pytest.fixture
def made(shared: Any) -> Path:
    """Data, two language models, and a tagger that reads both."""

    def make(path: Path) -> None:
        path.mkdir()
        (path / "text.txt").write_text(tiny_text(300, 1))
        tagged(path / "data.conll", seed=2)
        for direction in ("forward", "backward"):
            elman.train(path / "text.txt", out=path / direction, direction=direction, **LM)
        starts = [path / "forward", path / "backward"]
        elman.train(path / "data.conll", start=starts, out=path / "tagger", **TAGGER)

    return shared("tagger-contexts", make)


@pytest.mark.slow
def test_it_holds_its_language_models_and_a_copy_predicts_the_same(made: Path, tmp_path: Path) -> None:
    model = elman.load(made / "tagger")
    assert model.config.language_size == 12 and [reader.size for reader in model.contexts.readers] == [6, 6]
    shown = model.info()["model"]["language models"]
    assert shown == "lstm of char tokens, forward and lstm of char tokens, backward"
    shutil.copytree(made / "tagger", tmp_path / "copy", ignore=shutil.ignore_patterns("training"))
    again = elman.load(tmp_path / "copy")
    again.save(tmp_path / "saved")
    for other in (again, elman.load(tmp_path / "saved")):
        assert other.model_hash == model.model_hash
        for text in TEXTS:
            own, found = model.predict([text])[0], other.predict([text])[0]
            assert np.array_equal(own.probabilities, found.probabilities)
    # One by one or together, the same bits.
    for text, together in zip(TEXTS, model.predict(TEXTS), strict=True):
        assert np.array_equal(model.predict([text])[0].probabilities, together.probabilities)


@pytest.mark.slow
def test_the_other_words_of_a_line_change_the_features(made: Path) -> None:
    contexts = elman.load(made / "tagger").contexts
    here, there = (TaggedSentence(words=tuple(text.split())) for text in ("Anna sees me", "Anna paints me"))
    (one,), (other,) = contexts.vectors([here]), contexts.vectors([there])
    # Forward: what comes later changes nothing. Backward: what comes before changes nothing.
    assert np.array_equal(one[0, :6], other[0, :6]) and not np.allclose(one[2, :6], other[2, :6], atol=1e-4)
    assert np.array_equal(one[2, 6:], other[2, 6:]) and not np.allclose(one[0, 6:], other[0, 6:], atol=1e-4)


@pytest.mark.slow
def test_interrupted_and_resumed_it_is_the_same_without_the_language_models(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for direction in ("forward", "backward"):
        shutil.copytree(made / direction, tmp_path / direction)
    starts = [tmp_path / "forward", tmp_path / "backward"]
    with monkeypatch.context() as patched:
        patched.setattr("elman.training.loop.StopRequest", lambda progress: StopAfter(13))
        with pytest.raises(Interrupted):
            elman.train(made / "data.conll", start=starts, out=tmp_path / "parts", **TAGGER)
    for start in starts:
        shutil.rmtree(start)
    elman.resume(tmp_path / "parts")
    weights = [(path / "model.safetensors").read_bytes() for path in (made / "tagger", tmp_path / "parts")]
    assert weights[0] == weights[1]


@pytest.mark.slow
def test_missing_and_changed_language_models_are_noticed(made: Path, tmp_path: Path) -> None:
    for number, change in enumerate((lambda data: data[:-1] + bytes([data[-1] ^ 1]), lambda data: None)):
        copy = tmp_path / str(number)
        shutil.copytree(made / "tagger", copy)
        data = change((copy / CONTEXTS_FILE).read_bytes())
        (copy / CONTEXTS_FILE).unlink() if data is None else (copy / CONTEXTS_FILE).write_bytes(data)
        with pytest.raises(FolderError):
            elman.load(copy)


@pytest.mark.slow
def test_what_is_no_network_is_refused(made: Path, tmp_path: Path) -> None:
    elman.train(made / "text.txt", model="ngram", out=tmp_path / "ngram")
    for start, message in (
        ([tmp_path / "ngram"], "kind ngram, which has no hidden state"),
        ([made / "tagger", made / "tagger"], "--from names 2 models"),
    ):
        with pytest.raises(UsageError, match=message):
            elman.train(made / "data.conll", start=start, **TAGGER)
    with pytest.raises(UsageError, match="add --from"):
        elman.train(made / "data.conll", **TAGGER)
    with pytest.raises(UsageError, match="--from names 2 models"):
        elman.train(made / "text.txt", start=[made / "forward", made / "backward"])


class _Reader:
    """Stands for a language model of one number: how many characters a line has."""

    size = 1

    def __init__(self) -> None:
        self.lines = 0

    def vectors(self, lines: Any) -> list[np.ndarray]:
        self.lines += len(lines)
        return [np.full((len(line.bounds), 1), len(line.text), np.float32) for line in lines]


@pytest.mark.parametrize("most", [1 << 20, 10], ids=["memory", "disk"])
def test_each_part_is_read_once(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("elman.tasks.tag.contexts._IN_MEMORY", most)
    reader = _Reader()
    contexts = Contexts([reader])  # type: ignore[list-item]
    part = [TaggedSentence(words=("a",) * size, tags=("T",) * size) for size in (3, 0, 300, 1)] * 100
    for _ in range(2):
        rows = contexts.rows(part, progress=Progress())
        assert rows is not None and rows.shape == (30400, 1)
        assert rows[:, 0].tolist() == ([5.0] * 3 + [599.0] * 300 + [1.0]) * 100
    assert reader.lines == 400 and isinstance(rows, np.memmap) == (most == 10)


def test_lines_are_written_as_the_text_has_them() -> None:
    text = "\ufeffI'm  not\nNew York!"
    words = ("I", "'m", "not", "New York", "!")
    sentence = TaggedSentence(words=words, text=text, offsets=((1, 2), (2, 4), (6, 9), (10, 18), (18, 19)))
    line = worded_line(sentence)
    assert line.text == "I'm not New York!"
    assert [line.text[start:end] for start, end in line.bounds.tolist()] == list(words)
    decomposed = worded_line(TaggedSentence(words=("Cafe\u0301", "x")))
    assert decomposed.text == "Café x" and decomposed.bounds.tolist() == [[0, 4], [5, 6]]
    assert worded_line(TaggedSentence(words=())).bounds.shape == (0, 2)


def test_features_begin_with_mean_0_and_variance_1() -> None:
    torch.manual_seed(0)
    config = TaggerConfig(embedding_size=3, hidden_size=3, subword_size=2, language_size=2, context_size=4)
    network = TaggerNetwork(config, 5, 2)
    assert network.context is not None
    weight = network.context.weight.detach().clone()
    rows = (np.random.default_rng(0).normal(size=(500, 2)) * [0.1, 7] + [3, -1]).astype(np.float32)
    network.begin(shares=np.array([0.5, 0.5]), contexts=rows)
    plain = torch.from_numpy((rows - rows.mean(0)) / rows.std(0)) @ weight.T
    torch.testing.assert_close(network.context(torch.from_numpy(rows)), plain, atol=0.05, rtol=0.02)
