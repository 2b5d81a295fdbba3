"""ChunkTable: the ids of what stands between spaces, at the speed of reading memory.

Lines are cut as ``WordSplitter`` cuts them: at each space that follows something else. What is
between is looked up together with what stands before it. Where it is met for the first time, a
function splits it, and the table keeps its ids.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from elman.text.word_ids import LINE_END, PRIME, SEED, SPACE, compiled, is_word, slot_of

_MOST = 1 << 17
"""Chunks that are kept; where there are more, it begins anew."""
_AT_START = 0
"""``After.START``."""
Split = Callable[[str, int], tuple[Sequence[int], int]]
"""The ids of a chunk that comes after something, and what they leave for the next one."""


class ChunkTable:
    """The chunks of lines, by number.

    >>> table = ChunkTable(lambda chunk, after: ([len(chunk)], 1), most=2)
    >>> [table.ids(numbers, end_id=-1).tolist() for numbers in table.numbers(["to be", "", "to  be"])]
    [[2, 2, -1], [0, -1, 2], [3, -1]]
    """

    def __init__(self, split: Split, *, most: int = _MOST) -> None:
        self._split = split
        self._most = most
        self._clear()

    def numbers(self, lines: Sequence[str]) -> Iterator[NDArray[np.int32]]:
        """The numbers of the chunks of lines, -1 for each line end; each array before the next is
        made, which may give its numbers to others."""
        if not lines:
            return
        text = np.frombuffer(("\n".join(lines) + "\n").encode(), np.uint8)
        position, after, filled = 0, _AT_START, 0
        found = np.empty(len(text) + len(lines), np.int32)
        while True:
            position, end, after, filled, slot = _scan(
                text, position, after, self._letters, self._ends, self._befores, self._laters, self._slots, found,
                filled,
            )  # fmt: skip
            if position == len(text):
                break
            if len(self.chunks) == self._most:
                yield found[:filled]
                filled = 0
                self._clear()
                continue
            self._add(text[position:end], after, int(slot))
        yield found[:filled]

    def ids(self, numbers: NDArray[np.int32], *, end_id: int) -> NDArray[np.int64]:
        """The ids of chunks, one after the other."""
        return _spread(numbers, self._firsts, self._ids, end_id)

    def _clear(self) -> None:
        self.chunks: list[tuple[str, int]] = []
        """The text of each chunk, and what stands before it."""
        self._slots = np.full(1 << (4 * self._most - 1).bit_length(), -1, np.int32)
        self._befores, self._laters = np.zeros((2, self._most), np.int64)
        # Where the letters and the ids of each chunk begin and end.
        self._ends, self._firsts = np.zeros((2, self._most + 1), np.int64)
        self._letters, self._ids = np.empty(1 << 12, np.uint8), np.empty(1 << 12, np.int64)

    def _add(self, letters: NDArray[np.uint8], after: int, slot: int) -> None:
        chunk, number = letters.tobytes().decode(), len(self.chunks)
        ids, later = self._split(chunk, after)
        self._letters = _appended(self._letters, int(self._ends[number]), letters)
        self._ids = _appended(self._ids, int(self._firsts[number]), ids)
        self._ends[number + 1] = self._ends[number] + len(letters)
        self._firsts[number + 1] = self._firsts[number] + len(ids)
        self._befores[number], self._laters[number], self._slots[slot] = after, later, number
        self.chunks.append((chunk, after))


def _appended(array: NDArray, used: int, more: Sequence[int] | NDArray) -> NDArray:
    """The array with more behind what is used of it, in a larger one where it is full."""
    if used + len(more) > len(array):
        array = np.concatenate([array[:used], np.empty(used + 2 * len(more), array.dtype)])
    array[used : used + len(more)] = more
    return array


@compiled
def _scan(text, position, after, letters, ends, befores, laters, slots, found, filled):
    """Append the numbers of the chunks from ``position`` on, up to one that is not known.

    Returns where that begins and ends, what stands before it, how many numbers there are, and the
    slot that it gets.
    """
    last = len(slots) - 1
    while position < len(text):
        end = position
        mixed = SEED ^ np.uint64(after)
        while text[end] == SPACE:
            mixed = (mixed ^ np.uint64(SPACE)) * PRIME
            end += 1
        while text[end] != SPACE and text[end] != LINE_END:
            mixed = (mixed ^ np.uint64(text[end])) * PRIME
            end += 1
        slot = slot_of(mixed) & last
        number = slots[slot]
        while number >= 0 and not (befores[number] == after and is_word(letters, ends, number, text, position, end)):
            slot = (slot + 1) & last
            number = slots[slot]
        if number < 0:
            return position, end, after, filled, slot
        found[filled] = number
        filled += 1
        after = laters[number]
        if text[end] == LINE_END:
            found[filled] = -1
            filled += 1
            after = _AT_START
        position = end + 1
    return position, position, after, filled, 0


@compiled
def _spread(numbers, firsts, ids, end_id):
    count = 0
    for number in numbers:
        count += firsts[number + 1] - firsts[number] if number >= 0 else 1
    found = np.empty(count, np.int64)
    filled = 0
    for number in numbers:
        if number < 0:
            found[filled] = end_id
            filled += 1
        else:
            for place in range(firsts[number], firsts[number + 1]):
                found[filled] = ids[place]
                filled += 1
    return found
