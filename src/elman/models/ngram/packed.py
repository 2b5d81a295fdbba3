"""Small whole numbers in as few bits as the largest of them needs, and rising ones in even fewer.

Two forms, both read directly from a file that is mapped into memory:

- ``pack``: number i stands in the bits ``i * width`` and following of an array of 64-bit words,
  lowest bit first.
- ``pack_starts``: where the children of each node begin, for children that lie one after another.
  There is one bit 1 for each child and one bit 0 behind the last child of each node. For every 16th
  node the number of children before it is stored, so that reading can begin there.

Files are not trusted: damaged ones give wrong numbers at worst, never reads outside the array.
"""

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]

BLOCK = 16
"""Nodes that share one number in ``pack_starts``."""
_STEP = 64
"""This many numbers of any width fill a whole number of words."""
_SPARE = 2
"""Padding words behind the last number, so that two words can always be read at once."""


def width_of(largest: int) -> int:
    """Bits of the largest number.

    >>> width_of(0), width_of(1), width_of(255), width_of(256)
    (1, 1, 8, 9)
    """
    return max(int(largest).bit_length(), 1)


def pack(values: NDArray[np.integer], width: int) -> Words:
    """Numbers below ``2**width`` (at most 64 bits) as words.

    >>> pack(np.array([1, 2, 3]), 4)
    array([801,   0,   0], dtype=uint64)
    """
    words = np.zeros(packed_words(len(values), width), np.uint64)
    packer = Packer(words, width)
    packer.add(values)
    packer.close()
    return words


class Packer:
    """``pack`` of numbers that come in chunks, into ``words``, which is zero and long enough."""

    def __init__(self, words: Words, width: int) -> None:
        self._words, self._width = words, width
        self._left = np.empty(0, np.uint64)
        self._at = 0

    def add(self, values: NDArray[np.integer]) -> None:
        """Append some numbers."""
        part = np.concatenate([self._left, values.astype(np.uint64)])
        whole = len(part) // _STEP * _STEP
        self._write(part[:whole])
        self._left = part[whole:]

    def close(self) -> None:
        """Write the numbers not written yet."""
        self._write(self._left)
        self._left = self._left[:0]

    def _write(self, part: NDArray[np.uint64]) -> None:
        rows = -(-len(part) // _STEP)
        grid = np.zeros((rows, _STEP), np.uint64)
        grid.reshape(-1)[: len(part)] = part
        out = np.zeros((rows, self._width + 1), np.uint64)
        for k in range(_STEP):
            word, shift = divmod(k * self._width, 64)
            out[:, word] |= grid[:, k] << np.uint64(shift)
            if shift + self._width > 64:
                out[:, word + 1] |= grid[:, k] >> np.uint64(64 - shift)
        used = -(-len(part) * self._width // 64)
        self._words[self._at : self._at + used] = out[:, : self._width].reshape(-1)[:used]
        self._at += used


def packed_words(count: int, width: int) -> int:
    """Length of what ``pack`` gives."""
    return -(-count * width // 64) + _SPARE


def unpack(words: Words, at: int, width: int, indices: NDArray[np.integer]) -> NDArray[np.uint64]:
    """Some of the numbers that ``pack`` stored from word ``at`` on, by their indices.

    >>> unpack(pack(np.array([5, 0, 7]), 3), 0, 3, np.array([2, 0]))
    array([7, 5], dtype=uint64)
    """
    bits = np.asarray(indices, np.int64) * width
    word, shift = at + (bits >> 6), (bits & 63).astype(np.uint64)
    # A shift by 64 is not defined; two steps are.
    high = (words[word + 1] << np.uint64(1)) << (np.uint64(63) - shift)
    return ((words[word] >> shift) | high) & np.uint64((1 << width) - 1)


def pack_starts(starts: NDArray[np.int64]) -> tuple[NDArray[np.int64], Words]:
    """Where each node's children begin, ``[n + 1]``, as (numbers of every 16th node, bits).

    >>> blocks, bits = pack_starts(np.array([0, 2, 2, 3]))
    >>> blocks.tolist(), bin(bits[0])
    ([0], '0b10011')
    """
    nodes = len(starts) - 1
    children = int(starts[-1])
    zeros = np.arange(nodes) + starts[1:]
    bits = np.ones(start_words(nodes, children) * 64, np.bool_)
    bits[nodes + children :] = False
    bits[zeros] = False
    return starts[:-1:BLOCK], np.packbits(bits, bitorder="little").view(np.uint64)


def start_words(nodes: int, children: int) -> int:
    """Words of the bits that ``pack_starts`` gives."""
    return -(-(nodes + children) // 64) + _SPARE


def children_from(words: Words, bits_at: int, bits_end: int, begun: int, node: int) -> tuple[int, int]:
    """Where one node's children begin and end; ``begun`` children lie before its block.

    >>> blocks, bits = pack_starts(np.array([0, 2, 2, 3]))
    >>> [children_from(bits, 0, len(bits), 0, node) for node in range(3)]
    [(0, 2), (2, 2), (2, 3)]
    """
    first = node // BLOCK * BLOCK
    word, shift = divmod(begun + first, 64)
    begin, before, more = min(bits_at + word, bits_end), node - first, 2
    while True:
        end = min(begin + more, bits_end)
        zeros = np.flatnonzero(np.unpackbits(words[begin:end].view(np.uint8), bitorder="little")[shift:] == 0)
        if len(zeros) > before or end == bits_end:
            break
        more *= 8
    if len(zeros) <= before:  # damaged
        return begun, begun
    # Of the bits before a zero, all but the zeros of earlier nodes are children.
    start = int(zeros[before - 1]) - (before - 1) if before else 0
    return begun + start, begun + int(zeros[before]) - before
