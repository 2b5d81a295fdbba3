"""The engine's encoder: against torch, its executors against each other, and rows that never
mix.
"""

from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from elman.cells.registry import CELLS
from elman.errors import FolderError, ModelError, UsageError
from elman.inference.encoder import InferenceEncoder, InferenceEncoderConfig, inference_encoder
from elman.inference.weights import groups_of
from elman.models.encoder import Encoder
from elman.models.encoder_config import EncoderConfig

V, K = 23, 3
SHAPES: dict[str, dict[str, Any]] = {
    "two directions": {"bag": True},
    "one direction, narrow": {"bidirectional": False, "output_size": 5, "layers": 2},
    "three layers": {"layers": 3, "pooling": "max"},
    "attention": {"pooling": "attention", "bag": True},
    "one-hot": {"input": "one-hot", "skip": False, "layers": 2, "pooling": "mean"},
}
CASES = [(cell, shape) for cell in CELLS for shape in SHAPES if shape != "one-hot" or CELLS[cell].window is None]


@cache
def network(cell: str, shape: str) -> Encoder:
    """Odd sizes, and weights large enough that everything that was read matters."""
    torch.manual_seed(len(cell))
    settings: dict[str, Any] = {"embedding_size": 7, "hidden_size": 37, **SHAPES[shape]}
    # Scaled to variance 1, a few numbers would make much of little.
    settings |= {"embedding_size": 26, "window": 5} if CELLS[cell].window else {}
    settings |= {"heads": 2} if cell == "transformer" else {}
    settings |= {"skip": True, "output_size": None} if CELLS[cell].window else {}
    encoder = Encoder(EncoderConfig(cell=cell, **settings), V, K).eval()
    with torch.no_grad():
        for name, parameter in encoder.named_parameters():
            parameter.mul_(1.0 if cell == "transformer" else 1.5)
            if "bias" in name or not parameter.any():
                parameter.uniform_(-0.3, 0.3)
    return encoder


def engine_of(encoder: Encoder, *, int8: bool | list[str] = True, patience: int = 0) -> InferenceEncoder:
    arrays = encoder.to_arrays()
    groups = int8 if isinstance(int8, list) else groups_of(arrays) if int8 else ()
    return inference_encoder(arrays, encoder.config, vocab_size=V, outputs=K, int8=groups, patience=patience)


