"""Vocabulary: words with their counts, the most frequent first, as one static file of a model
folder."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from elman.errors import FolderError

VOCABULARY_FILE = "vocabulary.tsv"


class Vocabulary:
    """Words, each with a row number and a count.

    >>> vocabulary = Vocabulary(["the", "cat"], [10, 3])
    >>> vocabulary.row("cat"), vocabulary.row("dog"), len(vocabulary)
    (1, None, 2)
    >>> Vocabulary.from_bytes(vocabulary.to_bytes()).counts.tolist()
    [10, 3]
    """

    def __init__(self, words: Sequence[str], counts: Iterable[int]) -> None:
        self.words = tuple(words)
        self.counts: NDArray[np.int64] = np.asarray(list(counts), np.int64)
        """How often each word was seen; 0 where nobody knows."""
        self._rows = {word: row for row, word in enumerate(self.words)}
        assert len(self._rows) == len(self.words) == len(self.counts)

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        return word in self._rows

    def row(self, word: str) -> int | None:
        """The row of a word; None if it is not known."""
        return self._rows.get(word)

    def to_bytes(self) -> bytes:
        """A line for each word: word, tab, count."""
        lines = (f"{word}\t{count}\n" for word, count in zip(self.words, self.counts.tolist(), strict=True))
        return "".join(lines).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> "Vocabulary":
        """Rebuild from ``to_bytes``.

        Raises:
            FolderError: the file is damaged.
        """
        try:
            # Not splitlines: words of other tools may hold odd line separators.
            rows = [line.rsplit("\t", 1) for line in data.decode().split("\n")[:-1]]
            words, counts = [word for word, _ in rows], [int(count) for _, count in rows]
            if not words or len(set(words)) < len(words) or min(counts) < 0 or max(counts) >= 1 << 62:
                raise ValueError("no words, or one twice")
        except ValueError as error:
            raise FolderError(f"{VOCABULARY_FILE} is damaged; copy the model folder again, or train anew") from error
        return cls(words, counts)
