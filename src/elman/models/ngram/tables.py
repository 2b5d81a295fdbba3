"""The tables of an n-gram model: what is known of each n-gram, and the same as arrays of a file."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.errors import FolderError

LARGEST_LOG = 1000.0
"""No honest log-probability or backoff is further from 0 than this (nats)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class NgramTables:
    """Orders 1 to N in ARPA's manner: a log-probability per n-gram, a log backoff per context (nats).

    A context is a node: the place of its tokens in the table of its own order; at order 1 the token id,
    and V for `<s>`.
    """

    keys: tuple[NDArray[np.int64], ...]
    """Orders 2 to N: ``context * V + word``, strictly rising."""
    log_probs: tuple[NDArray[np.float32], ...]
    """Orders 1 to N: the probability of the word after its context, lower orders already mixed in."""
    backoffs: tuple[NDArray[np.float32], ...]
    """Orders 1 to N-1: what the next lower order's probability of an unseen word is multiplied by."""
    discounts: NDArray[np.float64]
    """``[N, 3]``: what was taken off counts of 1, 2, and 3 or more."""
    fixed: NDArray[np.bool_]
    """``[N]``: whether the order's discounts are the fixed ones, because its counts gave none."""

    @property
    def order(self) -> int:
        """N, the length of the longest n-gram."""
        return len(self.log_probs)

    @property
    def vocab_size(self) -> int:
        """V."""
        return len(self.log_probs[0])

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """The tables by name, as a safetensors file keeps them."""
        arrays: dict[str, NDArray[Any]] = {"discounts": self.discounts, "fixed": self.fixed.astype(np.uint8)}
        for n, log_probs in enumerate(self.log_probs, start=1):
            arrays[f"order_{n}.log_probs"] = log_probs
            if n > 1:
                arrays[f"order_{n}.keys"] = self.keys[n - 2]
            if n < self.order:
                arrays[f"order_{n}.backoffs"] = self.backoffs[n - 1]
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], *, order: int, vocab_size: int) -> "NgramTables":
        """Read ``to_arrays`` back and check what a query relies on.

        Raises:
            FolderError: arrays are missing, unknown, of a wrong type or shape, or hold impossible values.
        """
        reader = _Reader(arrays)
        discounts = reader.take("discounts", np.float64, (order, 3), low=0.0, high=3.0)
        fixed = reader.take("fixed", np.uint8, (order,), low=0, high=1)
        keys, log_probs, backoffs = [], [], []
        nodes, entries = 1, vocab_size
        for n in range(1, order + 1):
            if n > 1:
                found = reader.take(f"order_{n}.keys", np.int64, (None,), low=0, high=nodes * vocab_size - 1)
                if not (found[1:] > found[:-1]).all():
                    raise reader.damaged(f"order_{n}.keys", "is not strictly rising")
                keys.append(found)
                entries = len(found)
            name = f"order_{n}.log_probs"
            log_probs.append(reader.take(name, np.float32, (entries,), low=-LARGEST_LOG, high=0.0))
            # `<s>` is a context of order 1 that no row of the table predicts.
            nodes = entries + (n == 1)
            if n < order:
                name = f"order_{n}.backoffs"
                backoffs.append(reader.take(name, np.float32, (nodes,), low=-LARGEST_LOG, high=1e-3))
        reader.nothing_left()
        return cls(
            keys=tuple(keys),
            log_probs=tuple(log_probs),
            backoffs=tuple(backoffs),
            discounts=discounts,
            fixed=fixed.astype(np.bool_),
        )


class _Reader:
    """Takes arrays one by one and refuses what no n-gram model can have written."""

    def __init__(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        self._left = dict(arrays)

    def take(self, name: str, dtype: type, shape: tuple[int | None, ...], *, low: float, high: float) -> NDArray[Any]:
        if name not in self._left:
            raise self.damaged(name, "is missing")
        array = np.asarray(self._left.pop(name))
        fits = len(array.shape) == len(shape) and all(
            want is None or size == want for size, want in zip(array.shape, shape, strict=True)
        )
        if array.dtype != np.dtype(dtype) or not fits:
            wanted = "x".join("any" if size is None else str(size) for size in shape)
            found = "x".join(str(size) for size in array.shape) or "scalar"
            raise self.damaged(name, f"is {array.dtype} {found}, not {np.dtype(dtype)} {wanted}")
        # NaN fails both comparisons.
        if array.size and not (array.min() >= low and array.max() <= high):
            raise self.damaged(name, f"holds values outside {low:g} to {high:g}")
        return array

    def nothing_left(self) -> None:
        if self._left:
            raise self.damaged(min(self._left), "is not known")

    @staticmethod
    def damaged(name: str, what: str) -> FolderError:
        return FolderError(f"the n-gram tables are damaged: {name} {what}; copy the model again or train it again")
