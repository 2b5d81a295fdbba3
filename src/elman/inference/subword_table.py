"""The vectors that are made of the n-grams of a word, as the engine holds them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.errors import FolderError
from elman.inference.weights import SCALES, Quantised, checked_weights, quantise

_SUBWORDS = "subwords.weight"

Arrays = Mapping[str, NDArray[Any]]
Vectors = NDArray[np.float32]


class SubwordTable:
    """The vectors of n-grams, in 8 bits or float32.

    Args:
        arrays: with ``subwords.weight[buckets, S]``.

    Raises:
        FolderError: the weights do not fit.
    """

    def __init__(self, arrays: Arrays, buckets: int, size: int, *, is_8_bit: bool) -> None:
        self._whole: Vectors | None = None
        self._small: Quantised | None = None
        shape = (buckets, size)
        if is_8_bit and _SUBWORDS + SCALES in arrays:
            codes, scales = arrays[_SUBWORDS], arrays[_SUBWORDS + SCALES]
            good = codes.shape == shape and codes.dtype == np.int8 and scales.shape == shape[:1]
            if not good or scales.dtype != np.float32 or not np.isfinite(scales).all():
                raise FolderError(f"the 8-bit weights of {_SUBWORDS!r} have the wrong shape or type")
            self._small = Quantised(codes, scales)
        else:
            whole = checked_weights(arrays, _SUBWORDS, shape)
            self._whole, self._small = (None, quantise(whole)) if is_8_bit else (whole, None)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        if self._small is not None:
            return {_SUBWORDS: self._small.codes, _SUBWORDS + SCALES: self._small.scales}
        return {} if self._whole is None else {_SUBWORDS: self._whole}

    def vectors(self, starts: NDArray[np.int64], buckets: NDArray[np.int64]) -> Vectors:
        """The sum of each word's N n-grams, divided by sqrt(N), ``[U, S]``; zeros of a word without
        any.

        They are added in order, so that no other word changes a bit.
        """
        if self._small is not None:
            rows = self._small.codes[buckets].astype(np.float32) * self._small.scales[buckets][:, None]
        else:
            assert self._whole is not None
            rows = self._whole[buckets]
        counts = np.diff(starts)
        found = np.zeros((len(counts), rows.shape[1]), np.float32)
        some = counts > 0
        if some.any():
            sizes = np.sqrt(counts[some, None].astype(np.float32))
            found[some] = np.add.reduceat(rows, starts[:-1][some], axis=0) / sizes
        return found
