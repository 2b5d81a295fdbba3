"""Cross entropy over many types in little memory: a chunk of rows at a time, with its gradients.

At most one chunk of N x V numbers is in memory. Under autocast the matrix products run in bfloat16,
everything after them in float32. In training on CPUs, the operations between the products are
machine code (``softmax_kernels``). ``F.linear`` and ``F.cross_entropy`` are the reference.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.amp.autocast_mode import custom_bwd, custom_fwd
from torch.autograd.function import Function, once_differentiable

from elman.nn.product import linear, transposed
from elman.nn.row_threads import in_rows

_LOGITS = 2**24
"""About this many logits at a time."""
_MOST_LOGITS = 2**25
"""Never more, even if chunks of fewer rows than E spend their time adding weight gradients."""
_ROUND = 32
"""Rows are padded to a multiple of this in training."""
_FAITHFUL = 1e-30
"""Below this, a float32 probability's logarithm is no longer exact."""


def exact_dtype(dtype: torch.dtype) -> torch.dtype:
    """The type in which probabilities are computed from logits of type ``dtype``."""
    return torch.float32 if dtype == torch.bfloat16 else dtype


def product_dtype(weight: Tensor) -> torch.dtype:
    """The type in which matrix products with ``weight`` run: autocast's, where it is on."""
    device = weight.device.type
    return torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else weight.dtype


def chunked_loss(y: Tensor, weight: Tensor, bias: Tensor, targets: Tensor, *, logits: int | None = None) -> Tensor:
    """Summed nats (a float32 scalar) of ``targets[N]`` given ``y[N, E]``, scored by ``weight`` and
    ``bias[V]``.

    ``weight`` has at least V rows; only the first V are used. About ``logits`` scores are in memory
    at a time (default 2^24).

    >>> targets = torch.tensor([0, 1, 3])
    >>> chunked_loss(torch.zeros(3, 2), torch.ones(4, 2), torch.zeros(4), targets).div(3)  # ln 4
    tensor(1.3863)
    """
    return _ChunkedLoss.apply(y, weight, bias, targets, logits)


@torch.no_grad()
def chunked_nats(y: Tensor, weight: Tensor, bias: Tensor, targets: Tensor, *, logits: int | None = None) -> Tensor:
    """Minus the log-probability of each target, ``[N]``; see ``chunked_loss``."""
    return _nats_by_chunks(y, weight, bias, targets, None, logits)


class _ChunkedLoss(Function):
    @staticmethod
    @custom_fwd(device_type="cpu")
    def forward(ctx: Any, y: Tensor, weight: Tensor, bias: Tensor, targets: Tensor, logits: int | None) -> Tensor:
        gradients = _Gradients(y, weight, bias) if any(ctx.needs_input_grad) else None
        nats = _nats_by_chunks(y, weight, bias, targets, gradients, logits)
        if gradients is not None:
            ctx.save_for_backward(gradients.d_y, gradients.d_table, gradients.d_bias)
            ctx.rows, ctx.dtype = len(weight), weight.dtype
        return nats.sum(dtype=torch.float64).to(nats.dtype)

    @staticmethod
    @once_differentiable
    @custom_bwd(device_type="cpu")
    def backward(ctx: Any, gradient: Tensor) -> Any:
        d_y, d_table, d_bias = ctx.saved_tensors
        d_weight = d_table.new_empty(ctx.rows, d_table.shape[1], dtype=ctx.dtype)
        # In the wider type: multiplying by a scalar would keep bfloat16.
        torch.mul(d_table, gradient.expand(1, 1), out=d_weight[: len(d_table)])
        d_weight[len(d_table) :] = 0
        return d_y * gradient, d_weight, d_bias * gradient, None, None


