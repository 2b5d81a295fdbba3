"""What is said of a network's sizes is what its weights are."""

import re
from typing import Any

import pytest
import torch
from tests.networks import make

from elman.cells.registry import CELLS
from elman.errors import UsageError
from elman.inference.model import inference_model
from elman.models.network_config import NeuralConfig
from elman.models.neural import Network
from elman.tasks.language.model import Model
from elman.tasks.language.recipe import RecipeInputs, choose, flop_per_token
from elman.tasks.language.request import LanguageRequest
from elman.text.speller import Speller

SHAPES: list[dict[str, Any]] = [
    {"layers": 1}, {"layers": 1, "projection": True}, {"layers": 2}, {"layers": 2, "hidden_size": 26},
    {"layers": 3}, {"layers": 3, "projection": True}, {"layers": 4, "tied": False},
]  # fmt: skip


def outputs_said(size: str) -> tuple[list[int], int]:
    """The output size of each layer, and of all together, from a size in words."""
    layers, projected, inner = re.fullmatch(
        r"([\dx> -]+?)(?: projected to (\d+))?(?:, inner size (\d+))?, embedding 26.*", size
    ).groups()  # type: ignore[union-attr]
    sizes: list[int] = []
    for part in layers.split(" -> "):
        count, _, width = part.rpartition(" x ")
        sizes += [int(width)] * int(count or 1)
    return sizes, int(projected or sizes[-1])


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("cell", CELLS)
def test_what_is_said_is_what_is_built(cell: str, shape: dict[str, Any]) -> None:
    windowed = CELLS[cell].window is not None
    shape = {name: value for name, value in shape.items() if not (windowed and name == "projection")}
    model = make(cell, **{"embedding_size": 26, **shape})
    network, config = model.network, model.config
    built: list[int] = []
    for layer in network.stack.layers:
        layer.register_forward_hook(lambda _module, _x, y: built.append(y[0].shape[-1]))
    with torch.no_grad():
        top, _ = network(torch.zeros(1, 1, dtype=torch.int64), network.initial_state(1))
    arrays, size = model.to_arrays(), model.describe()["size"]
    assert outputs_said(size) == (built, top.shape[-1])
    assert built == config.outputs
    if windowed:
        (inner,) = map(int, re.findall(r"inner size (\d+)", size))
        assert any(inner in array.shape for name, array in arrays.items() if name.startswith("stack.layers.0."))
    # What the engine, and so `elman info`, says does not come from the folder.
    engine = inference_model(
        arrays, config, model.tokenizer, model_hash="", about={**model.describe(), "size": "?"}, int8=()
    )
    info = Model(engine, Speller.fit({"cat": 1})).info()["model"]
    assert info["size"] == size
    assert info["parameters"] == sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize("hidden", [5, 26, 40])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("cell", ["lstm", "mingru"])
def test_the_hidden_size_that_is_asked_for_is_built(cell: str, layers: int, hidden: int) -> None:
    inputs = RecipeInputs(cell, 10_000, 50, "word", None)
    given = {"layers": layers, "embedding_size": 26, "hidden_size": hidden}
    config, _ = choose(inputs, config=given, plan={})
    assert config.outputs == [hidden] * layers and config.top_size == 26
    weights = sum(part.numel() for part in Network(config, 50).parameters() if part.ndim == 2)
    own = sum(part.numel() for name, part in Network(config, 50).named_parameters() if name.endswith("weight_hh"))
    assert flop_per_token(config, 50) == 6 * (weights - 26) and (own > 0) == (cell == "lstm")


def test_sizes_of_the_recipe_have_no_projection() -> None:
    inputs = RecipeInputs("lstm", 930_000, 10_000, "word", 2.3e8 * 930_000)
    assert choose(inputs, config={}, plan={})[0].outputs == [512, 256]
    one, _ = choose(inputs, config={"layers": 1}, plan={})
    assert one.outputs == [one.embedding_size] == [one.hidden_size]
    assert choose(inputs, config={"hidden_size": 700, "tied": False}, plan={})[0].outputs == [700, 700]


def test_a_hidden_size_that_nothing_has_is_refused() -> None:
    settings = {"layers": 1, "hidden_size": 9, "projection": False}
    with pytest.raises(UsageError, match="a single tied layer has embedding_size; leave out --hidden-size"):
        LanguageRequest.of(kind="gru", settings=settings, sources=("text",))
    for wrong, message in (
        ({"tied": False}, "projection leads to a tied output"),
        ({"cell": "conv"}, "all layers of a conv network have embedding_size"),
    ):
        with pytest.raises(UsageError, match=message):
            NeuralConfig(projection=True, **wrong)  # type: ignore[arg-type]
