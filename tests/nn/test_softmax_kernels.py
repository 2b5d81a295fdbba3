"""Cross entropy in machine code against torch in float64."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from elman.nn import softmax_kernels


def array(part: Tensor) -> np.ndarray:
    return (part.view(torch.uint16) if part.dtype == torch.bfloat16 else part).numpy()


def losses(products: Tensor, bias: Tensor, targets: Tensor, *, cut: int = 0) -> tuple[Tensor, Tensor]:
    """Nats and gradients, the rows in two calls."""
    nats, scores = torch.full((len(products),), torch.nan), products.clone()
    for start, stop in ((0, cut), (cut, len(products))):
        softmax_kernels.losses(array(scores), array(bias), array(targets), array(nats), start, stop)
    return nats, scores


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16], ids=["float32", "bfloat16"])
@pytest.mark.parametrize("vocab", [1, 2, 255, 256, 257, 1000])
def test_nats_and_gradients_are_those_of_cross_entropy(vocab: int, kind: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(vocab)
    products = (4 * torch.randn(11, vocab, generator=generator)).to(kind)
    bias = torch.randn(vocab, generator=generator)
    targets = torch.randint(0, vocab, (11,), generator=generator)
    targets[:2] = torch.tensor([0, vocab - 1])
    exact = (products.double() + bias.double()).requires_grad_()
    expected = F.cross_entropy(exact, targets, reduction="none")
    (slope,) = torch.autograd.grad(expected.sum(), exact)
    nats, scores = losses(products, bias, targets, cut=4)
    torch.testing.assert_close(nats.double(), expected.detach(), rtol=2e-6, atol=2e-6)
    rounding = 2**-8 if kind == torch.bfloat16 else 2e-6
    torch.testing.assert_close(scores.double(), slope, rtol=rounding, atol=1e-7)

    total = torch.ones(vocab)
    for start, stop in ((0, vocab // 3), (vocab // 3, vocab)):
        softmax_kernels.add_columns(array(scores), array(total), start, stop)
    torch.testing.assert_close(total.double(), 1 + scores.double().sum(dim=0), rtol=1e-6, atol=1e-6)


def test_far_scores_neither_overflow_nor_lose_their_loss() -> None:
    products = torch.tensor([[1e4, -1e4, 0.0], [-1e4, -1e4, -1e4], [3e38, 0.0, -3e38]])
    nats, scores = losses(products, torch.zeros(3), torch.tensor([1, 0, 2]))
    expected = F.cross_entropy(products.double(), torch.tensor([1, 0, 2]), reduction="none")
    assert nats[:2].tolist() == pytest.approx(expected[:2].tolist(), rel=1e-6)
    assert nats[2] == torch.inf  # 6e38 is more than float32 holds; training stops at it
    torch.testing.assert_close(scores[0], torch.tensor([1.0, -1, 0]), rtol=0, atol=1e-30)
    torch.testing.assert_close(scores[1], torch.tensor([-2 / 3, 1 / 3, 1 / 3]))


@pytest.mark.parametrize("place", [0, 5, 299])
@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_what_is_not_finite_is_seen(number: float, place: int) -> None:
    products = torch.zeros(2, 300)
    products[1, place] = number
    nats, scores = losses(products, torch.zeros(300), torch.tensor([7, 7]))
    assert nats[0].item() == pytest.approx(np.log(300))
    assert not nats[1].isfinite()
    assert not scores[1].isfinite().all()


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16], ids=["float32", "bfloat16"])
def test_rows_are_added_to_sums_in_the_wider_type(kind: torch.dtype) -> None:
    parts, total = torch.randn(7, 33, generator=torch.Generator().manual_seed(1)).to(kind), torch.full((7, 33), 3.0)
    expected = total + parts.float()
    for start, stop in ((0, 2), (2, 7)):
        softmax_kernels.add_rows(array(total), array(parts), start, stop)
    assert torch.equal(total, expected)
