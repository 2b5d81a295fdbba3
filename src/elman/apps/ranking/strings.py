"""Many strings in two arrays, so that they can lie in a mapped file."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray


class Strings(Sequence[str]):
    """Strings as one array of UTF-8 bytes and their starts ``[N + 1]``.

    >>> Strings.of(["wing", "é"])[1]
    'é'
    """

    def __init__(self, data: NDArray[np.uint8], starts: NDArray[np.int64]) -> None:
        """Strings of arrays.

        Raises:
            ValueError: the starts do not fit the data.
        """
        if data.dtype != np.uint8 or starts.dtype != np.int64 or data.ndim != 1 or starts.ndim != 1:
            raise ValueError("strings of other arrays")
        if not len(starts) or starts[0] != 0 or starts[-1] != len(data) or (np.diff(starts) < 0).any():
            raise ValueError("starts that do not fit")
        self._data, self._starts = data, starts

    @classmethod
    def of(cls, strings: Iterable[str]) -> Self:
        """The arrays of some strings."""
        encoded = [each.encode() for each in strings]
        return cls(np.frombuffer(b"".join(encoded), np.uint8), np.cumsum([0, *map(len, encoded)], dtype=np.int64))

    def arrays(self, name: str) -> dict[str, NDArray]:
        """The two arrays, by names for a file."""
        return {name: self._data, f"{name}_starts": self._starts}

    def __len__(self) -> int:
        return len(self._starts) - 1

    def __getitem__(self, index: int) -> str:
        return self._data[self._starts[index] : self._starts[index + 1]].tobytes().decode(errors="replace")

    def __iter__(self) -> Iterator[str]:
        return (self[index] for index in range(len(self)))

    def find(self, string: str) -> int | None:
        """The place of a string among sorted ones (by bytes); None if it is not there."""
        wanted, low, high = string.encode(), 0, len(self)
        while low < high:
            middle = (low + high) // 2
            if self._data[self._starts[middle] : self._starts[middle + 1]].tobytes() < wanted:
                low = middle + 1
            else:
                high = middle
        return low if low < len(self) and self[low] == string else None
