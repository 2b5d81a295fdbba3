"""From pre-activation gates to states: ``h = a * h + b`` with ``a`` and ``b`` of ``gates.py``, and
its gradient.

On CPUs gates and scan are one pass in machine code, forwards and backwards. Elsewhere, and for a
few steps without gradients, the coefficients are computed first and then scanned; that is also the
reference of the fused pass.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import Function, once_differentiable

from elman.nn.gates import GateInputs
from elman.nn.row_threads import in_rows
from elman.nn.scan import exact, has_few_steps, scan


def gated_scan(
    inputs: GateInputs, h: Tensor, *, reset: Tensor | None = None, lengths: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Outputs ``[T, B, H]`` in the type of the gates, and the last state of each row ``[B, H]`` in
    that of ``h``.

    ``h[B, H]`` is the state before the chunk, float32 (or float64, as the gates are then);
    ``reset`` and ``lengths`` as in ``scan``. Everything after the gates is computed in the type of
    ``h``.
    """
    gates = inputs.gates
    if gates.device.type != "cpu" or gates.dtype == torch.float16 or has_few_steps(*inputs, h):
        return by_scan(inputs, h, reset=reset, lengths=lengths)
    steps, batch = gates.shape[:2]
    starts = gates.new_zeros(steps, batch, dtype=torch.bool) if reset is None else reset.contiguous()
    real = torch.full((batch,), steps) if lengths is None else lengths
    return _GatedScan.apply(type(inputs), starts, real, lengths is None, h, *inputs)


def by_scan(
    inputs: GateInputs, h: Tensor, *, reset: Tensor | None = None, lengths: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """The reference of ``gated_scan``: coefficients, then the plain scan."""
    low = inputs.gates.dtype
    a, b = type(inputs)(*(part.to(exact(part.dtype)) for part in inputs)).coefficients()
    states, last = scan(a, b, h, reset=reset, lengths=lengths)
    return states.to(low), last


class _GatedScan(Function):
    @staticmethod
    def forward(
        ctx: Any, kind: type[GateInputs], reset: Tensor, lengths: Tensor, full: bool, h: Tensor, *parts: Tensor
    ) -> tuple[Tensor, Tensor]:
        from elman.nn import gated_kernels

        inputs = kind(*(part.contiguous() for part in parts))
        y = inputs.gates.new_empty(*reset.shape, h.shape[1])
        last = h.clone(memory_format=torch.contiguous_format)
        in_rows(gated_kernels.forward, y.shape, inputs, reset, lengths, y, last)
        ctx.save_for_backward(reset, lengths, h, y, *inputs)
        ctx.kind, ctx.full = kind, full
        return y, last

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_y: Tensor, d_last: Tensor) -> Any:
        from elman.nn import gated_kernels

        reset, lengths, h, y, *parts = ctx.saved_tensors
        inputs = ctx.kind(*parts)
        # Padding is never visited and must be zero.
        empty = torch.empty_like if ctx.full else torch.zeros_like
        d_inputs = ctx.kind(*(empty(part) for part in inputs))
        by_row = len(inputs) == 3
        if by_row:
            d_inputs = d_inputs._replace(rate=torch.zeros_like(h))
        d_h = d_last.clone(memory_format=torch.contiguous_format)
        in_rows(
            gated_kernels.backward, y.shape, inputs, reset, lengths, y, h.contiguous(), d_y.contiguous(), d_inputs, d_h
        )
        if by_row:
            d_inputs = d_inputs._replace(rate=d_inputs.rate.sum(dim=0) / inputs.rate)
        return None, None, None, None, d_h, *d_inputs
