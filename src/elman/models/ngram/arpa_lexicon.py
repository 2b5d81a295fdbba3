"""The words of an ARPA file: their bytes in one pool with a hash index, and their token ids."""

import secrets
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from elman.errors import FolderError
from elman.models.ngram import arpa_kernels as kernels
from elman.models.ngram.arpa_source import shown
from elman.text.normalise import normalise_line
from elman.text.tokenizer_json import SPECIALS

BOS = "<s>"
"""The line start; it begins n-grams and is no type."""
UNK_NAMES = ("<unk>", "<UNK>")
"""KenLM takes both for the unknown word."""

Failure = Callable[[str, int], FolderError]


class Lexicon:
    """Words in the order in which ``arpa_kernels.read_lines`` takes them up.

    >>> Lexicon().slots.size
    16
    """

    def __init__(self) -> None:
        self.count = 0
        self.pool = np.empty(0, dtype=np.uint8)
        self.offsets = np.zeros(1, dtype=np.int64)
        """Where each word begins in the pool, and the last one's end."""
        self.slots = np.full(16, -1, dtype=np.int64)
        # Drawn anew each time: nobody can make a file whose words all have the same hash.
        self.seed = np.uint64(secrets.randbits(64))
        self.duplicates: list[int] = []
        """Indices of words that are another word in another Unicode form, after ``name_words``."""

    def reserve(self, *, words: int, size: int) -> None:
        """Reserve space for this many more words of ``size`` bytes together."""
        wanted = int(self.offsets[self.count]) + size
        if wanted > len(self.pool):
            self.pool = _longer(self.pool, wanted, used=int(self.offsets[self.count]))
        if self.count + words + 1 > len(self.offsets):
            self.offsets = _longer(self.offsets, self.count + words + 1, used=self.count + 1)
        if 2 * (self.count + words) > len(self.slots):
            self.slots = np.full(1 << (2 * (self.count + words)).bit_length(), -1, dtype=np.int64)
            kernels.fill_slots(self.pool, self.offsets, self.count, self.slots, self.seed)

    def name_words(self, lines: NDArray[np.int64], failure: Failure) -> tuple[list[str], NDArray[np.int64]]:
        """The types by token id, and each word's token id by its index in the file; `<s>` gets V,
        and a word in a second Unicode form V + 1.

        Args:
            lines: the line of each word.
            failure: makes the error from a problem and its line.
        """
        names = self._names(lines, failure)
        unknown = [index for index, name in enumerate(names) if name in UNK_NAMES]
        if len(unknown) > 1:
            what = f"{names[unknown[1]]!r} is the unknown word a second time; <unk> and <UNK> are the same"
            raise failure(what, int(lines[unknown[1]]))
        marks = {name: names.index(name) for name in (BOS, SPECIALS[1]) if name in names}
        for name in (BOS, SPECIALS[1]):
            if name not in marks:
                what = f"the unigrams end here without {name}, which every model of lines has"
                raise failure(what, int(lines[-1]) if len(lines) else 1)
        special = {*unknown, *marks.values(), *self.duplicates}
        ids = np.full(len(names), -1, dtype=np.int64)
        others = np.array([index for index in range(len(names)) if index not in special], dtype=np.int64)
        ids[others] = np.arange(len(SPECIALS), len(SPECIALS) + len(others))
        size = len(SPECIALS) + len(others)
        ids[unknown], ids[marks[SPECIALS[1]]], ids[marks[BOS]], ids[self.duplicates] = 0, 1, size, size + 1
        return [*SPECIALS, *(names[index] for index in others)], ids

    def _names(self, lines: NDArray[np.int64], failure: Failure) -> list[str]:
        ends, pool = self.offsets[: self.count + 1].tolist(), self.pool[: self.offsets[self.count]].tobytes()
        names: list[str] = []
        indices: dict[str, int] = {}
        for index in range(self.count):
            word = pool[ends[index] : ends[index + 1]]
            try:
                name = word.decode()
            except UnicodeDecodeError:
                raise failure(
                    f"{shown(word)} is not UTF-8; convert the file first (iconv -t UTF-8)", int(lines[index])
                ) from None
            if not name.isascii():
                # Between points, so that only the form changes and no blank at an end is lost.
                name = normalise_line(f".{name}.")[1:-1]
            first = indices.setdefault(name, index)
            if first != index:
                # Text is read in normal form, so the word that is written in it is the one that
                # counts.
                normal = word.decode() == name
                self.duplicates.append(first if normal else index)
                indices[name] = index if normal else first
            names.append(name)
        return names


def _longer(array: NDArray, wanted: int, *, used: int) -> NDArray:
    longer = np.empty(max(wanted, 2 * len(array)), dtype=array.dtype)
    longer[:used] = array[:used]
    return longer
