"""From the last layer to the vocabulary: the loss in training, log-probabilities in use.

The loss is computed in chunks of rows (``elman.nn.chunked``), so that at most one chunk of N x V
numbers is in memory; ``plain_loss`` is its reference.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from elman.nn.chunked import chunked_loss, chunked_nats, exact_dtype
from elman.nn.dropout import Masks
from elman.nn.embedding import Embedding


class Output(nn.Module):
    """Scores of all V types from a vector of size E.

    >>> output = Output(2, 4)
    >>> total, count = output.loss(torch.zeros(3, 2), torch.tensor([0, 1, 3]))
    >>> round(total.item() / count, 4), count  # nothing learned, input zero: ln 4
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
        """Full weights of its own, uniform in ±1/sqrt(E), or, ``tied``, the embedding's first V
        rows.

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

    @torch.no_grad()
    def begin(self, probs: Tensor) -> None:
        """Set the bias so that an untrained output predicts ``probs[V]``, the frequencies of the
        types.
        """
        self.bias.copy_(probs.log())

    def loss(self, y: Tensor, targets: Tensor, masks: Masks | None = None) -> tuple[Tensor, int]:
        """Summed nats (float32, a scalar) of ``targets[..]`` given ``y[.., E]``, and how many
        targets there were.

        Targets below 0 are padding: they cost nothing and are not counted. ``masks`` change
        nothing.
        """
        rows, wanted = rows_of(y, targets)
        return chunked_loss(rows, self.table(), self.bias, wanted), len(wanted)

    def plain_loss(self, y: Tensor, targets: Tensor) -> tuple[Tensor, int]:
        """The reference of ``loss``: plain autograd over all rows at once."""
        rows, wanted = rows_of(y, targets)
        logits = F.linear(rows, self.table()[: self.vocab], self.bias)
        return F.cross_entropy(logits.to(exact_dtype(logits.dtype)), wanted, reduction="sum"), len(wanted)

    @torch.no_grad()
    def log_prob_of(self, y: Tensor, targets: Tensor) -> Tensor:
        """Natural log-probabilities ``[..]`` of given ``targets[..]``, float32, in little memory;
        for scoring.
        """
        flat = y.reshape(-1, y.shape[-1])
        nats = chunked_nats(flat, self.table(), self.bias, targets.reshape(-1))
        return -nats.to(torch.float32).view(targets.shape)

    def log_probs(self, y: Tensor) -> Tensor:
        """Natural log-probabilities ``[.., V]`` of the next token, float32."""
        logits = F.linear(y, self.table()[: self.vocab], self.bias)
        return logits.log_softmax(dim=-1, dtype=exact_dtype(logits.dtype))

    def table(self) -> Tensor:
        """The weight ``[V, E]``, or the embedding's, whose last row is `<s>`."""
        return self.weight if self._tied is None else self._tied[0].weight


def rows_of(y: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """``y[.., E]`` and ``targets[..]`` as ``[N, E]`` and ``[N]`` without padding (targets below
    0).
    """
    if y.dim() == 3 and y.stride(0) < y.stride(1):
        # Outputs of recurrences are time first in memory: reading them in that order needs no copy.
        y, targets = y.transpose(0, 1), targets.T
    y, targets = y.reshape(-1, y.shape[-1]), targets.reshape(-1)
    real = targets >= 0
    return (y, targets) if bool(real.all()) else (y[real], targets[real])