def drawn_texts(rows: int, longest: int = 9, seed: int = 1) -> list[NDArray[np.int64]]:
    """One is empty."""
    draw = np.random.default_rng(seed)
    sizes = draw.integers(0, longest + 1, rows)
    sizes[rows // 2] = 0
    return [draw.integers(0, V, size) for size in sizes]


def padded(texts: list[NDArray[np.int64]], *, more: int = 0) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Whatever stands at padding."""
    lengths = np.array([len(text) for text in texts])
    ids = np.random.default_rng(2).integers(-999, 999, (len(texts), lengths.max() + more))
    for row, text in zip(ids, texts, strict=True):
        row[: len(text)] = text
    return ids, lengths


def of_torch(encoder: Encoder, texts: list[NDArray[np.int64]]) -> NDArray[np.float32]:
    with torch.inference_mode():
        return encoder.logits(*map(torch.from_numpy, padded(texts))).numpy()


@pytest.mark.parametrize(("cell", "shape"), CASES)
def test_float32_is_what_torch_computes(cell: str, shape: str) -> None:
    encoder, texts = network(cell, shape), drawn_texts(9)
    engine, wanted = engine_of(encoder, int8=False), of_torch(encoder, texts)
    assert engine.precision == "fp32"
    np.testing.assert_allclose(engine.logits(texts), wanted, rtol=0, atol=1e-5)
    np.testing.assert_allclose(engine.log_probs(texts), torch.tensor(wanted).log_softmax(1), rtol=0, atol=1e-5)


@pytest.mark.parametrize(("cell", "shape"), CASES)
def test_interpreter_and_kernels_give_the_same_bits(cell: str, shape: str) -> None:
    encoder, texts = network(cell, shape), drawn_texts(9)
    fast, slow = (engine_of(encoder, patience=patience) for patience in (0, 1 << 30))
    wanted = of_torch(encoder, texts)
    for name in ("logits", "log_probs"):
        assert getattr(fast, name)(texts).tobytes() == getattr(slow, name)(texts).tobytes()
    assert fast.precision == "int8"
    # 8 bits round each weight and each number by at most half a per cent of the largest.
    assert np.abs(fast.logits(texts) - wanted).max() < 0.1 * np.abs(wanted).max() + 0.05
    assert all(engine._executor is None for engine in slow._engines.values())
    assert all(engine._executor is not None for engine in fast._engines.values())


@pytest.mark.parametrize("int8", [True, False])
@pytest.mark.parametrize(("cell", "shape"), [(cell, "two directions") for cell in CELLS] + [("gru", "attention")])
def test_a_text_gives_the_same_bits_among_any_others(cell: str, shape: str, int8: bool) -> None:
    engine, texts = engine_of(network(cell, shape), int8=int8), drawn_texts(70)  # more than run together
    together = engine.logits(texts)
    assert np.concatenate([engine.logits([text]) for text in texts]).tobytes() == together.tobytes()
    order = np.random.default_rng(3).permutation(70)
    assert engine.logits([texts[number] for number in order]).tobytes() == together[order].tobytes()
    for more in (0, 5):
        assert engine.logits(*padded(texts, more=more)).tobytes() == together.tobytes()


def test_blocks_of_rows_are_not_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    engine, texts = engine_of(network("lstm", "two directions")), drawn_texts(300)
    wanted = engine.logits(texts)
    monkeypatch.setattr("elman.inference.encoder._NUMBERS", 3 * 10 * 77)
    assert engine.logits(texts).tobytes() == wanted.tobytes()


def test_the_change_from_interpreter_to_kernels_is_not_seen() -> None:
    texts = drawn_texts(12)
    early, late = (engine_of(network("gru", "attention"), patience=patience) for patience in (0, 40))
    for _ in range(3):
        assert [early.logits([text]).tobytes() for text in texts] == [late.logits([text]).tobytes() for text in texts]
    assert late._engines["forward.step"]._executor is not None


@pytest.mark.slow
@pytest.mark.parametrize("shape", ["one direction, narrow", "attention", "one-hot"])
def test_to_arrays_is_all_that_is_needed(shape: str) -> None:
    encoder, texts = network("gru", shape), drawn_texts(5)
    every = groups_of(encoder.to_arrays())
    for int8 in (every, every[::2], []):
        made = engine_of(encoder, int8=list(int8))
        kept, config = made.to_arrays(), InferenceEncoderConfig.from_json(made.config.to_json())
        again = InferenceEncoder(kept, config)
        assert again.precision == made.precision == ("int8" if int8 == every else "int8+fp32" if int8 else "fp32")
        assert again.logits(texts).tobytes() == made.logits(texts).tobytes()
        assert {name: array.tobytes() for name, array in again.to_arrays().items()} == {
            name: array.tobytes() for name, array in kept.items()
        }
        for name in kept:
            if not name.endswith(".scales"):  # without its scales a matrix is taken for one that is not rounded
                with pytest.raises(FolderError):
                    InferenceEncoder({other: array for other, array in kept.items() if other != name}, config)


def test_groups_are_named_after_what_they_hold() -> None:
    assert groups_of(network("lstm", "three layers").to_arrays()) == [
        "backward.layers.0", "backward.layers.1", "backward.layers.2", "backward.skips.0", "backward.skips.1",
        "embedding", "forward.layers.0", "forward.layers.1", "forward.layers.2", "forward.skips.0", "forward.skips.1",
        "output",
    ]  # fmt: skip
    assert {"attention", "bag"} <= set(groups_of(network("gru", "attention").to_arrays()))


def test_no_texts_and_empty_texts() -> None:
    engine = engine_of(network("lstm", "two directions"))
    assert engine.logits([]).shape == (0, K) and engine.logits(np.zeros((0, 4), np.int64)).shape == (0, K)
    empty = engine.logits([[]])
    assert engine.logits(np.zeros((2, 0), np.int64)).tobytes() == 2 * empty.tobytes()
    assert engine.logits([[], [3]]).tobytes()[: 4 * K] == empty.tobytes()


@pytest.mark.parametrize(
    ("texts", "lengths", "message"),
    [
        ([[V + 1]], None, f"ids go from 0 to {V}; -?\\d+ to {V + 1} were given"),
        ([[-1]], None, f"ids go from 0 to {V}; -1"),
        (np.zeros((2, 3), np.int64), np.array([1, 4]), "lengths are \\[1, 4\\]; there must be 2 of them, from 0 to 3"),
        (np.zeros((2, 3), np.int64), np.array([1]), "lengths are \\[1\\]; there must be 2"),
        ([[1]], np.array([1]), "lengths belong to padded ids"),
    ],
)
def test_what_is_refused(texts: Any, lengths: Any, message: str) -> None:
    for patience in (0, 100):
        with pytest.raises(ModelError, match=message):
            engine_of(network("lstm", "two directions"), patience=patience).logits(texts, lengths)


def test_hostile_configurations_are_refused() -> None:
    encoder = network("lstm", "two directions")
    made = engine_of(encoder)
    for changes in ({"vocab_size": 0}, {"outputs": 1 << 40}, {"int8": [3]}, {"gain": 0.0}):
        with pytest.raises(UsageError):
            made.config.replace(**changes)
    with pytest.raises(UsageError, match="unknown key 'depth'"):
        InferenceEncoder({}, made.config.replace(network={"depth": 3}))
    with pytest.raises(FolderError, match="its state would have parts of"):
        huge = EncoderConfig(cell="conv", embedding_size=1 << 20, window=1024).to_json()
        InferenceEncoder({}, made.config.replace(network=huge))
    with pytest.raises(FolderError, match="needs float32"):
        InferenceEncoder(encoder.to_arrays(), made.config.replace(outputs=K + 1, int8=[]))
