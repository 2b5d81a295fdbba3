"""The short convolution against torch's own, and the compiled one against the sum over lags."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from elman.nn.causal_conv import by_shifts, causal_conv

T, B, H, K = 19, 4, 21, 4
RESET = torch.zeros(T, B, dtype=torch.bool)
RESET[0, 0] = RESET[5, 0] = RESET[6, 0] = RESET[T - 1, 1] = RESET[T - 2, 3] = True
LENGTHS = [None, torch.tensor([T - 6, 0, T, T - 1]), torch.tensor([1, 2, 6, 7])]


def leaves(dtype: torch.dtype = torch.float64, steps: int = T) -> list[Tensor]:
    generator = torch.Generator().manual_seed(1)
    shapes = ((steps, B, H), (B, (K - 1) * H), (K, H), (H,))
    return [torch.randn(*shape, generator=generator, dtype=dtype).requires_grad_() for shape in shapes]


def test_it_is_torchs_grouped_convolution() -> None:
    x, tail, weight, bias = leaves()
    window = torch.cat([tail.view(B, K - 1, H), x.transpose(0, 1)], dim=1).transpose(1, 2)
    expected = F.conv1d(window, weight.t().unsqueeze(1), bias, groups=H).permute(2, 0, 1)
    for run in (causal_conv, by_shifts):
        sums, after = run(x, tail, weight, bias)
        torch.testing.assert_close(sums, expected, rtol=1e-13, atol=1e-13)
        assert torch.equal(after.view(B, K - 1, H), x[-3:].transpose(0, 1))


@pytest.mark.parametrize("steps", [1, 2, 3, T])
@pytest.mark.parametrize("lengths", LENGTHS, ids=["full", "padded", "short"])
@pytest.mark.parametrize("reset", [None, RESET], ids=["carried", "reset"])
def test_the_compiled_one_is_the_sum_over_lags(reset: Tensor | None, lengths: Tensor | None, steps: int) -> None:
    parts = leaves(steps=steps)
    options = {
        "reset": None if reset is None else reset[:steps],
        "lengths": None if lengths is None else lengths.clamp(max=steps),
    }
    real = torch.ones(steps, B, 1, dtype=torch.bool)
    if lengths is not None:
        real = torch.arange(steps).view(-1, 1, 1) < lengths.view(1, -1, 1)
    results = []
    for run in (causal_conv, by_shifts):
        sums, after = run(*parts, **options)
        sums = sums.where(real, 0)
        total = sums.sin().sum() + (after + 1).cos().sum()
        results.append([sums, after, *torch.autograd.grad(total, parts)])
    for found, expected in zip(*results, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("run", [causal_conv, by_shifts])
@pytest.mark.parametrize("start", [0, 6])
def test_a_start_hides_what_was_before(run, start: int) -> None:
    x, tail, weight, bias = leaves()
    with torch.no_grad():
        tail[0] = torch.nan
        x[:start, 0] = torch.nan
    reset = torch.zeros(T, B, dtype=torch.bool)
    reset[start, 0] = True
    sums, after = run(x, tail, weight, bias, reset=reset)
    alone, alone_after = run(x[start:, :1], torch.zeros(1, (K - 1) * H, dtype=tail.dtype), weight, bias)
    assert torch.equal(sums[start:, :1], alone) and torch.equal(after[:1], alone_after)
    assert sums[:start, 0].isnan().all()
    d_x, d_tail, d_weight, d_bias = torch.autograd.grad(sums[start:].sum() + after.sum(), [x, tail, weight, bias])
    assert (d_x[:start, 0] == 0).all() and (d_tail[0] == 0).all()
    assert (d_x[start:] != 0).all() and torch.isfinite(d_bias).all()
    if start == 0:
        assert torch.isfinite(d_weight).all()


def test_bfloat16_is_added_up_in_float32() -> None:
    # 256 + 1 + 1 + 1: one after the other, bfloat16 would stay at 256.
    x = torch.tensor([1.0, 1, 1, 256]).view(4, 1, 1).to(torch.bfloat16)
    given = torch.zeros(1, 3), torch.ones(4, 1, requires_grad=True), torch.zeros(1)
    for run in (causal_conv, by_shifts):
        sums, after = run(x, *given)
        assert sums.dtype == torch.bfloat16 and sums[3].item() == 260  # 259, to the 8 bits there are
        assert after.dtype == torch.float32 and after.flatten().tolist() == [1, 1, 256]
