"""The shape of an encoder: what is refused, and what a language model's stack fixes."""

from typing import Any

import pytest

from elman.cells.registry import CELLS
from elman.config import field_docs
from elman.errors import UsageError
from elman.models.encoder_config import EncoderConfig
from elman.models.network_config import NeuralConfig


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"cell": "xyz"}, "unknown cell 'xyz'"),
        ({"layers": 0}, "layers is 0; it must be at least 1"),
        ({"layers": 65}, "layers is 65; more than 64"),
        ({"hidden_size": 2**20 + 1}, "hidden_size is 1048577"),
        ({"output_size": 0}, "output_size is 0; it must be at least 1"),
        ({"pooling": "sum"}, "pooling is 'sum'; it must be 'mean-max-last' or 'mean' or"),
        ({"window": 4}, "window does not apply to lstm"),
        ({"cell": "conv", "window": 1}, "window is 1; it must be at least 2"),
        ({"cell": "conv", "input": "one-hot"}, "one-hot input is for recurrent cells"),
        ({"cell": "conv", "skip": False}, "leave out --no-skip"),
        ({"heads": 2}, "heads do not apply to lstm"),
    ],
)
def test_what_is_not_allowed(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        EncoderConfig.from_json(settings)


def test_sizes_by_hand() -> None:
    one = EncoderConfig(cell="gru", bidirectional=False, hidden_size=5, output_size=3, layers=2, pooling="mean")
    assert [(sizes.inputs, sizes.hidden) for sizes in one.sizes()] == [(96, 5), (5, 3)]
    assert (one.token_size, one.pooled_size, one.directions) == (3, 3, ("forward",))
    two = one.replace(bidirectional=True, pooling="mean-max-last", output_size=None)
    assert (two.token_size, two.pooled_size) == (10, 30)
    # Layers that see a window are as wide as the embedding; H is inside of each.
    conv = EncoderConfig(cell="conv", embedding_size=7, hidden_size=5, layers=2)
    assert [(sizes.inputs, sizes.hidden, sizes.inner) for sizes in conv.sizes()] == [(7, 7, 5), (7, 7, 5)]


def test_every_field_is_explained() -> None:
    assert set(field_docs(EncoderConfig)) == {*EncoderConfig().to_json(), "projection"}


@pytest.mark.parametrize("cell", CELLS)
def test_a_language_model_fixes_the_forward_layers(cell: str) -> None:
    lm = NeuralConfig(cell=cell, layers=3, embedding_size=6, hidden_size=10)
    config = EncoderConfig.from_language_model(lm, pooling="max", bidirectional=False)
    assert config.sizes() == lm.sizes() and config.states == lm.states and config.pooling == "max"
    assert EncoderConfig.from_json(config.to_json()) == config
    config.check_language_model(lm)
    with pytest.raises(UsageError, match="layers is 2, but the language model has 3"):
        EncoderConfig.from_language_model(lm, layers=2)


def test_a_language_model_of_another_shape_is_refused() -> None:
    lm = NeuralConfig(embedding_size=6, hidden_size=10)
    config = EncoderConfig.from_language_model(lm)
    with pytest.raises(UsageError, match="output_size is 6, but the language model has 10; choose the same"):
        config.check_language_model(lm.replace(tied=False))


def test_the_configuration_of_language_models_is_unchanged() -> None:
    """Its representation is part of their hash, and old folders hold its JSON."""
    config = NeuralConfig(cell="feed-forward", window=5)
    assert repr(config) == (
        "NeuralConfig(cell='feed-forward', layers=2, embedding_size=256, hidden_size=512, tied=True, skip=True, "
        "input='learned', softmax='full', samples=None)"
    )
    assert list(config.to_json()) == [
        "cell", "layers", "embedding_size", "hidden_size", "tied", "skip", "input", "softmax", "samples", "window",
        "heads",
    ]  # fmt: skip
