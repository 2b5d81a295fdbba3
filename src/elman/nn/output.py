"""From the last layer to the vocabulary: the loss in training, log-probabilities in use.

The loss works through its rows in chunks and takes each chunk's gradients at once, so that no more than a
chunk of N x V numbers ever exists; ``plain_loss`` is its slow twin. Under autocast the matrix products run in
bfloat16, everything after them in float32.
"""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.amp.autocast_mode import custom_bwd, custom_fwd
from torch.autograd.function import Function, once_differentiable

from elman.nn.embedding import Embedding

_LOGITS = 2**23
"""About so many logits at a time."""
_MOST_LOGITS = 2**25
"""Never more, though a chunk of fewer rows than E spends its time adding up weight gradients."""
_FAITHFUL = 1e-30
"""Below this, a float32 probability's logarithm is no longer exact."""


class Output(nn.Module):
    """Scores of all V types from a vector of size E.

    >>> output = Output(2, 4)
    >>> total, count = output.loss(torch.zeros(3, 2), torch.tensor([0, 1, 3]))
    >>> round(total.item() / count, 4), count  # nothing learned and nothing given: ln 4
    (1.3863, 3)
    """

    def __init__(
        self,
        size: int,
        vocab: int,
        *,
        tied: Embedding | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        """Full weights of its own, uniform in ±1/sqrt(E), or, ``tied``, the embedding's first V rows.

        The bias starts at zero.
        """
        super().__init__()
        self.vocab = vocab
        self.bias = nn.Parameter(torch.zeros(vocab))
        # In a tuple, the embedding is no submodule: its weight is saved once, under its own name.
        self._tied = None if tied is None else (tied,)
        if tied is None:
            bound = 1 / math.sqrt(size)
            self.weight = nn.Parameter(torch.empty(vocab, size))
            nn.init.uniform_(self.weight, -bound, bound, generator=generator)
        else:
            assert tied.weight.shape == (vocab + 1, size), "a tied output has its embedding's size"

    def extra_repr(self) -> str:
        return f"{self.vocab}, tied={self._tied is not None}"

    def loss(self, y: Tensor, targets: Tensor) -> tuple[Tensor, int]:
        """Summed nats (float32, a scalar) of ``targets[..]`` given ``y[.., E]``, and how many targets there were.

        Targets below 0 are padding: they cost nothing and are not counted.
        """
        rows, wanted = _rows(y, targets)
        return _ChunkedLoss.apply(rows, self._weight(), self.bias, wanted), len(wanted)  # type: ignore[return-value]

    def plain_loss(self, y: Tensor, targets: Tensor) -> tuple[Tensor, int]:
        """What ``loss`` computes, by plain autograd over all rows at once."""
        rows, wanted = _rows(y, targets)
        logits = F.linear(rows, self._weight()[: self.vocab], self.bias)
        return F.cross_entropy(logits.to(_exact(logits.dtype)), wanted, reduction="sum"), len(wanted)

    @torch.no_grad()
    def log_prob_of(self, y: Tensor, targets: Tensor) -> Tensor:
        """Natural log-probabilities ``[..]`` of given ``targets[..]``, float32, in little memory; for scoring."""
        flat = y.reshape(-1, y.shape[-1])
        nats = _chunked_nats(flat, self._weight(), self.bias, targets.reshape(-1), None)
        return -nats.to(torch.float32).view(targets.shape)

    def log_probs(self, y: Tensor) -> Tensor:
        """Natural log-probabilities ``[.., V]`` of the next token, float32."""
        logits = F.linear(y, self._weight()[: self.vocab], self.bias)
        return logits.log_softmax(dim=-1, dtype=_exact(logits.dtype))

    def _weight(self) -> Tensor:
        return self.weight if self._tied is None else self._tied[0].weight


def _exact(dtype: torch.dtype) -> torch.dtype:
    return torch.float32 if dtype == torch.bfloat16 else dtype


def _rows(y: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    if y.dim() == 3 and y.stride(0) < y.stride(1):
        # The recurrences leave their outputs time first: read them in that order, without a copy.
        y, targets = y.transpose(0, 1), targets.T
    y, targets = y.reshape(-1, y.shape[-1]), targets.reshape(-1)
    real = targets >= 0
    return (y, targets) if bool(real.all()) else (y[real], targets[real])


class _ChunkedLoss(Function):
    @staticmethod
    @custom_fwd(device_type="cpu")
    def forward(ctx: Any, y: Tensor, weight: Tensor, bias: Tensor, targets: Tensor) -> Tensor:
        gradients = None
        if any(ctx.needs_input_grad):
            gradients = _Gradients(y, weight, bias)
            ctx.save_for_backward(*gradients.parts)
        nats = _chunked_nats(y, weight, bias, targets, gradients)
        return nats.sum(dtype=torch.float64).to(nats.dtype)

    @staticmethod
    @once_differentiable
    @custom_bwd(device_type="cpu")
    def backward(ctx: Any, gradient: Tensor) -> Any:
        return *(part * gradient for part in ctx.saved_tensors), None


class _Gradients:
    """Sums of what each chunk adds to the gradients of ``y``, ``weight`` and ``bias``."""

    def __init__(self, y: Tensor, weight: Tensor, bias: Tensor) -> None:
        self.parts = (torch.empty_like(y), torch.zeros_like(weight), torch.zeros_like(bias))

    def add(self, start: int, rows: Tensor, table: Tensor, d_scores: Tensor) -> None:
        d_y, d_weight, d_bias = self.parts
        d_y[start : start + len(rows)] = d_scores @ table
        d_weight[: len(d_bias)] += d_scores.t() @ rows
        d_bias += d_scores.sum(dim=0, dtype=d_bias.dtype)


def _chunked_nats(y: Tensor, weight: Tensor, bias: Tensor, targets: Tensor, gradients: _Gradients | None) -> Tensor:
    """Minus the log-probability of each target, ``[N]``; with ``gradients``, those of the sum on the way."""
    device, vocab = y.device.type, len(bias)
    dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else weight.dtype
    exact = _exact(dtype)
    with torch.autocast(device, enabled=False):
        y, table, offset = y.to(dtype), weight[:vocab].to(dtype), bias.to(dtype)
        size = max(min(len(y), max(min(y.shape[1], _MOST_LOGITS // vocab), _LOGITS // vocab)), 1)
        # Reused by all chunks: fresh memory of this size would cost a page fault every 4 kB.
        logits = y.new_empty(size, vocab)
        wide, probs = (logits.new_empty(size, vocab, dtype=exact) for _ in range(2))
        nats = wide.new_empty(len(y), 1)
        for start in range(0, len(y), size):
            rows, target = y[start : start + size], targets[start : start + size].unsqueeze(1)
            scores = torch.addmm(offset, rows, table.t(), out=logits[: len(rows)])
            p = torch.softmax(wide[: len(rows)].copy_(scores), dim=-1, out=probs[: len(rows)])
            nats[start : start + size] = _nats(p, scores, target)
            if gradients is not None:
                p.scatter_add_(1, target, wide.new_full(target.shape, -1))
                gradients.add(start, rows, table, scores.copy_(p))
    return nats.squeeze(1)


def _nats(p: Tensor, scores: Tensor, target: Tensor) -> Tensor:
    chosen = p.gather(1, target)
    nats = -chosen.log()
    faint = (chosen < _FAITHFUL).squeeze(1)
    if bool(faint.any()):
        far = scores[faint].to(p.dtype)
        nats[faint] = far.logsumexp(dim=-1, keepdim=True) - far.gather(1, target[faint])
    return nats
