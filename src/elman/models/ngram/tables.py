"""The tables of a back-off n-gram: compact, mapped into memory, and checked when loaded.

    p(w | h) = value(hw) + remainder(h) p(w | h')        interpolated: as Kneser-Ney estimates
    p(w | h) = value(hw), or remainder(h) p(w | h')      backoff: as in ARPA files, log10

h' is h without its first token. A node is the index of an n-gram in the table of its order. The
table is sorted by context and then word, so that the words seen after one context are one range. At
order 1 the node is the token id, and V is `<s>`, which only begins n-grams.

Values and remainders are ratios of small counts with few distinct values, so each is stored without
loss as a code into a codebook, in as few bits as needed. An n-gram is its word and the code of its
value; a context is the start of its words and the code of its remainder. That makes two packed
arrays for each order, all in one array of 64-bit words described by ``layout``. In the small form
the starts are bits of their own.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.errors import FolderError
from elman.models.ngram.packed import BLOCK, children_from, packed_words, unpack

COLUMNS = (
    "entries", "nodes", "grams", "word_bits", "value_bits", "value_codebook",
    "contexts", "start_bits", "remainder_bits", "remainder_codebook", "blocks", "block_bits", "bits", "bits_end",
    "slots", "slot_bits", "slots_log",
)  # fmt: skip
"""Each order's columns in ``layout``: its n-grams; its contexts (with `<s>` at order 1; none at the
highest order); the offset of its n-grams, and the bits of word and value; the offset of the values'
codebook (-1: values are float32 numbers); the offset of its contexts, and the bits of start and
remainder; the remainders' codebook. In the small form, where ``start_bits`` is 0: the offset of the
numbers of every 16th context, their bits, and the range of the bits of ``packed.pack_starts``. The
offset of the hash index over contexts with many words (``kernels.fill_slots``), the bits of a slot,
and the binary logarithm of the number of slots (-1: no index)."""
MANY = 8
"""Contexts with more words than this have a hash index."""
LARGEST_LOG = 1e3
"""The largest size of a log10."""


class LayoutRow(NamedTuple):
    """A row of ``layout``."""

    entries: int
    nodes: int
    grams: int
    word_bits: int
    value_bits: int
    value_codebook: int
    contexts: int
    start_bits: int
    remainder_bits: int
    remainder_codebook: int
    blocks: int
    block_bits: int
    bits: int
    bits_end: int
    slots: int
    slot_bits: int
    slots_log: int


@dataclass(frozen=True, kw_only=True, eq=False)
class NgramTables:
    """Orders 1 to N."""

    unigrams: NDArray[np.float64]
    """Probabilities of all V types without any context (backoff: log10 of them)."""
    layout: NDArray[np.int64]
    """Sizes and offsets, ``[N, 17]``; see COLUMNS."""
    data: NDArray[np.uint64]
    """N-grams and contexts of all orders."""
    codebooks: NDArray[np.float64]
    """The values that codes stand for."""
    discounts: NDArray[np.float64]
    """``[N, 3]``: the discounts of counts 1, 2, and 3 or more; zeros where nothing was counted."""
    fixed: NDArray[np.bool_]
    """``[N]``: whether the order's discounts are the fixed ones, because its counts gave none."""
    interpolated: bool
    """Which of the two forms above."""
    closed: bool
    """Whether every n-gram is also there without its first token."""

    @property
    def order(self) -> int:
        """N, the length of the longest n-gram."""
        return len(self.layout)

    @property
    def vocab_size(self) -> int:
        """V."""
        return len(self.unigrams)

    @property
    def counts(self) -> list[int]:
        """How many n-grams of each order there are."""
        return [int(entries) for entries in self.layout[:, 0]]

    @property
    def bytes(self) -> int:
        """Size in memory and on disk."""
        return sum(array.nbytes for array in self.to_arrays().values())

    @cached_property
    def rows(self) -> list[LayoutRow]:
        """The layout, with names."""
        return [LayoutRow(*map(int, row)) for row in self.layout]

    def words(self, order: int, indices: NDArray[np.integer]) -> NDArray[np.int64]:
        """The last words of some n-grams."""
        row = self.rows[order - 1]
        codes = unpack(self.data, row.grams, row.word_bits + row.value_bits, indices)
        return (codes & np.uint64((1 << row.word_bits) - 1)).astype(np.int64)

    def values(self, order: int, indices: NDArray[np.integer]) -> NDArray[np.float64]:
        """Values (backoff: log10) of some n-grams, of order 2 or more."""
        row = self.rows[order - 1]
        codes = unpack(self.data, row.grams, row.word_bits + row.value_bits, indices) >> np.uint64(row.word_bits)
        return self._decoded(codes, row.value_codebook)

    def remainders(self, order: int, nodes: NDArray[np.integer]) -> NDArray[np.float64]:
        """Remainders (backoff: log10) of some contexts of ``order`` tokens."""
        row = self.rows[order - 1]
        codes = unpack(self.data, row.contexts, row.start_bits + row.remainder_bits, nodes) >> np.uint64(row.start_bits)
        return self._decoded(codes, row.remainder_codebook)

    def children(self, order: int, node: int) -> tuple[int, int]:
        """The range, in the order above, of the n-grams that continue a context of ``order``
        tokens.
        """
        row = self.rows[order - 1]
        if row.start_bits:
            first, end = self._starts(row, np.array([node, node + 1])).tolist()
        else:
            begun = int(unpack(self.data, row.blocks, row.block_bits, np.array([node // BLOCK]))[0])
            first, end = children_from(self.data, row.bits, row.bits_end, begun, node)
        end = min(end, self.rows[order].entries)
        return min(first, end), end

    def find(self, order: int, node: int, word: int) -> int:
        """The index of a context followed by a word in the order above, or -1."""
        first, end = self.children(order, node)
        words = self.words(order + 1, np.arange(first, end))
        index = int(np.searchsorted(words, word))
        return first + index if index < len(words) and words[index] == word else -1

    def plain_keys(self) -> Iterator[NDArray[np.int64]]:
        """``context * V + word`` of orders 2 to N."""
        for order in range(2, self.order + 1):
            entries = self.rows[order - 1].entries
            starts = self._all_starts(order - 1)
            contexts = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
            yield contexts * self.vocab_size + self.words(order, np.arange(entries))

    def _all_starts(self, order: int) -> NDArray[np.int64]:
        row = self.rows[order - 1]
        if row.start_bits:
            return self._starts(row, np.arange(row.nodes + 1))
        children = self.rows[order].entries
        bits = np.unpackbits(self.data[row.bits : row.bits_end].view(np.uint8), bitorder="little")
        zeros = np.flatnonzero(bits[: row.nodes + children] == 0)
        return np.concatenate([[0], zeros - np.arange(row.nodes)])

    def _starts(self, row: LayoutRow, nodes: NDArray[np.int64]) -> NDArray[np.int64]:
        codes = unpack(self.data, row.contexts, row.start_bits + row.remainder_bits, nodes)
        return (codes & np.uint64((1 << row.start_bits) - 1)).astype(np.int64)

    def _decoded(self, codes: NDArray[np.uint64], codebook: int) -> NDArray[np.float64]:
        if codebook < 0:
            return codes.astype(np.uint32).view(np.float32).astype(np.float64)
        return self.codebooks[codebook + codes.astype(np.int64)]

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """The tables by name, as a safetensors file keeps them."""
        form = np.array([self.interpolated, self.closed], np.uint8)
        return {
            "unigrams": self.unigrams,
            "layout": self.layout,
            "data": self.data,
            "books": self.codebooks,
            "discounts": self.discounts,
            "fixed": self.fixed.astype(np.uint8),
            "form": form,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], *, order: int, vocab_size: int) -> "NgramTables":
        """Read ``to_arrays`` back and check that no query can read outside the arrays.

        The time for that does not grow with the tables.

        Raises:
            FolderError: arrays are missing, unknown, of a wrong type or shape, or hold impossible
                values.
        """
        reader = _ArrayReader(arrays)
        form = reader.take("form", np.uint8, (2,), low=0, high=1)
        interpolated = bool(form[0])
        low, high = (0.0, 1.0) if interpolated else (-LARGEST_LOG, LARGEST_LOG)
        tables = cls(
            unigrams=reader.take("unigrams", np.float64, (vocab_size,), low=low, high=high),
            layout=reader.take("layout", np.int64, (order, len(COLUMNS)), low=-1, high=1 << 40),
            data=reader.take("data", np.uint64, (None,)),
            codebooks=reader.take("books", np.float64, (None,), low=low, high=high),
            discounts=reader.take("discounts", np.float64, (order, 3), low=0.0, high=3.0),
            fixed=reader.take("fixed", np.uint8, (order,), low=0, high=1).astype(np.bool_),
            interpolated=interpolated,
            closed=bool(form[1]),
        )
        reader.nothing_left()
        for n, row in enumerate(tables.rows, start=1):
            _check_row(tables, n, row)
        return tables


def _check_row(tables: NgramTables, n: int, row: LayoutRow) -> None:
    def within(at: int, size: int) -> bool:
        return at >= 0 and at + size <= len(tables.data)

    def packed(count: int, at: int, *bits: int) -> bool:
        return all(0 <= width <= 32 for width in bits) and within(at, packed_words(count, sum(bits)))

    def booked(bits: int, codebook: int) -> bool:
        return bits == 32 if codebook < 0 else codebook + (1 << bits) <= len(tables.codebooks)

    last = n == tables.order
    if n == 1:
        good = row.entries == tables.vocab_size and row.nodes == (0 if last else row.entries + 1)
    else:
        good = row.entries >= 0 and row.nodes == (0 if last else row.entries)
        good = good and packed(row.entries, row.grams, row.word_bits, row.value_bits)
        good = good and row.word_bits > 0 and booked(row.value_bits, row.value_codebook)
    if good and not last:
        # One more than there are nodes: the last one's children end at its start.
        good = packed(row.nodes + 1, row.contexts, row.start_bits, row.remainder_bits)
        good = good and booked(row.remainder_bits, row.remainder_codebook)
        if row.start_bits == 0:
            good = good and packed(-(-row.nodes // BLOCK), row.blocks, row.block_bits)
            good = good and within(row.bits, row.bits_end - row.bits) and row.bits <= row.bits_end
        if row.slots_log >= 0:
            good = (
                good
                and row.slots_log <= 40
                and row.slot_bits > 0
                and packed(1 << row.slots_log, row.slots, row.slot_bits)
            )
    if not good:
        raise _ArrayReader.damaged("layout", f"does not fit the tables (order {n})")


class _ArrayReader:
    """Takes arrays one by one and refuses those that no n-gram model can have written."""

    def __init__(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        self._left = dict(arrays)

    def take(
        self, name: str, dtype: type, shape: tuple[int | None, ...], *, low: float | None = None, high: float = 0.0
    ) -> NDArray[Any]:
        if name not in self._left:
            raise self.damaged(name, "is missing")
        array = np.asarray(self._left.pop(name))
        fits = len(array.shape) == len(shape) and all(
            want is None or size == want for size, want in zip(array.shape, shape, strict=True)
        )
        if array.dtype != np.dtype(dtype) or not fits:
            wanted = "x".join("any" if size is None else str(size) for size in shape)
            size_text = "x".join(str(size) for size in array.shape) or "scalar"
            raise self.damaged(name, f"is {array.dtype} {size_text}, not {np.dtype(dtype)} {wanted}")
        # NaN fails both comparisons.
        if low is not None and array.size and not (array.min() >= low and array.max() <= high):
            raise self.damaged(name, f"holds values outside {low:g} to {high:g}")
        return array

    def nothing_left(self) -> None:
        if self._left:
            raise self.damaged(min(self._left), "is not known")

    @staticmethod
    def damaged(name: str, what: str) -> FolderError:
        return FolderError(f"the n-gram tables are damaged: {name} {what}; copy the model again or train it again")
