"""The adaptive softmax: frequent types in a head, rare ones in tails computed only when needed.

The types are sorted by frequency and cut into clusters (``elman.nn.clusters``). The head scores its
own types and one mark for each tail; a type of tail i has the probability of its mark times its
probability within the tail (Grave et al. 2017). Most tokens are in the head, so most of the V
scores are never computed. Tails of rarer types have narrower vectors: E / 4^i numbers in tail i, at
least 32, and one projection per tail.

Tied, the same tables and projections embed the input (adaptive input representations, Baevski and
Auli 2019). With full-size vectors, dense gradients and the optimiser would cost what the softmax
saves. Here all tables together are a sixth of 100,000 x 256.
"""

import math
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from elman.nn import dropout
from elman.nn.chunked import chunked_loss, chunked_nats, exact_dtype
from elman.nn.clusters import Clusters
from elman.nn.dropout import Masks
from elman.nn.output import rows_of

_LOGITS = 2**20
"""Most scores of one cluster in memory at a time."""


class Tables(nn.Module):
    """A vector of size E for each type, by rank: from the head's table, or a tail's table times its
    projection.
    """

    def __init__(
        self,
        clusters: Clusters,
        size: int,
        *,
        bound: float,
        marks: int = 0,
        generator: torch.Generator | None = None,
    ) -> None:
        """Vectors about uniform in ±``bound``; the head's table has ``marks`` more rows for the
        tails.
        """
        super().__init__()
        self.clusters = clusters
        widths = clusters.widths(size)
        starts = (0, *clusters.ends)
        for number, (width, (first, end)) in enumerate(zip(widths, pairwise(starts), strict=True)):
            rows = end - first + (0 if number else marks)
            self._add(f"table{number}", rows, width, bound, generator)
            if number:
                # Variance 1 / width gives the product the variance of the head's vectors.
                self._add(f"projection{number}", width, size, math.sqrt(3 / width), generator)

    def _add(self, name: str, rows: int, columns: int, bound: float, generator: torch.Generator | None) -> None:
        weight = nn.Parameter(torch.empty(rows, columns))
        nn.init.uniform_(weight, -bound, bound, generator=generator)
        self.register_parameter(name, weight)

    def table(self, number: int) -> Tensor:
        """Of the head (0), ``[.., E]``, or of a tail, ``[types, width]``."""
        return self.get_parameter(f"table{number}")

    def projection(self, number: int) -> Tensor:
        """Of a tail, ``[width, E]``."""
        return self.get_parameter(f"projection{number}")

    @torch.no_grad()
    def begin(self, vectors: Tensor) -> None:
        """Start from ``vectors[V, E]`` by id; a tail keeps its first principal axes."""
        by_rank = vectors[torch.from_numpy(self.clusters.ranks).to(torch.int64).argsort()]
        self.table(0)[: self.clusters.ends[0]] = by_rank[: self.clusters.ends[0]]
        for number, (first, end) in enumerate(self.clusters.tails, 1):
            tail, projection = by_rank[first:end], self.projection(number)
            axes = torch.linalg.eigh(tail.T @ tail)[1].flip(1)[:, : len(projection)]
            self.table(number).copy_(tail @ axes)
            projection.copy_(axes.T)

    def vectors(self) -> Tensor:
        """All vectors, ``[V, E]`` by rank; the reference for everything else here, which never
        holds them all.
        """
        head = self.table(0)[: self.clusters.ends[0]]
        tails = [self.table(number) @ self.projection(number) for number in range(1, len(self.clusters.ends))]
        return torch.cat([head, *tails])


