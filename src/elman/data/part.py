"""Part: the rows of a batch that one of several processes trains on."""

from typing import NamedTuple


class Part(NamedTuple):
    """Rows ``first`` to ``end - 1`` of a batch of ``rows``."""

    first: int
    end: int
    rows: int

    @classmethod
    def of(cls, number: int, parts: int, rows: int) -> "Part":
        """One of several parts that differ by at most one row.

        >>> [tuple(Part.of(number, 3, 8)) for number in range(3)]
        [(0, 2, 8), (2, 5, 8), (5, 8, 8)]
        """
        return cls(number * rows // parts, (number + 1) * rows // parts, rows)

    @property
    def slice(self) -> slice:
        """The rows as an index."""
        return slice(self.first, self.end)

    def __len__(self) -> int:
        return self.end - self.first
