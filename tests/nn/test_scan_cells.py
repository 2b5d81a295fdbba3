"""The parallel layers: how they start, what they refuse; their steps by hand are in
``test_cells.py``.
"""

import pytest
import torch
import torch.nn.functional as F

from elman.errors import UsageError
from elman.nn.scan_cells import MinGru, MinLstm, RgLru


@pytest.mark.parametrize("kind", [MinGru, MinLstm, RgLru])
def test_hidden_to_hidden_weights_that_are_not_there_cannot_be_dropped(kind) -> None:
    kind(3, 4, weight_drop=0.0)
    with pytest.raises(UsageError, match="weight drop is 0.5, but this kind of layer has no hidden-to-hidden weights"):
        kind(3, 4, weight_drop=0.5)
    with pytest.raises(UsageError, match="weight drop is 1.5; it must be at least 0 and less than 1"):
        kind(3, 4, weight_drop=1.5)
    with pytest.raises(UsageError, match="layer of 0 inputs and 5 units"):
        kind(0, 5)


@pytest.mark.parametrize("kind", [MinGru, MinLstm, RgLru])
def test_the_same_generator_starts_the_same_layer(kind) -> None:
    first, second, other = (kind(6, 9, generator=torch.Generator().manual_seed(seed)) for seed in (5, 5, 6))
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    assert not torch.equal(first.weight_ih, other.weight_ih)


def test_an_rglru_starts_with_long_memories() -> None:
    layer = RgLru(2, 1000, generator=torch.Generator().manual_seed(1))
    kept = torch.exp(-8 * F.softplus(layer.decay))
    assert 0.9 <= kept.min() < 0.905 and 0.994 < kept.max() <= 0.999
    assert kept.mean().item() == pytest.approx((0.9 + 0.999) / 2, abs=0.005)


def test_an_rglru_remembers_in_float32_and_all_that_its_convolution_needs() -> None:
    layer = RgLru(2, 3)
    h, tail = layer.initial_state(5)
    assert (h.shape, tail.shape) == ((5, 3), (5, 9))
    x = torch.randn(5, 20, 2)
    with torch.autocast("cpu", torch.bfloat16):
        _, (h, tail) = layer(x, (h, tail))
        branch = F.linear(x[:, -3:], layer.weight_ih[:3], layer.bias_ih[:3])
    assert h.dtype == tail.dtype == torch.float32
    assert torch.equal(tail, branch.float().flatten(1))
    assert not torch.equal(h, h.bfloat16().float())