class AdaptiveEmbedding(Tables):
    """A learned vector per type and for the input `<s>`, id V, narrower inside for rare types.

    >>> import numpy as np
    >>> embedding = AdaptiveEmbedding(Clusters(np.array([2, 0, 1], np.int32), (1, 3)), 4)
    >>> embedding(torch.tensor([[0, 1, 3]])).shape
    torch.Size([1, 3, 4])
    """

    def __init__(
        self, clusters: Clusters, size: int, *, type_drop: float = 0.0, generator: torch.Generator | None = None
    ) -> None:
        """Vectors of about uniform ±0.1; ``type_drop`` is the share of types dropped together in
        training.

        Raises:
            UsageError: a share outside [0, 1).
        """
        super().__init__(clusters, size, bound=0.1, marks=1, generator=generator)
        self.type_drop = dropout.check("type drop", type_drop)
        ranks = torch.from_numpy(clusters.ranks).to(torch.int64)
        self.register_buffer("_ranks", F.pad(ranks, (0, 1), value=clusters.vocab), persistent=False)

    def forward(self, ids: Tensor, masks: Masks | None = None) -> Tensor:
        """Vectors ``[.., E]`` of ``ids[..]``, each id in ``0 .. V``."""
        if ids.dim() == 2:
            # Time first in memory, as the recurrences need it.
            return self._look_up(ids.T, masks).transpose(0, 1)
        return self._look_up(ids, masks)

    def _look_up(self, ids: Tensor, masks: Masks | None) -> Tensor:
        clusters, head = self.clusters, self.clusters.ends[0]
        ranks = self.get_buffer("_ranks")[ids.reshape(-1)]
        # The row of `<s>` comes after those of the head's types.
        embedded = F.embedding(torch.where(ranks == clusters.vocab, head, ranks).clamp(max=head), self.table(0))
        for number, (first, end) in enumerate(clusters.tails, 1):
            inside = (ranks >= first) & (ranks < end)
            # All rows, though few are inside: equal shapes at every update (see
            # ``elman.nn.chunked``).
            tail = F.embedding((ranks - first).clamp(0, end - first - 1), self.table(number)) @ self.projection(number)
            embedded = torch.where(inside.unsqueeze(1), tail.to(embedded.dtype), embedded)
        embedded = embedded.view(*ids.shape, -1)
        return dropout.drop_types(embedded, ids, clusters.vocab + 1, self.type_drop, masks)


