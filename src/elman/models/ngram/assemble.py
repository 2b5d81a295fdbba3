"""Packing the tables of an n-gram model from its keys, values and remainders, chunk by chunk."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.models.ngram.chunks import Allocate, chunks
from elman.models.ngram.coding import Coding, make_coding
from elman.models.ngram.packed import BLOCK, Packer, pack_starts, packed_words, start_words, width_of
from elman.models.ngram.tables import COLUMNS, MANY, LayoutRow, NgramTables


class OrderEntries(NamedTuple):
    """The n-grams of one order from 2 up, as ``assemble`` takes them."""

    keys: NDArray[np.int64]
    """``context * V + word``, rising."""
    values: Callable[[slice], NDArray[np.float64]]
    """The values of some of its n-grams."""


def assemble(
    unigrams: NDArray[np.float64],
    orders: Sequence[OrderEntries],
    remainders: Sequence[NDArray[np.float64]],
    *,
    discounts: NDArray[np.float64],
    fixed: NDArray[np.bool_],
    interpolated: bool,
    closed: bool,
    small: bool = False,
    quantise: int | None = None,
    allocate: Allocate = np.zeros,
) -> NgramTables:
    """Pack tables.

    Args:
        unigrams: ``[V]``.
        orders: 2 to N.
        remainders: of the contexts of orders 1 to N-1; at order 1 V + 1 of them.
        small: a third smaller, and slower to read.
        quantise: bits of each value and remainder from order 2 up; default: all values are kept.
        allocate: gives arrays of zeros; on disk, where they may be larger than memory.

    >>> bigrams = OrderEntries(np.array([1, 5]), lambda some: np.array([0.2, 0.3])[some])    # 0 1, 2 1
    >>> tables = assemble(
    ...     np.full(2, 0.5), [bigrams], [np.array([0.8, 1.0, 0.7])], interpolated=True, closed=True,
    ...     discounts=np.zeros((2, 3)), fixed=np.zeros(2, bool),
    ... )
    >>> tables.find(1, 2, 1), tables.values(2, np.array([1])), tables.remainders(1, np.array([0]))
    (1, array([0.3]), array([0.8]))
    """
    vocab_size = len(unigrams)
    layout = np.full((len(orders) + 1, len(COLUMNS)), -1, np.int64)
    layout[0, :2] = vocab_size, len(remainders[0]) if orders else 0
    word_bits = width_of(vocab_size - 1)
    codebooks: list[NDArray[np.float64]] = []
    codings = []
    size = 0
    for n, order in enumerate(orders, start=2):
        entries, nodes = len(order.keys), len(remainders[n - 2])
        layout[n - 1, :2] = entries, entries if n <= len(orders) else 0
        value = make_coding(order.values, entries, codebooks, interpolated=interpolated, bits=quantise)
        # A remainder of zero means that no shorter context is asked, so it stays exactly zero.
        nothing = 1.0 if interpolated else 0.0
        bits = quantise if n > 2 else None
        remainder = make_coding(
            remainders[n - 2].__getitem__, nodes, codebooks, interpolated=interpolated, bits=bits, kept=nothing
        )
        codings.append((value, remainder))
        layout[n - 1, 2:6] = size, word_bits, value.bits, value.at
        size += packed_words(entries, word_bits + value.bits)
        start_bits = 0 if small and n > 2 else width_of(entries)
        layout[n - 2, 6:10] = size, start_bits, remainder.bits, remainder.at
        size += packed_words(nodes + 1, start_bits + remainder.bits)
        if start_bits == 0:
            layout[n - 2, 10:12] = size, width_of(entries)
            size += packed_words(-(-nodes // BLOCK), width_of(entries))
            layout[n - 2, 12:14] = size, size + start_words(nodes, entries)
            size += start_words(nodes, entries)
        if not small:
            log = _slots_log(order.keys, nodes, vocab_size)
            layout[n - 2, 14:17] = size, width_of(entries), log
            size += packed_words(1 << log, width_of(entries)) if log >= 0 else 0
    data = allocate(size, np.uint64)
    for n, (order, (value, remainder)) in enumerate(zip(orders, codings, strict=True), start=2):
        row, above = LayoutRow(*map(int, layout[n - 1])), LayoutRow(*map(int, layout[n - 2]))
        packer = Packer(data[row.grams :], word_bits + value.bits)
        for some in chunks(row.entries):
            words = (order.keys[some] % vocab_size).astype(np.uint64)
            packer.add(words | value.codes(order.values(some)) << np.uint64(word_bits))
        packer.close()
        _write_contexts(data, above, order.keys, remainders[n - 2], remainder, vocab_size)
        if above.slots_log >= 0:
            _write_slots(data, above, order.keys, vocab_size, allocate)
    return NgramTables(
        unigrams=unigrams,
        layout=layout,
        data=data,
        codebooks=np.concatenate([np.zeros(0), *codebooks]),
        discounts=discounts,
        fixed=fixed,
        interpolated=interpolated,
        closed=closed,
    )


def _write_contexts(
    data: NDArray[np.uint64],
    row: LayoutRow,
    keys: NDArray[np.int64],
    remainders: NDArray[np.float64],
    coding: Coding,
    vocab_size: int,
) -> None:
    """Starts and remainders, in chunks of whole blocks of nodes."""
    contexts = Packer(data[row.contexts :], row.start_bits + row.remainder_bits)
    blocks = Packer(data[row.blocks :], row.block_bits) if row.start_bits == 0 else None
    first = 0
    for some, counts in _child_counts(keys, row.nodes, vocab_size):
        starts = np.concatenate([[0], np.cumsum(counts)])
        codes = coding.codes(remainders[some]) << np.uint64(row.start_bits)
        if blocks is None:
            contexts.add((first + starts[:-1]).astype(np.uint64) | codes)
        else:
            contexts.add(codes)
            begun, bits = pack_starts(starts)
            blocks.add(first + begun)
            _put_bits(data[row.bits : row.bits_end], some.start + first, bits, len(counts) + int(starts[-1]))
        first += int(starts[-1])
    contexts.add(np.array([first if row.start_bits else 0]))
    contexts.close()
    if blocks is not None:
        blocks.close()


def _slots_log(keys: NDArray[np.int64], nodes: int, vocab_size: int) -> int:
    """Slots for at least twice the n-grams whose contexts have many words; -1 where there are
    none.
    """
    many = sum(int(counts[counts > MANY].sum()) for _, counts in _child_counts(keys, nodes, vocab_size))
    return (2 * many - 1).bit_length() if many else -1


def _write_slots(
    data: NDArray[np.uint64], row: LayoutRow, keys: NDArray[np.int64], vocab_size: int, allocate: Allocate
) -> None:
    from elman.models.ngram.kernels import fill_slots

    many = allocate(row.nodes, np.bool_)
    for some, counts in _child_counts(keys, row.nodes, vocab_size):
        many[some] = counts > MANY
    slots = allocate(1 << row.slots_log, np.int64)
    fill_slots(keys, many, vocab_size, slots, row.slots_log)
    packer = Packer(data[row.slots :], row.slot_bits)
    for some in chunks(len(slots)):
        packer.add(slots[some])
    packer.close()


def _child_counts(keys: NDArray[np.int64], nodes: int, vocab_size: int) -> Iterator[tuple[slice, NDArray[np.int64]]]:
    """How many words follow each context, in whole blocks of nodes."""
    first = 0
    for some in chunks(nodes):
        end = int(np.searchsorted(keys, some.stop * vocab_size))
        counts = np.zeros(some.stop - some.start, np.int64)
        for part in chunks(end - first):
            parents = keys[first + part.start : first + part.stop] // vocab_size - some.start
            counts += np.bincount(parents, minlength=len(counts))
        yield some, counts
        first = end


def _put_bits(words: NDArray[np.uint64], at: int, bits: NDArray[np.uint64], count: int) -> None:
    """Write ``count`` bits, starting at bit ``at``, over zeros."""
    word, shift = divmod(at, 64)
    used = -(-count // 64)
    words[word : word + used] |= bits[:used] << np.uint64(shift)
    words[word + 1 : word + 1 + used] |= (bits[:used] >> np.uint64(1)) >> np.uint64(63 - shift)
