"""A short causal convolution per unit: a weighted sum of its last K inputs.

Shapes are time first. ``tail[B, (K-1)*H]`` holds the inputs before the chunk, oldest first. A
document start replaces everything before it by zeros. On CPUs it is computed by numba
(``conv_kernels.py``).
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import Function, once_differentiable

from elman.nn.row_threads import in_rows
from elman.nn.scan import exact, has_few_steps


def causal_conv(
    x: Tensor, tail: Tensor, weight: Tensor, bias: Tensor, *, reset: Tensor | None = None, lengths: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Sums ``[T, B, H]`` in the type of x, and the tail after each row's last real step, in the
    type of ``tail``.

    ``x[T, B, H]``, ``weight[K, H]`` with the oldest input's weights first, ``bias[H]``;
    ``reset[T, B]`` marks document starts; from ``lengths[B]`` on x is padding, whose sums mean
    nothing.

    >>> x, tail = torch.tensor([1.0, 2, 3]).view(3, 1, 1), torch.tensor([[10.0]])
    >>> sums, tail = causal_conv(x, tail, torch.tensor([[0.5], [1.0]]), torch.zeros(1))
    >>> sums.flatten().tolist(), tail.tolist()
    ([6.0, 2.5, 4.0], [[3.0]])
    """
    steps, batch, _ = x.shape
    if x.device.type != "cpu" or x.dtype == torch.float16 or has_few_steps(x, tail, weight):
        return by_shifts(x, tail, weight, bias, reset=reset, lengths=lengths)
    starts = x.new_zeros(steps, batch, dtype=torch.bool) if reset is None else reset
    real = torch.full((batch,), steps) if lengths is None else lengths.clamp(0, steps)
    return _CausalConv.apply(x, tail, weight, bias, starts, real)


def by_shifts(
    x: Tensor, tail: Tensor, weight: Tensor, bias: Tensor, *, reset: Tensor | None = None, lengths: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """The reference of ``causal_conv`` by autograd: one product for each lag."""
    (steps, batch, size), lags = x.shape, len(weight) - 1
    window = torch.cat([tail.view(batch, lags, size).transpose(0, 1), x.to(exact(x.dtype))])
    sums = bias + weight[lags] * window[lags:]
    hidden = reset
    for lag in range(1, lags + 1):
        past = window[lags - lag : lags - lag + steps]
        if reset is not None and hidden is not None:
            past = past.masked_fill(hidden.unsqueeze(-1), 0)
            # One step further back, an earlier start hides its past too.
            hidden = hidden | F.pad(reset[:-lag], (0, 0, min(lag, steps), 0))
        sums = sums + weight[lags - lag] * past
    return sums.to(x.dtype), tail_after(window, steps, reset, lengths)


def tail_after(window: Tensor, steps: int, reset: Tensor | None, lengths: Tensor | None) -> Tensor:
    """The last K-1 inputs of each row, ``[B, (K-1)*H]``; ``window[K-1 + T, B, H]`` begins with the
    tail.
    """
    lags, batch = len(window) - steps, window.shape[1]
    if lengths is None and reset is None:
        return window[steps:].transpose(0, 1).flatten(1)
    ends = torch.full((batch,), steps, device=window.device) if lengths is None else lengths
    positions = ends + torch.arange(lags, device=window.device).unsqueeze(1)
    tail = window[positions, torch.arange(batch, device=window.device)]
    if reset is not None:
        time = torch.arange(steps, device=window.device).unsqueeze(1)
        started = torch.where(reset & (time < ends), time, -lags).amax(dim=0)
        tail = tail.masked_fill((positions - lags < started).unsqueeze(-1), 0)
    return tail.transpose(0, 1).flatten(1)


class _CausalConv(Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, tail: Tensor, weight: Tensor, bias: Tensor, reset: Tensor, lengths: Tensor
    ) -> tuple[Tensor, Tensor]:
        from elman.nn import conv_kernels

        x, tail, reset = x.contiguous(), tail.contiguous(), reset.contiguous()
        # Zeros: padding goes through products, and NaN would spread.
        sums, after = torch.zeros_like(x), torch.empty_like(tail)
        in_rows(conv_kernels.forward, x.shape, x, tail, weight, bias, reset, lengths, sums, after)
        ctx.save_for_backward(x, tail, weight, reset, lengths)
        return sums, after

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_sums: Tensor, d_after: Tensor) -> Any:
        from elman.nn import conv_kernels

        x, tail, weight, reset, lengths = ctx.saved_tensors
        batch = len(tail)
        d_x, d_tail = torch.empty_like(x), d_after.clone(memory_format=torch.contiguous_format)
        d_weight, d_bias = weight.new_zeros(batch, *weight.shape), weight.new_zeros(batch, weight.shape[1])
        fixed = (x, tail, weight, reset, lengths, d_sums.contiguous())
        in_rows(conv_kernels.backward, x.shape, *fixed, d_x, d_tail, d_weight, d_bias)
        return d_x, d_tail, d_weight.sum(dim=0), d_bias.sum(dim=0), None, None
