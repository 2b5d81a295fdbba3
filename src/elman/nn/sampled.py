"""Sampled softmax: in training each target competes with a sample of the types, otherwise with all.

An update draws types as negatives for all of its tokens. Frequent types are drawn more often. To
correct for that, the logarithm of a type's expected count in the sample is subtracted from its
score. A negative that equals a row's target is left out of that row (Jean et al. 2015, Bengio and
Senecal 2008). The types are sorted by frequency, and rank r is drawn with probability ln((r + 2) /
(r + 1)) / ln(V + 1), which falls about as 1 / (r + 1) (Zipf); a type drawn twice counts once.

The gradient holds only the weight rows of targets and negatives; for the other rows, see
``elman.training.sparse_updates``.
"""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.amp.autocast_mode import custom_bwd, custom_fwd
from torch.autograd.function import Function, once_differentiable

from elman.nn.chunked import exact_dtype, product_dtype
from elman.nn.clusters import Clusters
from elman.nn.dropout import Masks
from elman.nn.embedding import Embedding
from elman.nn.output import Output, rows_of

_LOGITS = 2**20
"""Most scores in memory at a time."""
_ROUND = 64
"""Negatives are padded to a multiple of this."""


class SampledOutput(Output):
    """A full output that is trained on samples.

    >>> from elman.nn.clusters import zipf_counts
    >>> output = SampledOutput(2, Clusters.uncut(zipf_counts(1000)), samples=100)
    >>> y, targets = torch.zeros(3, 2), torch.tensor([0, 1, 999])
    >>> round(output.loss(y, targets)[0].item() / 3, 4)  # without masks exact: ln 1000
    6.9078
    >>> 5 < output.loss(y, targets, Masks(1, 1))[0].item() / 3 < 9
    True
    """

    def __init__(
        self,
        size: int,
        clusters: Clusters,
        *,
        samples: int,
        tied: Embedding | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        """``samples`` are drawn at each update; with V or more, every type competes. For others see
        ``Output``.
        """
        super().__init__(size, clusters.vocab, tied=tied, generator=generator)
        assert samples >= 1, "something must compete"
        self.samples = samples
        ranks = torch.from_numpy(clusters.ranks).to(torch.int64)
        self.register_buffer("_ranks", ranks, persistent=False)
        self.register_buffer("_ids", ranks.argsort(), persistent=False)

    def loss(self, y: Tensor, targets: Tensor, masks: Masks | None = None) -> tuple[Tensor, int]:
        """Summed nats of ``targets[..]``: with ``masks`` (training) among sampled types, else
        exact.
        """
        if masks is None:
            return super().loss(y, targets)
        rows, wanted = rows_of(y, targets)
        negatives = self.draw(masks)
        table = self.table()
        own = F.embedding(wanted, table, sparse=True).to(rows.dtype)
        chosen = (rows * own).sum(dim=1, dtype=exact_dtype(rows.dtype)) + self._offset(wanted)
        # A target's index among the negatives, or -1.
        indices = torch.full((self.vocab,), -1, device=wanted.device)
        indices[negatives] = torch.arange(len(negatives), device=wanted.device)
        offset = self._offset(negatives)
        missing = -len(negatives) % _ROUND
        # Padded to a round number by a repeated type with score -inf: the number drawn varies, and
        # a kernel is compiled for each shape of a bfloat16 product.
        others = F.embedding(F.pad(negatives, (0, missing), value=int(negatives[0])), table, sparse=True)
        nats = _Against.apply(rows, others, F.pad(offset, (0, missing), value=-math.inf), chosen, indices[wanted])
        return nats, len(wanted)

    def plain_loss(self, y: Tensor, targets: Tensor, masks: Masks | None = None) -> tuple[Tensor, int]:
        """The reference of ``loss``: plain autograd, row by row."""
        if masks is None:
            return super().plain_loss(y, targets)
        rows, wanted = rows_of(y, targets)
        negatives = self.draw(masks)
        total = rows.new_zeros((), dtype=exact_dtype(rows.dtype))
        for row, target in zip(rows, wanted, strict=True):
            candidates = torch.cat([target.view(1), negatives[negatives != target]])
            scores = F.linear(row, self.table()[candidates]) + self._offset(candidates)
            total = total - scores.to(total.dtype).log_softmax(0)[0]
        return total, len(wanted)

    def draw(self, masks: Masks) -> Tensor:
        """The ids of the types that an update draws, each once."""
        if self.samples >= self.vocab:
            return torch.arange(self.vocab, device=self.bias.device)
        drawn = (masks.uniform(self.samples) * math.log(self.vocab + 1)).exp().long() - 1
        return self.get_buffer("_ids")[drawn.clamp(0, self.vocab - 1).unique().to(self.bias.device)]

    def expected(self, ids: Tensor) -> Tensor:
        """The expected count of each type in a sample, at most 1, float64."""
        ranks = self.get_buffer("_ranks")[ids].to(torch.float64)
        if self.samples >= self.vocab:
            return torch.ones_like(ranks)
        once = torch.log1p(1 / (ranks + 1)) / math.log(self.vocab + 1)
        return -torch.expm1(self.samples * torch.log1p(-once))

    def _offset(self, ids: Tensor) -> Tensor:
        """The sum of the bias and the sampling correction."""
        return self.bias[ids] - self.expected(ids).log().to(self.bias.dtype)


class _Against(Function):
    """Summed nats of scores ``chosen[N]`` among those of all others.

    The others' scores are ``y[N, E] @ others[S, E].T + offset[S]``; the one at ``indices[N]`` is
    left out (-1: none). Works in chunks of rows with their gradients, as ``chunked_loss`` does.
    """

    @staticmethod
    @custom_fwd(device_type="cpu")
    def forward(ctx: Any, y: Tensor, others: Tensor, offset: Tensor, chosen: Tensor, indices: Tensor) -> Tensor:
        dtype = product_dtype(others)
        d_y, d_others, d_offset = torch.empty_like(y), torch.zeros_like(others), torch.zeros_like(offset)
        nats, d_chosen = torch.empty_like(chosen), torch.empty_like(chosen)
        size = max(_LOGITS // len(others), 1)
        with torch.autocast(y.device.type, enabled=False):
            table, low = others.to(dtype), y.to(dtype)
            for start in range(0, len(y), size):
                part = slice(start, start + size)
                rows, own = low[part], chosen[part].unsqueeze(1)
                scores = (rows @ table.t()).to(own.dtype) + offset
                hits = (indices[part] >= 0).nonzero().squeeze(1)
                scores[hits, indices[part][hits]] = -math.inf
                total = torch.logaddexp(scores.logsumexp(dim=1, keepdim=True), own)
                nats[part] = (total - own).squeeze(1)
                d_chosen[part] = (own - total).expm1().squeeze(1)
                p = scores.sub_(total).exp_()
                d_offset += p.sum(dim=0)
                p = p.to(dtype)
                d_y[part] = p @ table
                d_others += p.t() @ rows
        ctx.save_for_backward(d_y, d_others, d_offset, d_chosen)
        return nats.sum(dtype=torch.float64).to(nats.dtype)

    @staticmethod
    @once_differentiable
    @custom_bwd(device_type="cpu")
    def backward(ctx: Any, gradient: Tensor) -> Any:
        return *(part * gradient for part in ctx.saved_tensors), None
