"""What the sizes are chosen by."""

import pytest

from elman.models.shape import NeuralConfig
from elman.nn.sequence import CELLS
from elman.training.recipe import PRODUCTS, flop_per_token


@pytest.mark.parametrize("cell", CELLS)
def test_products_are_those_of_the_cell(cell: str) -> None:
    layer = CELLS[cell](5, 7)
    matrices = {name: part for name, part in layer.named_parameters() if part.ndim == 2 and name != "weight_conv"}
    from_below, own = PRODUCTS[cell]
    assert sum(part.numel() for part in matrices.values()) == 7 * (5 * from_below + 7 * own)


def test_flop_by_hand() -> None:
    # RG-LRU, 3 -> 5 -> 3 and 100 types: 5 * (2 * 3 + 3 * 5) + 3 * (2 * 5 + 3 * 3) + 100 * 3 weights, six FLOP each
    config = NeuralConfig(cell="rglru", layers=2, embedding_size=3, hidden_size=5, skip=False)
    assert flop_per_token(config, 100) == 6 * (105 + 57 + 300)
    # minGRU: 5 * 2 * 3 + 3 * 2 * 5 + 300
    assert flop_per_token(config.replace(cell="mingru"), 100) == 6 * 360
