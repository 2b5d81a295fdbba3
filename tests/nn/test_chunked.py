"""The chunked loss in machine code and by torch: the same figures; and sums over many chunks lose
nothing.
"""

import pytest
import torch

from elman.nn import chunked
from elman.nn.chunked import chunked_loss

N, E, V = 41, 6, 11


def everything(*, low: bool) -> list[torch.Tensor]:
    """The loss and its gradients, seven rows a chunk, the weights with one row more than there are
    types.
    """
    generator = torch.Generator().manual_seed(1)
    y, weight, bias = (torch.randn(shape, generator=generator).requires_grad_() for shape in ((N, E), (V + 1, E), (V,)))
    targets = torch.randint(0, V, (N,), generator=generator)
    with torch.autocast("cpu", torch.bfloat16, enabled=low):
        total = chunked_loss(y, weight, bias, targets, logits=7 * V)
    return [total.detach(), *torch.autograd.grad(3 * total, [y, weight, bias])]


@pytest.mark.parametrize("low", [False, True], ids=["float32", "bfloat16"])
def test_machine_code_gives_what_torch_gives(monkeypatch: pytest.MonkeyPatch, low: bool) -> None:
    compiled = everything(low=low)
    monkeypatch.setattr(chunked, "_compiles", lambda scores: False)
    tolerance = 1e-2 if low else 2e-6
    for found, expected in zip(compiled, everything(low=low), strict=True):
        assert found.dtype == expected.dtype == torch.float32
        torch.testing.assert_close(found, expected, rtol=tolerance, atol=tolerance * expected.abs().max().item())


@pytest.mark.parametrize("compiles", [True, False], ids=["compiled", "plain"])
def test_many_chunks_are_added_up_in_float32(monkeypatch: pytest.MonkeyPatch, compiles: bool) -> None:
    # Each of 1000 chunks adds 1/2 to the gradients of three types; in bfloat16 the sum would stop
    # at 128.
    monkeypatch.setattr(chunked, "_compiles", lambda scores: compiles)
    y, weight, bias = torch.ones(2000, 2), torch.zeros(4, 2, requires_grad=True), torch.zeros(4, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16):
        total = chunked_loss(y, weight, bias, torch.zeros(2000, dtype=torch.int64), logits=8)
    d_weight, d_bias = torch.autograd.grad(total, [weight, bias])
    assert d_bias.tolist() == [-1500, 500, 500, 500]
    assert d_weight.tolist() == [[-1500] * 2, *[[500] * 2] * 3]


def test_backward_twice_gives_the_same() -> None:
    y, weight, bias = torch.randn(9, 3, requires_grad=True), torch.randn(5, 3, requires_grad=True), torch.zeros(5)
    total = chunked_loss(y, weight, bias, torch.arange(9) % 5)
    first = torch.autograd.grad(total, [y, weight], retain_graph=True)
    second = torch.autograd.grad(total, [y, weight])
    assert all(torch.equal(one, other) for one, other in zip(first, second, strict=True))