class AdaptiveOutput(nn.Module):
    """Scores of all V types from a vector of size E, by clusters; its methods are those of
    ``Output``.

    >>> import numpy as np
    >>> output = AdaptiveOutput(2, Clusters(np.array([0, 1, 2, 3], np.int32), (2, 4)))
    >>> total, count = output.loss(torch.zeros(2, 2), torch.tensor([0, 3]))
    >>> round(total.item(), 4)  # two types and the mark; two in the tail: ln 3 + ln 3 + ln 2
    2.8904
    """

    def __init__(
        self,
        size: int,
        clusters: Clusters,
        *,
        tied: AdaptiveEmbedding | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        """Tables of its own, uniform in ±1/sqrt(E), or, ``tied``, the embedding's. Biases start at
        zero.
        """
        super().__init__()
        self.clusters = clusters
        self.vocab = clusters.vocab
        bound = 1 / math.sqrt(size)
        self.bias = nn.Parameter(torch.zeros(clusters.vocab))
        """By rank."""
        self.mark_bias = nn.Parameter(torch.zeros(len(clusters.tails)))
        self.mark_weight = nn.Parameter(torch.empty(len(clusters.tails), size))
        nn.init.uniform_(self.mark_weight, -bound, bound, generator=generator)
        # In a tuple, the embedding is no submodule: its weights are saved once, under their own
        # names.
        self._tied = None if tied is None else (tied,)
        if tied is None:
            self.own = Tables(clusters, size, bound=bound, generator=generator)
        else:
            assert tied.clusters is clusters, "a tied output has its embedding's clusters"
        self.register_buffer("_ranks", torch.from_numpy(clusters.ranks).to(torch.int64), persistent=False)

    def extra_repr(self) -> str:
        return f"{self.vocab} cut at {self.clusters.ends}, tied={self._tied is not None}"

    def loss(self, y: Tensor, targets: Tensor, masks: Masks | None = None) -> tuple[Tensor, int]:
        """Summed nats (float32, a scalar) of ``targets[..]`` given ``y[.., E]``, and how many
        targets there were.

        Targets below 0 are padding: they cost nothing and are not counted. ``masks`` change
        nothing.
        """
        rows, wanted = rows_of(y, targets)
        ranks, columns = self._placed(wanted)
        total = chunked_loss(rows, *self._head(), columns, logits=_LOGITS)
        for number in range(1, len(self.clusters.ends)):
            inside, low, table, bias, local = self._tail(number, rows, ranks)
            if len(inside):
                total = total + chunked_loss(low, table, bias, local, logits=_LOGITS)
        return total, len(wanted)

    @torch.no_grad()
    def begin(self, probs: Tensor) -> None:
        """Set the biases so that an untrained output predicts ``probs[V]``, the frequencies of the
        types.
        """
        by_rank = probs[self.get_buffer("_ranks").argsort()]
        self.bias.copy_(by_rank.log())
        self.mark_bias.copy_(torch.stack([by_rank[first:end].sum() for first, end in self.clusters.tails]).log())

    def plain_loss(self, y: Tensor, targets: Tensor) -> tuple[Tensor, int]:
        """The reference of ``loss``: all log-probabilities by plain autograd."""
        rows, wanted = rows_of(y, targets)
        return -self.log_probs(rows).gather(1, wanted.unsqueeze(1)).sum(), len(wanted)

    @torch.no_grad()
    def log_prob_of(self, y: Tensor, targets: Tensor) -> Tensor:
        """Natural log-probabilities ``[..]`` of given ``targets[..]``, float32, in little memory;
        for scoring.
        """
        rows = y.reshape(-1, y.shape[-1])
        ranks, columns = self._placed(targets.reshape(-1))
        nats = chunked_nats(rows, *self._head(), columns, logits=_LOGITS)
        for number in range(1, len(self.clusters.ends)):
            inside, low, table, bias, local = self._tail(number, rows, ranks)
            nats[inside] += chunked_nats(low, table, bias, local, logits=_LOGITS)
        return -nats.to(torch.float32).view(targets.shape)

    def log_probs(self, y: Tensor) -> Tensor:
        """Natural log-probabilities ``[.., V]`` of the next token, float32: the definition, tail by
        tail.
        """
        weight, bias = self._head()
        scores = F.linear(y, weight, bias)
        head = scores.log_softmax(dim=-1, dtype=exact_dtype(scores.dtype))
        end = self.clusters.ends[0]
        parts = [head[..., :end]]
        for number, (first, stop) in enumerate(self.clusters.tails, 1):
            low = F.linear(y, self._tables().projection(number))
            scores = F.linear(low, self._tables().table(number), self.bias[first:stop])
            within = scores.log_softmax(dim=-1, dtype=exact_dtype(scores.dtype))
            parts.append(head[..., end + number - 1, None] + within)
        return torch.cat(parts, dim=-1)[..., self.get_buffer("_ranks")]

    def _tables(self) -> Tables:
        return self.own if self._tied is None else self._tied[0]

    def _head(self) -> tuple[Tensor, Tensor]:
        """Weight and bias of the head's types and the tails' marks."""
        end = self.clusters.ends[0]
        weight = torch.cat([self._tables().table(0)[:end], self.mark_weight])
        return weight, torch.cat([self.bias[:end], self.mark_bias])

    def _placed(self, targets: Tensor) -> tuple[Tensor, Tensor]:
        """The targets' ranks, and their columns in the head: their own or their tail's mark."""
        ranks = self.get_buffer("_ranks")[targets]
        ends = ranks.new_tensor(self.clusters.ends[:-1])
        marks = self.clusters.ends[0] - 1 + torch.bucketize(ranks, ends, right=True)
        return ranks, torch.where(ranks < self.clusters.ends[0], ranks, marks)

    def _tail(self, number: int, rows: Tensor, ranks: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """The rows with targets in a tail, projected rows, its table and bias, and the targets'
        columns in it.
        """
        first, end = self.clusters.tails[number - 1]
        inside = ((ranks >= first) & (ranks < end)).nonzero().squeeze(1)
        # All rows are projected, though few are needed: equal shapes at every update.
        low = F.linear(rows, self._tables().projection(number)).index_select(0, inside)
        return inside, low, self._tables().table(number), self.bias[first:end], ranks[inside] - first
