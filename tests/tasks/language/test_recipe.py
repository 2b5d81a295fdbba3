"""What the sizes are chosen by."""

import pytest

from elman.cells.cell import Sizes
from elman.cells.counting import products
from elman.cells.registry import CELLS
from elman.models.network_config import NeuralConfig
from elman.models.neural import Network
from elman.nn.sequence import make_layer
from elman.tasks.language.plan import LanguagePlan
from elman.tasks.language.recipe import RecipeInputs, choose, flop_per_token

PRODUCTS = {
    "lstm": (4, 4), "gru": (3, 3), "rnn": (1, 1), "rnn-relu": (1, 1),
    "mingru": (2, 0), "minlstm": (3, 0), "rglru": (2, 3),
}  # fmt: skip
"""Matrix products of each cell, counted in the papers' equations: with its input, and with vectors
of its own size."""


@pytest.mark.parametrize("cell", [name for name in CELLS if not CELLS[name].window])
def test_products_are_those_of_the_cell(cell: str) -> None:
    from_below, own = PRODUCTS[cell]
    assert products(CELLS[cell], Sizes(inputs=5, hidden=7)) == 7 * (5 * from_below + 7 * own)


def test_flop_by_hand() -> None:
    # RG-LRU, 3 -> 5 -> 3 and 100 types: 5 * (2 * 3 + 3 * 5) + 3 * (2 * 5 + 3 * 3) + 100 * 3
    # weights, six FLOP each
    config = NeuralConfig(cell="rglru", layers=2, embedding_size=3, hidden_size=5, skip=False)
    assert flop_per_token(config, 100) == 6 * (105 + 57 + 300)
    # minGRU: 5 * 2 * 3 + 3 * 2 * 5 + 300
    assert flop_per_token(config.replace(cell="mingru"), 100) == 6 * 360


@pytest.mark.parametrize("cell", [name for name in CELLS if CELLS[name].window])
def test_products_of_layers_that_see_a_window(cell: str) -> None:
    config = NeuralConfig(cell=cell, layers=3, embedding_size=6, hidden_size=10, window=5)
    network = Network(config, 40)
    weights = sum(part.numel() for part in network.parameters() if part.ndim == 2)
    weights -= 6  # the vector of `<s>`, which no word is predicted by
    # Attention multiplies each of a token's units with five keys and five values.
    weights += 3 * 2 * 5 * 6 if cell == "transformer" else 0
    assert flop_per_token(config, 40) == 6 * weights


@pytest.mark.parametrize("cell", CELLS)
def test_states_are_those_of_the_network(cell: str) -> None:
    config = NeuralConfig(cell=cell, layers=3, embedding_size=6, hidden_size=10)
    stack = Network(config, 40).stack
    named = [f"{name}{layer}" for layer, parts in enumerate(config.states) for name in parts]
    assert tuple(named) == stack.state_names
    assert [size for parts in config.states for size in parts.values()] == [p.shape[1] for p in stack.initial_state(1)]


@pytest.mark.parametrize("kind", CELLS)
@pytest.mark.parametrize(
    ("epochs", "level", "dropped"), [(7.6, "word", 0.0), (20.0, "word", 0.25), (90.0, "word", 0.3), (90.0, "char", 0.0)]
)
def test_only_what_is_read_often_loses_hidden_weights(kind: str, epochs: float, level: str, dropped: float) -> None:
    inputs = RecipeInputs(kind, 930_000, 10_000, level, None, epochs)
    _, settings = choose(inputs, config={}, plan={})
    assert settings["weight_drop"] == (dropped if kind in ("lstm", "gru", "rnn", "rnn-relu") else 0.0)
    # What is chosen can be run.
    make_layer(kind, 4, 5, weight_drop=settings["weight_drop"])
    LanguagePlan(updates=1, **settings)
