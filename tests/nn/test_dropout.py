"""Masks: what is drawn, from what, and where it acts."""

import numpy as np
import pytest
import torch

from elman.errors import UsageError
from elman.nn.dropout import Masks, check, drop_types, drop_weights, locked


def test_masks_are_the_bits_of_the_mersenne_twister() -> None:
    # SHA-256 of "5" begins ef 2d 12 7d; NumPy's generator of that seed is the outside oracle.
    start = 0x7D122DEF
    words = np.random.RandomState((start + 3 * 0x9E3779B1) % 2**32).randint(0, 2**32, 6, dtype=np.uint32)
    # torch joins two 32-bit words into 64 bits, the first one above.
    bits = words.reshape(3, 2)[:, ::-1].copy().view(np.int16).ravel()[:10]
    expected = np.where(bits >= round(0.3 * 65536) - 32768, np.float32(65536 / (65536 - 19661)), np.float32(0))
    assert Masks(5, 3).keep(2, 5, drop=0.3).flatten().tolist() == expected.tolist()


def test_the_share_dropped_and_the_scale() -> None:
    mask = Masks(1, 1).keep(1000, 100, drop=0.2)
    assert mask.dtype == torch.float32
    assert sorted(mask.unique().tolist()) == pytest.approx([0, 1.25], abs=1e-4)
    assert (mask == 0).float().mean().item() == pytest.approx(0.2, abs=0.005)
    assert mask.mean().item() == pytest.approx(1, abs=0.005)


def test_neighbouring_elements_are_independent() -> None:
    mask = (Masks(2, 1).keep(2**16, drop=0.5) > 0).double()
    signs = 2 * mask - 1
    for lag in range(1, 9):
        assert abs((signs[lag:] * signs[:-lag]).mean().item()) < 0.015


def test_seed_and_update_key_the_masks_and_threads_do_not() -> None:
    def draw(seed: int, update: int) -> torch.Tensor:
        masks = Masks(seed, update)
        return torch.cat([masks.keep(300, 400, drop=0.4).flatten(), masks.keep(7, drop=0.4)])

    threads = torch.get_num_threads()
    first = draw(1, 10)
    try:
        torch.set_num_threads(1 if threads > 1 else 2)
        assert torch.equal(draw(1, 10), first)
    finally:
        torch.set_num_threads(threads)
    assert not torch.equal(draw(1, 11), first)
    assert not torch.equal(draw(2, 10), first)


def test_masks_leave_the_global_generator_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    Masks(1, 1).keep(100, drop=0.5)
    assert torch.equal(torch.rand(4), expected)


def test_locked_dropout_drops_the_same_units_at_all_steps() -> None:
    y = locked(torch.ones(20, 6, 30), 0.5, Masks(1, 1))
    assert torch.equal(y, y[:, :1].expand_as(y))
    assert not torch.equal(y[0], y[1])
    assert set(y.unique().tolist()) == {0.0, 2.0}


def test_all_occurrences_of_a_type_are_dropped_together() -> None:
    ids = torch.tensor([[0, 1, 2, 3, 1], [2, 2, 0, 3, 1]])
    kept = Masks(4, 1).keep(4, drop=0.5)
    assert 0 < (kept > 0).sum() < 4
    y = drop_types(torch.ones(2, 5, 3), ids, 4, 0.5, Masks(4, 1))
    assert torch.equal(y, kept[ids].unsqueeze(-1).expand(2, 5, 3))


def test_nothing_is_dropped_in_evaluation_or_with_share_zero() -> None:
    x, ids = torch.randn(2, 3, 4), torch.zeros(2, 3, dtype=torch.int64)
    for drop, masks in ((0.5, None), (0.0, Masks(1, 1))):
        assert locked(x, drop, masks) is x
        assert drop_types(x, ids, 4, drop, masks) is x
        assert drop_weights(x, drop, masks) is x


def test_types_stay_under_bfloat16() -> None:
    x = torch.randn(2, 3, 4, dtype=torch.bfloat16)
    assert locked(x, 0.5, Masks(1, 1)).dtype == torch.bfloat16
    assert drop_types(x, torch.zeros(2, 3, dtype=torch.int64), 4, 0.5, Masks(1, 1)).dtype == torch.bfloat16


def test_a_share_of_everything_is_refused() -> None:
    assert check("dropout", 0.5) == 0.5
    for wrong in (1.0, -0.1, float("nan")):
        with pytest.raises(UsageError, match="it must be at least 0 and less than 1"):
            check("dropout", wrong)
