"""Small networks with weights large enough that everything they have read matters."""

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import torch

from elman.cells.registry import CELLS
from elman.models.network_config import NeuralConfig
from elman.models.neural import Network, NeuralModel
from elman.text.tokenizer import Tokenizer, TokenizerConfig

LINES = ["the cat sat on the mat", "the dog sat on the log", "a cat and a dog saw the mat"] * 3
Make = Callable[..., NeuralModel]


@cache
def words() -> Tokenizer:
    return Tokenizer.fit(LINES, config=TokenizerConfig(min_count=1))


def make(cell: str, **shape: Any) -> NeuralModel:
    torch.manual_seed(len(cell))
    # Scaled to variance 1, six numbers would make much of little.
    settings: dict[str, Any] = {"embedding_size": 6, "hidden_size": 37}
    settings |= {"embedding_size": 26, "window": 5} if CELLS[cell].window else {}
    settings |= {"heads": 2} if cell == "transformer" else {}
    config = NeuralConfig(cell=cell, **settings | shape)  # type: ignore[arg-type]
    network = Network(config, words().size)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            # Attention is an exponential of products: with larger weights, what rounds it a little
            # changes it a lot.
            parameter.mul_(1.0 if cell == "transformer" else 1.5)
            if "bias" in name or not parameter.any():
                parameter.uniform_(-0.3, 0.3)
    return NeuralModel(network, words(), config)


SHAPES: dict[str, dict[str, Any]] = {
    "tied": {},
    "own weights, three layers": {"tied": False, "layers": 3},
    "one-hot": {"tied": False, "input": "one-hot", "skip": False},
    "adaptive": {"softmax": "adaptive"},
    "adaptive, own weights": {"softmax": "adaptive", "tied": False},
    "projected": {"projection": True, "layers": 3},
}
"""Ways in which a network's ends differ."""


def cases(cells: Iterable[str]) -> list[tuple[str, str]]:
    """Each cell with the shapes it can have; a projection, which no cell sees, with one cell
    only."""
    return [
        (cell, shape)
        for cell in cells
        for shape in SHAPES
        if (shape != "one-hot" or CELLS[cell].window is None) and (shape != "projected" or cell == "lstm")
    ]
