"""The LSTM through torch's fused kernel (oneDNN on CPUs, cuDNN on GPUs), with document starts and
padding.

The kernel supports neither. Splitting the chunk wherever any row starts a document would leave
segments of a few steps. Instead each row gets one extra time step, a *spacer*, before each of its
document starts, and *holds* at its end. Two extra input columns drive the gates of those steps far
into saturation: a spacer closes i, f and o, so that h and c become zero; a hold closes i and opens
f, so that c stays. A chunk thus costs one call of T + (the most starts in one row) steps.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import Function, once_differentiable

_SATURATED = 1e4
"""Far larger than any sum of inputs, and exact enough in bfloat16."""


def lstm(
    x: Tensor,
    state: tuple[Tensor, Tensor],
    weights: Sequence[Tensor],
    *,
    reset: Tensor | None = None,
    lengths: Tensor | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Outputs ``[T, B, H]``, zero at padding, and ``h``, ``c`` after each row's last real step.

    ``x[T, B, D]`` and ``weights`` (``weight_ih, weight_hh, bias_ih, bias_hh``) of one type;
    ``reset[T, B]`` bool; ``lengths[B]``.
    """
    if reset is None and lengths is None:
        return _kernel(x, state, weights)
    steps, batch, _ = x.shape
    time = torch.arange(steps, device=x.device).unsqueeze(1)
    real = torch.ones(steps, batch, dtype=torch.bool, device=x.device) if lengths is None else time < lengths
    starts = torch.zeros_like(real) if reset is None else reset & real
    h, c = (part.masked_fill(starts[:1].T, 0) for part in state)
    # A start at the first step needs no spacer: the initial state is replaced instead.
    starts = torch.cat([torch.zeros_like(starts[:1]), starts[1:]])

    padded_time = time + starts.cumsum(dim=0)
    total = int(padded_time[-1].max()) + 1
    rows = torch.arange(batch, device=x.device)
    there = (padded_time * batch + rows).masked_fill(~real, total * batch).flatten()
    # One extra index catches the padding.
    back = torch.full((total * batch + 1,), steps * batch, device=x.device)
    back[there] = torch.arange(steps * batch, device=x.device)
    back = back[:-1]
    spacer = torch.zeros(total * batch, dtype=torch.bool, device=x.device)
    spacer[((padded_time - 1) * batch + rows)[starts]] = True
    hold = (back == steps * batch) & ~spacer

    spread = _Move.apply(x.flatten(0, 1), back, there)
    drive = torch.stack([spacer, hold], dim=1).to(x.dtype)
    driven = torch.cat([spread, drive], dim=1).view(total, batch, -1)
    y, _, c_last = _kernel(driven, (h, c), _with_drive(weights))
    y = _Move.apply(y.reshape(total * batch, -1), there, back).view(steps, batch, -1)
    if lengths is None:
        return y, y[-1], c_last
    empty = (lengths == 0).unsqueeze(1)
    h_last = y[(lengths - 1).clamp(min=0), rows]
    return y, torch.where(empty, h, h_last), torch.where(empty, c, c_last)


def _kernel(x: Tensor, state: tuple[Tensor, Tensor], weights: Sequence[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    first = tuple(part.to(x.dtype).unsqueeze(0).contiguous() for part in state)
    training = torch.is_grad_enabled()
    parts = in_one_piece(weights) if x.is_cuda else list(weights)
    y, h, c = torch._VF.lstm(x, first, parts, True, 1, 0.0, training, False, False)
    return y, h[0], c[0]


def in_one_piece(weights: Sequence[Tensor]) -> list[Tensor]:
    """The same weights as views of one block of memory; otherwise cuDNN warns at every call."""
    flat = torch.cat([weight.flatten() for weight in weights])
    parts = flat.split([weight.numel() for weight in weights])
    return [part.view_as(weight) for part, weight in zip(parts, weights, strict=True)]


def _with_drive(weights: Sequence[Tensor]) -> list[Tensor]:
    weight_ih, weight_hh, *biases = weights
    drive = weight_ih.new_zeros(4, weight_hh.shape[1], 2)
    i, f, _, _ = drive.unbind()
    i.fill_(-_SATURATED)
    f[:, 0], f[:, 1] = -_SATURATED, _SATURATED
    return [torch.cat([weight_ih, drive.flatten(0, 1)], dim=1), weight_hh, *biases]


class _Move(Function):
    """Rows by index; an index past the end gives a row of zeros.

    The inverse index is an argument too: a gather is many times faster than autograd's scatter for
    the gradient.
    """

    @staticmethod
    def forward(ctx: Any, rows: Tensor, index: Tensor, inverse: Tensor) -> Tensor:
        ctx.save_for_backward(inverse)
        return _gather(rows, index)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Any:
        return _gather(gradient, ctx.saved_tensors[0]), None, None


def _gather(rows: Tensor, index: Tensor) -> Tensor:
    return torch.cat([rows, rows.new_zeros(1, rows.shape[1])]).index_select(0, index)
