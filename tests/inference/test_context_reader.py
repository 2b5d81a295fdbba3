"""The states of language models at words, against reading token by token."""

from typing import Any

import numpy as np
import pytest
import torch

from elman.errors import FolderError
from elman.inference.context_reader import ContextReader, WordedLine, from_bytes, to_bytes
from elman.inference.model import InferenceModel, inference_config
from elman.models.network_config import NeuralConfig
from elman.models.neural import Network, NeuralModel
from elman.text.tokenizer import Tokenizer, TokenizerConfig

TEXT = ["the cat, the dog", "naïve owls aren't here!"]
LINES = [
    WordedLine("the cat, the owl", np.array([[0, 3], [4, 7], [7, 8], [9, 12], [13, 16]])),
    WordedLine("", np.zeros((0, 2), np.int64)),
    # Words within a word, words that share a place, an empty one, one that no tokenizer here has
    # seen.
    WordedLine("aren't naïve 猫", np.array([[0, 3], [3, 6], [7, 12], [7, 12], [12, 12], [13, 14]])),
    WordedLine("", np.zeros((2, 2), np.int64)),
]
LEVELS: list[dict[str, Any]] = [
    {"level": "char"},
    {"level": "byte"},
    {"level": "subword"},
    {"level": "word", "rules": 2},
]


def model_of(level: dict[str, Any], *, direction: str, int8: tuple[str, ...] = (), **shape: Any) -> InferenceModel:
    more = {} if level["level"] == "byte" else {"min_count": 1}
    tokenizer = Tokenizer.fit(TEXT, config=TokenizerConfig(**level, **more, direction=direction))  # type: ignore[arg-type]
    torch.manual_seed(3)
    config = NeuralConfig(**{"cell": "lstm", "embedding_size": 6, "hidden_size": 5, "layers": 2, **shape})
    network = Network(config, tokenizer.size)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(0, 0.5)
    arrays = NeuralModel(network, tokenizer, config).to_arrays()
    settings = inference_config(arrays, config, model_hash="m", about={"name": "lstm"}, int8=int8)
    return InferenceModel(arrays, tokenizer, settings)


def reader_of(model: InferenceModel) -> ContextReader:
    return ContextReader(model.to_arrays(), model.tokenizer, model.config)


def by_steps(model: InferenceModel, line: WordedLine) -> np.ndarray:
    """The definition: the state after the last token, in the order of reading, that touches the
    word or lies before it."""
    ids, spans, _ = model.tokenizer.encode(line.text)
    backward = model.tokenizer.config.direction == "backward"
    found = []
    for begin, end in line.bounds.tolist():
        read = [at for at, (first, last) in enumerate(spans.tolist()) if (last > begin if backward else first < end)]
        state = model.start()
        for token in ids[: max(read, default=-1) + 1]:
            state = model.advance(np.array([token]), state)
        found.append(model.features(state)[0])
    return np.array(found).reshape(-1, 6)


@pytest.mark.parametrize("direction", ["forward", "backward"])
@pytest.mark.parametrize("level", LEVELS, ids=lambda level: level["level"])
def test_the_states_are_those_after_each_word_step_by_step(level: dict[str, Any], direction: str) -> None:
    model = model_of(level, direction=direction)
    found = reader_of(model).vectors(LINES)
    for line, own in zip(LINES, found, strict=True):
        assert own.shape == (len(line.bounds), 6) and own.dtype == np.float32
        np.testing.assert_allclose(own, by_steps(model, line), atol=1e-5)


def test_characters_by_hand() -> None:
    """At the level of characters the text itself says what has been read."""
    text, bounds = "the cat, the", np.array([[4, 7]])
    for direction, read in (("forward", "the cat"), ("backward", "eht ,tac")):
        model = model_of({"level": "char"}, direction=direction)
        state = model.start()
        for char in read:
            state = model.advance(np.array([model.tokenizer.tokens.index(char)]), state)
        (found,) = reader_of(model).vectors([WordedLine(text, bounds)])
        np.testing.assert_allclose(found, model.features(state), atol=1e-5)


@pytest.mark.parametrize("int8", [(), ("embedding", "stack.layers.0", "stack.layers.1")], ids=["fp32", "int8"])
def test_one_line_and_many_give_the_same_bits_and_so_does_a_file(int8: tuple[str, ...]) -> None:
    readers = [
        reader_of(model_of(LEVELS[0], direction="forward", int8=int8)),
        reader_of(model_of(LEVELS[2], direction="backward", softmax="adaptive", int8=int8)),
    ]
    again = from_bytes(to_bytes(readers))
    assert [reader.hash for reader in again] == [reader.hash for reader in readers]
    assert [reader.description for reader in again] == [
        "lstm of char tokens, forward",
        "lstm of subword tokens, backward",
    ]
    for reader, other in zip(readers, again, strict=True):
        together = reader.vectors(LINES * 3)
        for line, own in zip(LINES * 3, together, strict=True):
            assert np.array_equal(other.vectors([line])[0], own)


def test_the_output_is_not_kept() -> None:
    model = model_of(LEVELS[2], direction="forward", tied=False)
    assert "output.weight" in model.to_arrays()
    assert not any(name.startswith("output.") for name in reader_of(model).to_arrays())


def test_damaged_files_are_refused() -> None:
    data = to_bytes([reader_of(model_of(LEVELS[0], direction="forward"))])
    for damaged in (b"", data[:40], data[:-4], data.replace(b"embedding.weight", b"embedding.height"), b"{}" * 20):
        with pytest.raises(FolderError):
            from_bytes(damaged)