class _Gradients:
    """Gradients of ``y``, of the first V rows of ``weight`` and of ``bias``, summed over chunks."""

    def __init__(self, y: Tensor, weight: Tensor, bias: Tensor) -> None:
        self.d_y, self.d_bias = torch.empty_like(y), torch.zeros_like(bias)
        self.d_table = torch.zeros_like(weight[:1]).expand(len(bias), -1)

    def add(self, start: int, real: int, rows: Tensor, table: Tensor, d_scores: Tensor) -> None:
        self.d_y[start : start + real] = linear(d_scores, table.t())[:real]
        product = transposed(d_scores, rows)
        compiled = _compiles(d_scores)
        if start == 0:
            # A single chunk's product is kept without a copy.
            self.d_table = product
        elif compiled:
            from elman.nn import softmax_kernels

            self.d_table = self.d_table.to(self.d_bias.dtype)
            in_rows(softmax_kernels.add_rows, (1, *product.shape), self.d_table, product)
        else:
            self.d_table = self.d_table.to(self.d_bias.dtype).add_(product)
        if compiled:
            from elman.nn import softmax_kernels

            in_rows(softmax_kernels.add_columns, d_scores.shape, d_scores, self.d_bias)
        else:
            self.d_bias += d_scores.sum(dim=0, dtype=self.d_bias.dtype)


def _nats_by_chunks(
    y: Tensor, weight: Tensor, bias: Tensor, targets: Tensor, gradients: _Gradients | None, logits: int | None
) -> Tensor:
    """Minus the log-probability of each target, ``[N]``; ``gradients`` collects those of the
    sum.
    """
    device, vocab = y.device.type, len(bias)
    dtype = product_dtype(weight)
    with torch.autocast(device, enabled=False):
        y, table, offset = y.to(dtype), weight[:vocab].to(dtype), bias.to(dtype)
        size = max(min(y.shape[1], _MOST_LOGITS // vocab), (logits or _LOGITS) // vocab, 1)
        if gradients is None:
            size = max(min(size, len(y)), 1)
        # Reused by all chunks, for new memory of this size costs a page fault every 4 kB. In
        # training the size does not depend on N: free blocks of many sizes could not be reused.
        buffer = y.new_empty(size, vocab)
        compiled = gradients is not None and _compiles(buffer)
        more = () if compiled else [buffer.new_empty(size, vocab, dtype=exact_dtype(dtype)) for _ in range(2)]
        nats = y.new_empty(len(y), dtype=exact_dtype(dtype))
        for start in range(0, len(y), size):
            rows, target = y[start : start + size], targets[start : start + size]
            real, chunk_nats = len(rows), nats[start : start + size]
            if gradients is not None:
                rows = _padded(rows, size)
            scores = linear(rows, table, None if compiled else offset, buffer=buffer[: len(rows)])
            if compiled:
                from elman.nn import softmax_kernels

                in_rows(softmax_kernels.losses, (vocab, real), scores, bias, target.contiguous(), chunk_nats)
            else:
                chunk_nats[:] = _losses(scores[:real], target.unsqueeze(1), *more, gradients=gradients is not None)
            if gradients is not None:
                scores[real:] = 0
                gradients.add(start, real, rows, table, scores)
    return nats


def _compiles(scores: Tensor) -> bool:
    return scores.device.type == "cpu" and scores.dtype in (torch.float32, torch.bfloat16)


def _losses(scores: Tensor, target: Tensor, wide: Tensor, probs: Tensor, *, gradients: bool) -> Tensor:
    """``[n]``; with ``gradients``, ``scores[n, V]`` become their gradients. ``wide`` and ``probs``
    are working memory.
    """
    p = torch.softmax(wide[: len(scores)].copy_(scores), dim=-1, out=probs[: len(scores)])
    nats = _nats(p, scores, target)
    if gradients:
        p.scatter_add_(1, target, p.new_full(target.shape, -1))
        scores.copy_(p)
    return nats.squeeze(1)


def _padded(rows: Tensor, size: int) -> Tensor:
    """``rows[n, E]`` and zeros up to a multiple of 32, at most ``size``.

    A kernel is compiled for each shape of a bfloat16 product, and the number of rows of a tail
    always varies.
    """
    missing = min(-len(rows) % _ROUND, size - len(rows))
    return F.pad(rows, (0, 0, 0, missing)) if missing else rows


def _nats(p: Tensor, scores: Tensor, target: Tensor) -> Tensor:
    chosen = p.gather(1, target)
    nats = -chosen.log()
    faint = (chosen < _FAITHFUL).squeeze(1)
    if bool(faint.any()):
        far = scores[faint].to(p.dtype)
        nats[faint] = far.logsumexp(dim=-1, keepdim=True) - far.gather(1, target[faint])
    return nats
