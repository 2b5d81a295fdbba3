"""Token ids to vectors: learned, or one-hot.

The last row, V, is the input `<s>`, which is never predicted.
"""

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from elman.errors import UsageError
from elman.nn import dropout
from elman.nn.dropout import Masks


class Embedding(nn.Module):
    """A learned vector per type, ``weight[V + 1, E]``.

    >>> embedding = Embedding(4, 2, vectors=np.eye(4, 2))
    >>> embedding(torch.tensor([[1, 0]])).tolist()
    [[[0.0, 1.0], [1.0, 0.0]]]
    """

    def __init__(
        self,
        vocab: int,
        size: int,
        *,
        vectors: NDArray[np.floating] | None = None,
        type_drop: float = 0.0,
        sparse: bool = False,
        generator: torch.Generator | None = None,
    ) -> None:
        """Start from ``vectors[V, E]`` or ``[V + 1, E]``; missing rows are uniform in ±0.1.

        ``type_drop`` is the share of types whose vectors are dropped together in training. With
        ``sparse``, gradients hold only the rows that were looked up.

        Raises:
            UsageError: vectors of another shape, or a dropout outside [0, 1).
        """
        super().__init__()
        self.vocab = vocab
        self.type_drop = dropout.check("type drop", type_drop)
        self.sparse = sparse
        self.weight = nn.Parameter(torch.empty(vocab + 1, size))
        nn.init.uniform_(self.weight, -0.1, 0.1, generator=generator)
        if vectors is not None:
            rows = len(vectors)
            if vectors.shape not in ((vocab, size), (vocab + 1, size)):
                raise UsageError(f"vectors of shape {vectors.shape}; this vocabulary needs ({vocab}, {size})")
            with torch.no_grad():
                self.weight[:rows] = torch.from_numpy(np.asarray(vectors, dtype=np.float32))

    def extra_repr(self) -> str:
        return f"{self.vocab} + 1, {self.weight.shape[1]}"

    @torch.no_grad()
    def begin(self, vectors: Tensor) -> None:
        """Start from ``vectors[V, E]``."""
        self.weight[: self.vocab] = vectors

    def forward(self, ids: Tensor, masks: Masks | None = None) -> Tensor:
        """Vectors ``[.., E]`` of ``ids[..]``, each id in ``0 .. V``."""
        if ids.dim() == 2:
            # Time first in memory, as the recurrences need it.
            return self._look_up(ids.T, masks).transpose(0, 1)
        return self._look_up(ids, masks)

    def _look_up(self, ids: Tensor, masks: Masks | None) -> Tensor:
        vectors = F.embedding(ids, self.weight, sparse=self.sparse and masks is not None)
        return dropout.drop_types(vectors, ids, self.vocab + 1, self.type_drop, masks)


class OneHot(nn.Module):
    """A unit vector per type, E = V + 1, with nothing to learn."""

    def __init__(self, vocab: int) -> None:
        super().__init__()
        self.vocab = vocab

    def forward(self, ids: Tensor, masks: Masks | None = None) -> Tensor:
        """Vectors ``[.., V + 1]`` of ``ids[..]``; ``masks`` change nothing."""
        return F.one_hot(ids, self.vocab + 1).to(torch.get_default_dtype())
