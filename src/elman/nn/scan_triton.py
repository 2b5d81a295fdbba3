"""The scan on CUDA devices: one program per row and block of units runs through T.

The contract is that of ``scan_kernels.py``: states ``[T, B, H]`` from ``a``, ``b`` and the first
state ``[B, H]``, with gradients to all three. Neighbouring units are neighbours in memory, so that
every step is one wide access.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd.function import Function, once_differentiable

from elman.errors import MissingExtra

try:
    import triton
    import triton.language as tl
except ModuleNotFoundError:  # torch for processors comes without it
    triton = tl = cast(Any, None)

_UNITS = 128
"""Units of one program; a literal inside the kernels, which cannot read globals."""


def _forward(a, b, first, reset, h, steps, batch, size):
    row = tl.program_id(0)
    unit = tl.program_id(1) * 128 + tl.arange(0, 128)
    inside = unit < size
    state = tl.load(first + row * size + unit, mask=inside, other=0)
    for t in range(steps):
        row_start = (t * batch + row).to(tl.int64)
        # Chosen, not multiplied by 0: NaN must not outlive a reset.
        state = tl.where(tl.load(reset + row_start) != 0, tl.zeros_like(state), state)
        here = row_start * size + unit
        state = tl.load(a + here, mask=inside, other=0) * state + tl.load(b + here, mask=inside, other=0)
        tl.store(h + here, state, mask=inside)


def _backward(d_states, a, h, first, reset, d_a, d_b, d_first, steps, batch, size):
    row = tl.program_id(0)
    unit = tl.program_id(1) * 128 + tl.arange(0, 128)
    inside = unit < size
    start = tl.load(first + row * size + unit, mask=inside, other=0)
    carried = tl.zeros_like(start)
    for back in range(steps):
        t = steps - 1 - back
        row_start = (t * batch + row).to(tl.int64)
        here = row_start * size + unit
        fresh = tl.load(reset + row_start) != 0
        # The state before the first step is the first state.
        before = tl.load(h + here - batch * size, mask=inside & (here >= batch * size), other=start)
        before = tl.where(fresh, tl.zeros_like(start), before)
        d_h = tl.load(d_states + here, mask=inside, other=0) + carried
        tl.store(d_b + here, d_h, mask=inside)
        tl.store(d_a + here, d_h * before, mask=inside)
        carried = tl.where(fresh, tl.zeros_like(start), d_h * tl.load(a + here, mask=inside, other=0))
    tl.store(d_first + row * size + unit, carried, mask=inside)


def states(a: Tensor, b: Tensor, h: Tensor, reset: Tensor | None) -> Tensor:
    """All states ``[T, B, H]``; ``a``, ``b`` and ``h[B, H]`` of one type, ``reset[T, B]`` bool.

    Raises:
        MissingExtra: triton, which comes with torch's CUDA builds, is not installed.
    """
    if triton is None:
        raise MissingExtra("parallel cells need triton on a GPU, which is not installed; run: pip install triton")
    starts = a.new_zeros(a.shape[:2], dtype=torch.uint8) if reset is None else reset.to(torch.uint8)
    return _TritonScan.apply(a, b, h, starts)


class _TritonScan(Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor, h: Tensor, reset: Tensor) -> Tensor:
        a, b, h, reset = (part.contiguous() for part in (a, b, h, reset))
        filled = torch.empty_like(b)
        _compiled(_forward)[_grid(a)](a, b, h, reset, filled, *a.shape)
        ctx.save_for_backward(a, filled, h, reset)
        return filled

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_states: Tensor) -> Any:
        a, filled, h, reset = ctx.saved_tensors
        d_a, d_b, d_h = torch.empty_like(a), torch.empty_like(a), torch.empty_like(h)
        _compiled(_backward)[_grid(a)](d_states.contiguous(), a, filled, h, reset, d_a, d_b, d_h, *a.shape)
        return d_a, d_b, d_h, None


@cache
def _compiled(kernel: Callable[..., None]) -> Any:
    return triton.jit(kernel)


def _grid(a: Tensor) -> tuple[int, int]:
    return a.shape[1], triton.cdiv(a.shape[2], _UNITS)
