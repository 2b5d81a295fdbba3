"""The linear recurrence: against pencil and paper, torch's running sums and products, and its slow
twin.
"""

import subprocess
import sys

import pytest
import torch
from torch import Tensor

from elman.nn import scan_triton
from elman.nn.scan import SHORT, by_steps, scan

T, B, H = SHORT + 4, 3, 37
RESET = torch.zeros(T, B, dtype=torch.bool)
RESET[0, 0] = RESET[5, 0] = RESET[6, 0] = RESET[T - 1, 1] = True
LENGTHS = torch.tensor([T - 6, 0, T])


def numbers(*shape: int, seed: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def leaves(dtype: torch.dtype = torch.float64, size: int = H) -> list[Tensor]:
    shapes = ((T, B, size), (T, B, size), (B, size))
    return [numbers(*shape, seed=seed, dtype=dtype).requires_grad_() for seed, shape in enumerate(shapes)]


def slowly(a: Tensor, b: Tensor, h: Tensor, reset: Tensor | None, lengths: Tensor | None) -> tuple[Tensor, Tensor]:
    """Row by row, each only as far as it is real."""
    states, last = [], []
    for row in range(B):
        end = T if lengths is None else int(lengths[row])
        alone = [part[:end, row : row + 1] for part in (a, b)]
        start = None if reset is None else reset[:end, row : row + 1]
        found = by_steps(*alone, h[row : row + 1], start) if end else b[:0, row : row + 1]
        states.append(torch.cat([found, b.new_zeros(T - end, 1, b.shape[2])]))
        last.append(found[-1] if end else h[row : row + 1])
    return torch.cat(states, dim=1), torch.cat(last)


def test_by_hand() -> None:
    # h = 2; 0.5 * 2 + 1 = 2; a start: 0 + 3 = 3; -1 * 3 + 4 = 1
    a, b = torch.tensor([0.5, 7.0, -1.0]).view(3, 1, 1), torch.tensor([1.0, 3.0, 4.0]).view(3, 1, 1)
    reset = torch.tensor([[False], [True], [False]])
    first = torch.full((1, 1), 2.0)
    assert by_steps(a, b, first, reset).flatten().tolist() == [2, 3, 1]
    a.requires_grad_()
    b.requires_grad_()
    first.requires_grad_()
    states, last = scan(a, b, first, reset=reset)
    assert states.flatten().tolist() == [2, 3, 1] and last.item() == 1
    last.sum().backward()
    # 1 = a3 (b2) + b3: nothing comes from before the start.
    assert [part.grad.flatten().tolist() for part in (a, b, first)] == [[0, 0, 3], [0, -1, 1], [0]]  # type: ignore[union-attr]


def test_it_is_a_running_sum_and_a_running_product() -> None:
    a, b, first = (part.detach() for part in leaves())
    states, _ = scan(torch.ones_like(a), b, first)
    torch.testing.assert_close(states, first + b.cumsum(dim=0), rtol=0, atol=1e-13)
    states, _ = scan(a, torch.zeros_like(b), first)
    torch.testing.assert_close(states, first * a.cumprod(dim=0), rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["full", "padded"])
@pytest.mark.parametrize("reset", [None, RESET], ids=["carried", "reset"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_values_and_all_gradients_are_those_of_single_steps(
    dtype: torch.dtype, reset: Tensor | None, lengths: Tensor | None
) -> None:
    parts = leaves(dtype)
    weights = numbers(T, B, H, seed=5, dtype=dtype), numbers(B, H, seed=6, dtype=dtype)
    results = []
    for run in (
        lambda *given: scan(*given, reset=reset, lengths=lengths),
        lambda *given: slowly(*given, reset, lengths),
    ):
        states, last = run(*parts)
        total = (states * weights[0]).sum() + (last * weights[1]).sum()
        results.append([states, last, *torch.autograd.grad(total, parts)])
    tolerance = 1e-12 if dtype == torch.float64 else 2e-5
    for found, expected in zip(*results, strict=True):
        torch.testing.assert_close(found, expected, rtol=tolerance, atol=tolerance)


def test_a_chunk_in_two_is_a_chunk_in_one() -> None:
    a, b, first = leaves()
    whole, end = scan(a, b, first, reset=RESET)
    one, between = scan(a[:7], b[:7], first, reset=RESET[:7])
    two, last = scan(a[7:], b[7:], between, reset=RESET[7:])
    assert torch.equal(torch.cat([one, two]), whole) and torch.equal(last, end)


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
@pytest.mark.parametrize("place", [0, 4])
def test_nothing_outlives_a_reset(bad: float, place: int) -> None:
    clean = leaves()
    reset = torch.zeros(T, B, dtype=torch.bool)
    reset[place] = True
    spoilt = leaves()
    with torch.no_grad():
        (spoilt[1][place - 1] if place else spoilt[2]).fill_(bad)
    for run in (lambda *given: scan(*given, reset=reset)[0], lambda *given: by_steps(*given, reset)):
        states, expected = run(*spoilt), run(*clean)
        assert torch.equal(states[place:], expected[place:])
        d_a, d_b, d_first = torch.autograd.grad(states[place:].square().sum(), spoilt)
        clean_a, clean_b, _ = torch.autograd.grad(expected[place:].square().sum(), clean)
        assert torch.equal(d_a[place:], clean_a[place:]) and torch.equal(d_b, clean_b)
        assert (d_a[place] == 0).all() and (d_b[:place] == 0).all() and (d_first == 0).all()


def test_bfloat16_is_added_up_in_float32() -> None:
    # From 1 on, bfloat16 has no room for 2^-10.
    a, b = torch.ones(T, 1, 1, dtype=torch.bfloat16), torch.full((T, 1, 1), 2**-10, dtype=torch.bfloat16)
    first = torch.ones(1, 1, dtype=torch.bfloat16)
    for gradients in (True, False):
        states, last = scan(a.requires_grad_(gradients), b, first)
        assert states.dtype == torch.float32
        assert last.item() == 1 + T * 2**-10
    states, _ = scan(a.requires_grad_(), b, first)
    states.sum().backward()
    assert a.grad is not None and a.grad.dtype == torch.bfloat16


def test_no_steps_change_nothing() -> None:
    first = torch.randn(B, H)
    states, last = scan(torch.empty(0, B, H), torch.empty(0, B, H), first)
    assert states.shape == (0, B, H) and last is first


@pytest.mark.slow
def test_numba_is_imported_when_it_is_needed() -> None:
    """Else a prompt would wait for the compiler."""
    code = f"""
import sys, torch
from elman.nn.sequence import make_layer
with torch.inference_mode():
    for name in ("rnn", "rnn-relu", "gru", "lstm"):
        layer = make_layer(name, 3, 500)
        for steps in (1, 5, 40):
            layer(torch.zeros(2, steps, 3), layer.initial_state(2))
assert "numba" not in sys.modules, "for cells that torch has"
layers = [make_layer(name, 2, 3) for name in ("mingru", "minlstm", "rglru")]
with torch.inference_mode():
    for layer in layers:
        layer(torch.randn(1, {SHORT}, 2), layer.initial_state(1))
assert "numba" not in sys.modules, "for a few steps"
with torch.inference_mode():
    layers[0](torch.randn(1, {SHORT} + 1, 2), layers[0].initial_state(1))
assert "numba" in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("size", [5, 128, 300])
@pytest.mark.parametrize("reset", [None, RESET], ids=["carried", "reset"])
def test_triton_agrees_with_single_steps(size: int, reset: Tensor | None) -> None:
    parts = [part.detach().cuda().requires_grad_() for part in leaves(size=size)]
    starts = None if reset is None else reset.cuda()
    results = []
    for run in (scan_triton.states, by_steps):
        states = run(*parts, starts)  # type: ignore[arg-type]
        results.append([states, *torch.autograd.grad(states.sin().sum(), parts)])
    for found, expected in zip(*results, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-11, atol=1e-11)
    if starts is not None:
        spoilt = parts[2].detach() * torch.nan
        starts[0] = True
        assert torch.isfinite(scan_triton.states(parts[0], parts[1], spoilt, starts)).all()
