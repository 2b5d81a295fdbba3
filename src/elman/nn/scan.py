"""The linear recurrence ``h[t] = a[t] * h[t-1] + b[t]`` of parallel cells, element by element over
T.

Shapes are time first, ``[T, B, H]``. ``by_steps`` is the reference; on CPUs the states and the
hand-written gradient are computed by numba (``scan_kernels.py``), on CUDA devices by Triton
(``scan_triton.py``); both are imported when first needed. With d_h[t] = d_states[t] + a[t+1]
d_h[t+1]: d_a[t] = d_h[t] h[t-1] and d_b[t] = d_h[t].
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import Function, once_differentiable

from elman.nn.recurrent import padding_of
from elman.nn.row_threads import in_rows

SHORT = 16
"""Up to this many steps without gradients, starting numba would cost more than the loop."""


def scan(
    a: Tensor, b: Tensor, h: Tensor, *, reset: Tensor | None = None, lengths: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """All states ``[T, B, H]`` and the last one of each row ``[B, H]``, from the state ``h[B, H]``.

    Half precision is computed, and returned, in float32. Where ``reset[T, B]``, the state before
    the step is zero, whatever it was. With ``lengths[B]`` the last state is the one after each
    row's last real step (length 0 keeps ``h``), and states at padding are zero.

    >>> a, b = torch.full((3, 1, 1), 0.5), torch.ones(3, 1, 1)
    >>> states, last = scan(a, b, torch.zeros(1, 1))
    >>> states.flatten().tolist(), last.item()
    ([1.0, 1.5, 1.75], 1.75)
    """
    if len(a) == 0:
        return b, h
    a, b, h = (part.to(exact(part.dtype)) for part in (a, b, h))
    if lengths is None:
        states = _states(a, b, h, reset)
        return states, states[-1]
    padding = padding_of(a, lengths)
    reset = None if reset is None else reset & ~padding.squeeze(-1)
    # A step of padding holds the state.
    states = _states(a.masked_fill(padding, 1), b.masked_fill(padding, 0), h, reset)
    return states.masked_fill(padding, 0), states[-1]


def by_steps(a: Tensor, b: Tensor, h: Tensor, reset: Tensor | None = None) -> Tensor:
    """The reference of all other ways: states one after the other, by autograd, in any type."""
    states = []
    for t, (kept, added) in enumerate(zip(a.unbind(), b.unbind(), strict=True)):
        before = h if reset is None else h.masked_fill(reset[t].unsqueeze(-1), 0)
        h = kept * before + added
        states.append(h)
    return torch.stack(states)


def exact(dtype: torch.dtype) -> torch.dtype:
    """The type in which states are computed."""
    return torch.float32 if dtype in (torch.bfloat16, torch.float16) else dtype


def has_few_steps(x: Tensor, *others: Tensor) -> bool:
    """Whether a chunk ``x[T, B, ..]`` without gradients is so short that single steps are
    faster.
    """
    return len(x) <= SHORT and not (torch.is_grad_enabled() and any(part.requires_grad for part in (x, *others)))


def _states(a: Tensor, b: Tensor, h: Tensor, reset: Tensor | None) -> Tensor:
    if a.device.type == "cuda":
        from elman.nn import scan_triton

        return scan_triton.states(a, b, h, reset)
    if a.device.type != "cpu" or has_few_steps(a, b, h):
        return by_steps(a, b, h, reset)
    starts = a.new_zeros(a.shape[:2], dtype=torch.bool) if reset is None else reset
    return _Scan.apply(a, b, h, starts)


class _Scan(Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor, h: Tensor, reset: Tensor) -> Tensor:
        from elman.nn import scan_kernels

        a, b, h, reset = (part.contiguous() for part in (a, b, h, reset))
        states = torch.empty_like(b)
        in_rows(scan_kernels.forward, a.shape, a, b, h, reset, states)
        ctx.save_for_backward(a, states, h, reset)
        return states

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_states: Tensor) -> Any:
        from elman.nn import scan_kernels

        a, states, h, reset = ctx.saved_tensors
        d_a, d_b, d_h = torch.empty_like(a), torch.empty_like(a), torch.zeros_like(h)
        in_rows(scan_kernels.backward, a.shape, d_states.contiguous(), a, states, h, reset, d_a, d_b, d_h)
        return d_a, d_b, d_h, None
