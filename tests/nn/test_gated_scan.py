"""Gates and scan in one pass against the same in two, and what is kept exact in bfloat16."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from elman.nn.gated_scan import by_scan, gated_scan
from elman.nn.gates import GateInputs, MinGruInputs, MinLstmInputs, RgLruInputs

T, B, H = 19, 3, 37
RESET = torch.zeros(T, B, dtype=torch.bool)
RESET[0, 0] = RESET[5, 0] = RESET[6, 0] = RESET[T - 1, 1] = True
LENGTHS = torch.tensor([T - 6, 0, T])
BLOCKS = {MinGruInputs: 2, MinLstmInputs: 3, RgLruInputs: 2}
KINDS = pytest.mark.parametrize("kind", BLOCKS)


def inputs(kind: Any, *, dtype: torch.dtype, scale: float = 1.0) -> tuple[GateInputs, Tensor]:
    generator = torch.Generator().manual_seed(1)

    def leaf(*shape: int, like: torch.dtype = dtype, scale: float = scale) -> Tensor:
        return (torch.randn(*shape, generator=generator).to(like) * scale).requires_grad_()

    exact = torch.float32 if dtype == torch.bfloat16 else dtype
    gates, h = leaf(T, B, BLOCKS[kind] * H), leaf(B, H, like=exact, scale=1.0)
    if kind is not RgLruInputs:
        return kind(gates), h
    rate = (torch.rand(H, generator=generator) * 4 + 0.01).to(exact).requires_grad_()
    return RgLruInputs(gates, leaf(T, B, H, scale=1.0), rate), h


def everything(run: Any, given: GateInputs, h: Tensor, **options: Tensor | None) -> list[Tensor]:
    y, last = run(given, h, **options)
    generator = torch.Generator().manual_seed(2)
    weights = [torch.randn(part.shape, generator=generator).to(part) for part in (y, last)]
    total = (y * weights[0]).sum() + (last * weights[1]).sum()
    return [y, last, *torch.autograd.grad(total, [*given, h])]


@KINDS
@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["full", "padded"])
@pytest.mark.parametrize("reset", [None, RESET], ids=["carried", "reset"])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-11), (torch.float32, 3e-5)])
def test_one_pass_is_coefficients_and_scan(
    kind: Any, dtype: torch.dtype, tolerance: float, reset: Tensor | None, lengths: Tensor | None
) -> None:
    given, h = inputs(kind, dtype=dtype)
    found = everything(gated_scan, given, h, reset=reset, lengths=lengths)
    expected = everything(by_scan, given, h, reset=reset, lengths=lengths)
    for part, slow in zip(found, expected, strict=True):
        torch.testing.assert_close(part, slow, rtol=tolerance, atol=tolerance)


@KINDS
def test_closed_and_open_gates_stay_finite(kind: Any) -> None:
    given, h = inputs(kind, dtype=torch.float32, scale=30.0)
    found, expected = everything(gated_scan, given, h), everything(by_scan, given, h)
    for part, slow in zip(found, expected, strict=True):
        assert torch.isfinite(part).all()
        torch.testing.assert_close(part, slow, rtol=1e-3, atol=1e-3 * slow.abs().max().item())


def test_a_unit_that_forgets_nothing_takes_nothing_in() -> None:
    # r = sigmoid(-200) = 0 in float32: a = 1, b = 0, and no gradient that is not finite.
    _, h = inputs(RgLruInputs, dtype=torch.float32)
    gates = torch.full((T, B, 2 * H), -200.0, requires_grad=True)
    given = RgLruInputs(gates, torch.ones(T, B, H, requires_grad=True), torch.ones(H, requires_grad=True))
    for run in (gated_scan, by_scan):
        y, last, *gradients = everything(run, given, h)
        assert torch.allclose(last, h, atol=1e-6) and torch.allclose(y[0], h, atol=1e-6)
        assert all(torch.isfinite(gradient).all() for gradient in gradients)


@KINDS
@pytest.mark.parametrize("options", [{}, {"reset": RESET, "lengths": LENGTHS}], ids=["plain", "reset-padded"])
def test_bfloat16_rounds_inputs_and_outputs_only(kind: Any, options: dict[str, Tensor]) -> None:
    given, h = inputs(kind, dtype=torch.bfloat16)
    exact = type(given)(*(part.detach().float().requires_grad_() for part in given))
    y, last, *gradients = everything(gated_scan, given, h, **options)
    exact_y, exact_last, *exact_gradients = everything(by_scan, exact, h, **options)
    assert y.dtype == torch.bfloat16 and last.dtype == torch.float32
    torch.testing.assert_close(y, exact_y.to(torch.bfloat16), rtol=2**-7, atol=1e-6)
    torch.testing.assert_close(last, exact_last, rtol=1e-5, atol=1e-5)
    for gradient, exact_gradient in zip(gradients, exact_gradients, strict=True):
        error = (gradient.float() - exact_gradient).norm() / exact_gradient.norm()
        assert error < 0.006, f"off by {error:.2%}"


def test_the_state_keeps_what_bfloat16_has_no_room_for() -> None:
    # z = 1/2 and v = 1: after 12 steps 1 - 2^-12, which bfloat16 calls 1; then v = -1 brings
    # -2^-13.
    gates = torch.zeros(13, 1, 2, dtype=torch.bfloat16)
    gates[:12, :, 1], gates[12, :, 1] = 1, -1
    y, last = gated_scan(MinGruInputs(gates.requires_grad_()), torch.zeros(1, 1))
    assert y[11].item() == 1 and y[12].item() == last.item() == -(2**-13)


@KINDS
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_nan_is_not_hidden(kind: Any, dtype: torch.dtype) -> None:
    given, h = inputs(kind, dtype=dtype)
    for place in range(BLOCKS[kind]):
        with torch.no_grad():
            spoilt = given._replace(gates=given.gates.detach().clone())
            spoilt.gates[3, 1, place * H + 2] = torch.nan
            y, last = gated_scan(spoilt, h)
        assert y[3:, 1, 2].isnan().all() and last[1, 2].isnan()
        assert y.isnan().sum() == T - 3 and last.isnan().sum() == 1


def test_by_hand() -> None:
    # One step each, from h = 2. minGRU: z = 3/4, v = 4: 1/4 * 2 + 3/4 * 4. minLSTM: i = 1/4, f =
    # 3/4, v = 4, the same shares the other way round. RG-LRU: r = 1/2, rate = ln 4: a = 1/2; i =
    # 3/4, u = 8: 1 + sqrt(3)/2 * 3/4 * 8.
    ln3, h = math.log(3), torch.full((1, 1), 2.0, dtype=torch.float64)

    def rows(*values: float) -> Tensor:
        return torch.tensor(values, dtype=torch.float64).view(1, 1, -1).requires_grad_()

    rate = torch.tensor([math.log(4)], dtype=torch.float64)
    cases = [
        (MinGruInputs(rows(ln3, 4)), 3.5),
        (MinLstmInputs(rows(-ln3, ln3, 4)), 2.5),
        (RgLruInputs(rows(0, ln3), rows(8), rate), 1 + 3 * math.sqrt(3)),
    ]
    for given, expected in cases:
        for run in (gated_scan, by_scan):
            y, last = run(given, h)
            assert y.item() == last.item() == pytest.approx(expected, abs=1e-12)
