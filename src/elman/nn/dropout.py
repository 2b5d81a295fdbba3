"""Dropout for recurrent networks: locked over time, on whole types, and on recurrent weights.

Masks come from an explicit Masks value, keyed by the run's seed and the update, so a resumed run
repeats them. With ``masks=None`` (evaluation), nothing is dropped.
"""

import hashlib
import math

import torch
from torch import Tensor

from elman.data.part import Part
from elman.errors import UsageError

_LEVELS = 2**16


class Masks:
    """The random masks of one update, drawn in a fixed order whatever the thread count.

    Args:
        part: the rows of the batch that are here. Masks are drawn for all of its rows, so that each
            row gets the same ones wherever it is.

    >>> whole = Masks(1, 7).keep(2, 3, drop=0.5)
    >>> Masks(1, 7, Part(1, 2, 2)).keep(1, 3, drop=0.5, rows=0).equal(whole[1:])
    True
    """

    def __init__(self, seed: int, update: int, part: Part | None = None) -> None:
        self._part = part
        # The CPU generator takes 32 bits; an odd multiplier keeps the updates of one run apart.
        start = int.from_bytes(hashlib.sha256(str(seed).encode()).digest()[:4], "little")
        self._generator = torch.Generator().manual_seed((start + 0x9E3779B1 * update) % 2**32)

    def keep(self, *shape: int, drop: float, rows: int | None = None) -> Tensor:
        """Zeros with probability ``drop`` and ``1 / (1 - drop)`` elsewhere, float32.

        ``drop`` is rounded to 1/65536; the scale belongs to the rounded probability. ``rows`` is
        the axis, if any, of the rows of the batch.
        """
        shape = self._whole(shape, rows)
        count = math.prod(shape)
        # 16 random bits per element keep masks of whole weight matrices cheap.
        words = torch.empty(-(-count // 4), dtype=torch.int64).random_(-(2**63), None, generator=self._generator)
        level = min(round(drop * _LEVELS), _LEVELS - 1)
        kept = words.view(torch.int16)[:count] >= level - _LEVELS // 2
        return self._own(kept.view(shape), rows).to(torch.float32).mul_(_LEVELS / (_LEVELS - level))

    def uniform(self, *shape: int, rows: int | None = None) -> Tensor:
        """Numbers in [0, 1), float64; ``rows`` is the axis, if any, of the rows of the batch."""
        drawn = torch.empty(self._whole(shape, rows), dtype=torch.float64).uniform_(generator=self._generator)
        return self._own(drawn, rows)

    def _whole(self, shape: tuple[int, ...], rows: int | None) -> tuple[int, ...]:
        if self._part is None or rows is None:
            return shape
        return (*shape[:rows], self._part.rows, *shape[rows + 1 :])

    def _own(self, drawn: Tensor, rows: int | None) -> Tensor:
        if self._part is None or rows is None:
            return drawn
        return drawn.narrow(rows, self._part.first, len(self._part))


def locked(x: Tensor, drop: float, masks: Masks | None) -> Tensor:
    """Drop units of ``x[B, T, H]``, the same ones at all T steps of a row (Gal and Ghahramani
    2016).
    """
    if masks is None or drop == 0:
        return x
    return x * masks.keep(x.shape[0], 1, x.shape[2], drop=drop, rows=0).to(x)


def drop_types(vectors: Tensor, ids: Tensor, rows: int, drop: float, masks: Masks | None) -> Tensor:
    """Drop whole types: all occurrences of a type in ``ids[...]`` lose their vector ``[..., E]``.

    ``rows`` is the number of types.
    """
    if masks is None or drop == 0:
        return vectors
    return vectors * masks.keep(rows, drop=drop).to(vectors)[ids].unsqueeze(-1)


def drop_weights(weight: Tensor, drop: float, masks: Masks | None) -> Tensor:
    """Drop single connections of a weight matrix for the whole chunk (Merity et al. 2018)."""
    if masks is None or drop == 0:
        return weight
    return weight * masks.keep(*weight.shape, drop=drop).to(weight)


def check(name: str, drop: float) -> float:
    """Return ``drop`` if it is valid.

    Raises:
        UsageError: it is not in [0, 1).
    """
    if not 0 <= drop < 1:
        raise UsageError(f"{name} is {drop}; it must be at least 0 and less than 1 (0 drops nothing)", field=name)
    return drop
