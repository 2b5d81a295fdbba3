"""Attention: where a decoder looks in a source, in torch.

    additive  score(q, h) = v . tanh(W q + U h)   (Bahdanau, Cho and Bengio 2015)
    dot       score(q, h) = q . U h / sqrt(A)     (Luong, Pham and Manning 2015, "general")

Without the root of the size A, weights would soon be 0 and 1 alone, and nothing more learned
(Vaswani et al. 2017).

The weights over a source are the softmax of the scores; the context is the weighted mean of its
outputs h.
"""

import torch
from torch import Tensor, nn

from elman.nn.chunked import exact_dtype
from elman.nn.recurrent import spread


class Attention(nn.Module):
    """Weights over the outputs of an encoder, and their weighted mean.

    Args:
        additive: whether scores are additive, or dot products.
        queries: size of what a decoder asks with (Q); of dot products also of keys.
        values: size of the encoder's outputs (D).
        keys: size of keys (A).

    >>> attention = Attention(additive=False, queries=2, values=3, keys=2)
    >>> values = torch.randn(1, 4, 3)
    >>> context, weights = attention(torch.randn(1, 5, 2), attention.keys(values), values, torch.tensor([3]))
    >>> tuple(context.shape), weights.sum(-1).round(decimals=4).tolist(), weights[0, 0, 3].item()
    ((1, 5, 3), [[1.0, 1.0, 1.0, 1.0, 1.0]], 0.0)
    """

    def __init__(self, *, additive: bool, queries: int, values: int, keys: int) -> None:
        super().__init__()
        assert additive or keys == queries, "a dot product needs vectors of one size"
        self.key = nn.Parameter(torch.empty(keys, values))
        self.query = nn.Parameter(torch.empty(keys, queries)) if additive else None
        self.score = nn.Parameter(torch.empty(keys)) if additive else None
        spread(self.key, values, None)
        if self.query is not None and self.score is not None:
            spread(self.query, queries, None)
            nn.init.uniform_(self.score, -(keys**-0.5), keys**-0.5)

    def keys(self, values: Tensor) -> Tensor:
        """``U h`` of the encoder's outputs, for dot products divided by ``sqrt(A)``: ``[B, S, D]``
        to ``[B, S, A]``."""
        keys = nn.functional.linear(values, self.key)
        return keys if self.query is not None else keys * len(self.key) ** -0.5

    def forward(self, queries: Tensor, keys: Tensor, values: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Contexts ``[B, T, D]`` and weights ``[B, T, S]`` of queries ``[B, T, Q]``.

        Args:
            keys: of ``keys``.
            values: the encoder's outputs ``[B, S, D]``.
            lengths: real tokens of each source ``[B]``, at least 1; the others have weight 0.
        """
        if self.query is not None and self.score is not None:
            sums = nn.functional.linear(queries, self.query).unsqueeze(2) + keys.unsqueeze(1)
            scores = nn.functional.linear(sums.tanh(), self.score.unsqueeze(0)).squeeze(-1)
        else:
            scores = queries @ keys.transpose(1, 2).to(queries.dtype)
        padding = torch.arange(keys.shape[1], device=keys.device) >= lengths.unsqueeze(1)
        weights = scores.to(exact_dtype(scores.dtype)).masked_fill(padding.unsqueeze(1), -torch.inf).softmax(-1)
        return weights.to(values.dtype) @ values, weights
