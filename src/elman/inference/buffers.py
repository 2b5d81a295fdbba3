"""Buffer allocation: vectors get offsets in a row, reused after their last use, so that a step
stays in the cache.
"""

from collections.abc import Sequence


class Buffers:
    """Sizes of all vectors that are made.

    >>> buffers = Buffers()
    >>> x, y, z = (buffers.add(4) for _ in range(3))
    >>> buffers.arrange([{x, y}, {y, z}], first={x}, last={z})
    ({0: 0, 1: 4, 2: 0}, 8)
    """

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def add(self, size: int) -> int:
        """Add a vector; returns its number."""
        self.sizes.append(size)
        return len(self.sizes) - 1

    def arrange(self, uses: Sequence[set[int]], *, first: set[int], last: set[int]) -> tuple[dict[int, int], int]:
        """The offset of each vector, and the row's width.

        Args:
            uses: the vectors that each instruction reads or writes.
            first: the vectors that exist before the first instruction.
            last: the vectors that are needed after the last instruction.
        """
        end = len(uses)
        born = dict.fromkeys(first, -1)
        dies: dict[int, int] = {}
        for number, vectors in enumerate(uses):
            for vector in vectors:
                born.setdefault(vector, number)
                dies[vector] = number
        dies |= dict.fromkeys(last, end)
        offsets: dict[int, int] = {}
        free: list[tuple[int, int]] = []
        living: dict[int, list[int]] = {}
        width = 0
        for vector in sorted(born, key=lambda vector: (born[vector], vector)):
            for number in [number for number in living if number < born[vector]]:
                free += [(offsets[old], self.sizes[old]) for old in living.pop(number)]
            free, size = _merged(free), self.sizes[vector]
            piece = min((piece for piece in free if piece[1] >= size), key=lambda piece: piece[1], default=None)
            if piece is None:
                offsets[vector], width = width, width + size
            else:
                free.remove(piece)
                offsets[vector] = piece[0]
                free += [(piece[0] + size, piece[1] - size)] if piece[1] > size else []
            living.setdefault(dies.get(vector, end), []).append(vector)
        return offsets, width


def _merged(pieces: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Free ranges, with neighbours joined."""
    joined: list[tuple[int, int]] = []
    for offset, size in sorted(pieces):
        if joined and sum(joined[-1]) == offset:
            joined[-1] = joined[-1][0], joined[-1][1] + size
        else:
            joined.append((offset, size))
    return joined
