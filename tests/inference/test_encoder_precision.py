"""8 bits where predictions stay the same, float32 elsewhere."""

from typing import Any

import numpy as np
import pytest
import torch

from elman.errors import ModelError
from elman.inference.encoder import InferenceEncoder
from elman.inference.encoder_precision import measured_encoder
from elman.inference.measured import Measured
from elman.models.encoder import Encoder
from elman.models.encoder_config import EncoderConfig

V, K = 30, 3
DRAW = np.random.default_rng(4)
TEXTS = [DRAW.integers(0, V, size) for size in DRAW.integers(0, 12, 200)]


def made(**settings: Any) -> Encoder:
    torch.manual_seed(4)
    encoder = Encoder(EncoderConfig(embedding_size=9, hidden_size=11, pooling="mean", **settings), V, K).eval()
    with torch.no_grad():
        for parameter in encoder.parameters():
            parameter.mul_(3)
    return encoder


def blind(encoder: Encoder) -> Encoder:
    """The output's first weights are huge but meet a zero: rounded by their scale, the others
    vanish.
    """
    with torch.no_grad():
        for name, parameter in encoder.weights().items():
            if name.startswith("forward.layers.0."):
                parameter.view(4, 11, -1)[:, 0] = 0
        encoder.output.weight[:, 0] = 1e4
    return encoder


def logits_of(encoder: Encoder) -> np.ndarray:
    lengths = torch.tensor([len(text) for text in TEXTS])
    ids = torch.nn.utils.rnn.pad_sequence([torch.from_numpy(text) for text in TEXTS], batch_first=True)
    with torch.inference_mode():
        return encoder.logits(ids, lengths).numpy()


def measure(encoder: Encoder, **settings: Any) -> Measured[InferenceEncoder]:
    settings.setdefault("logits", logits_of(encoder))
    return measured_encoder(
        encoder.to_arrays(), encoder.config, vocab_size=V, outputs=K, texts=TEXTS, **settings
    )  # fmt: skip


def test_all_weights_where_predictions_stay_the_same() -> None:
    encoder = made()
    found = measure(encoder)
    assert found.network.precision == found.parity["precision"] == "int8"
    same = (found.network.logits(TEXTS).argmax(1) == logits_of(encoder).argmax(1)).mean()
    assert found.parity["int8"] == {"equal_predictions": same, "figure_change": 0.0, "kept_in_fp32": []}
    assert found.parity["texts"] == 200 and 0 < found.parity["fp32"]["largest_difference"] < 1e-4


def test_what_8_bits_would_spoil_stays_float32() -> None:
    encoder = blind(made())
    found = measure(encoder)
    assert found.parity["int8"]["kept_in_fp32"] == ["output"]
    assert found.network.precision == found.parity["precision"] == "int8+fp32"
    assert (found.network.logits(TEXTS).argmax(1) == logits_of(encoder).argmax(1)).mean() >= 0.99


def test_the_figure_may_change_by_a_fifth_of_a_point() -> None:
    encoder = made()
    logits = logits_of(encoder)

    def figure(rounded: np.ndarray) -> float:
        """A figure that is 0.3 points off wherever anything is rounded."""
        return 50.0 if np.array_equal(rounded, logits) or np.allclose(rounded, logits, atol=1e-4) else 50.3

    assert measure(encoder, figure=figure).network.precision == "fp32"
    kept = measure(encoder, figure=lambda rounded: 50.0 + 0.19 * (rounded[0, 0] != logits[0, 0]))
    assert kept.network.precision == "int8" and kept.parity["int8"]["figure_change"] == pytest.approx(0.19)


def test_of_several_labels_every_one_must_stay() -> None:
    encoder = blind(made())
    found = measure(encoder, predicted=lambda logits: logits > 0)
    assert found.parity["int8"]["kept_in_fp32"] == ["output"]
    both = found.network.logits(TEXTS) > 0, logits_of(encoder) > 0
    assert found.parity["int8"]["equal_predictions"] == (both[0] == both[1]).all(axis=1).mean() >= 0.99


def test_float32_must_agree() -> None:
    encoder = made()
    with pytest.raises(ModelError, match="differ from the network's by 1.0e-02, more than"):
        measure(encoder, logits=logits_of(encoder) + np.float32(0.01))
