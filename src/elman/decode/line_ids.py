"""Many lines as token ids at once, with what is unknown in them.

Most lines of a text are made of the same words. A word that a single space separates from its
neighbours always gives the same tokens (``text.splitting.cut``), so each is encoded once.
"""

from collections.abc import Sequence
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from elman.data.oov import Unknown, unknown_tokens
from elman.data.spelling_costs import signs_of_tokens, spelling_nats
from elman.notation import TokenIds
from elman.text.speller import Speller
from elman.text.tokenizer import EOS_ID, UNK_ID, Encoded, Tokenizer

_LONGEST_KEPT = 64
_MOST_KEPT = 1 << 16


class LineIds(NamedTuple):
    """Lines as token ids."""

    ids: TokenIds
    """The tokens of all lines in turn, each line ended by `</s>`."""
    ends: NDArray[np.int64]
    """The end of each line in them, ``[lines]``."""
    unknown: dict[int, list[Unknown]]
    """The unknown tokens of each line that has any, by the line's number."""
    signs: list[str]
    """The apostrophes of each line as it types them, in the order of its tokens; none if they are
    not counted."""

    def spelling_nats(self, tokenizer: Tokenizer, speller: Speller) -> NDArray[np.float64]:
        """What each token costs beside its prediction (nats), ``[tokens]``."""
        starts = [0, *self.ends.tolist()]
        unknown = (Unknown(starts[row] + at, spelled) for row, some in self.unknown.items() for at, spelled in some)
        return spelling_nats(tokenizer, speller, self.ids, unknown, "".join(self.signs))

    def split(self) -> list[TokenIds]:
        """The ids of each line."""
        starts = [0, *self.ends.tolist()][:-1]
        return [self.ids[start:end] for start, end in zip(starts, self.ends.tolist(), strict=True)]


def line_ids(tokenizer: Tokenizer, lines: Sequence[str]) -> LineIds:
    """The ids of ``tokenizer.encode`` and the unknown tokens of ``unknown_tokens`` for each line.

    >>> from elman.text.tokenizer import TokenizerConfig
    >>> tokenizer = Tokenizer.fit(["the cat sat"], config=TokenizerConfig(min_count=1))
    >>> found = line_ids(tokenizer, ["the cat", "", "the dog"])
    >>> [ids.tolist() for ids in found.split()], found.unknown
    ([[4, 2, 1], [1], [4, 0, 1]], {2: [Unknown(place=1, spelled=' dog')]})
    """
    config = tokenizer.config
    if config.pretokenized and not config.lowercase and not config.compatibility:
        return _pretokenized(tokenizer, lines)
    if tokenizer.words or config.level in ("char", "byte"):
        return _direct(tokenizer, lines)
    return _by_words(tokenizer, lines)


def _pretokenized(tokenizer: Tokenizer, lines: Sequence[str]) -> LineIds:
    ids = tokenizer.encode_stream(lines)
    ends = np.flatnonzero(ids == EOS_ID) + 1
    strangers = np.flatnonzero(ids < 0)
    ids[strangers] = UNK_ID
    unknown: dict[int, list[Unknown]] = {}
    rows: list[int] = np.searchsorted(ends, strangers, side="right").tolist()
    for row, place in zip(rows, strangers.tolist(), strict=True):
        line: str = lines[row]
        words = tokenizer.config.in_reading_order([word for word in line.split(" ") if word])
        at = place - (int(ends[row - 1]) if row else 0)
        unknown.setdefault(row, []).append(Unknown(at, f" {words[at]}"))
    return LineIds(ids, ends, unknown, [])


def _direct(tokenizer: Tokenizer, lines: Sequence[str]) -> LineIds:
    encoded = tokenizer.encode_lines(lines)
    ends = np.cumsum([len(ids) + 1 for ids in encoded], dtype=np.int64)
    end = np.array([EOS_ID])
    ids = np.concatenate([np.empty(0, np.int64), *(part for line in encoded for part in (line, end))])
    rows: list[int] = np.unique(np.searchsorted(ends, np.flatnonzero(ids == UNK_ID), side="right")).tolist()
    spans = np.empty((0, 2), np.int64)
    unknown = {
        row: unknown_tokens(
            tokenizer, lines[row], Encoded(encoded[row], spans) if tokenizer.words else tokenizer.encode(lines[row])
        )
        for row in rows
    }
    return LineIds(ids, ends, unknown, [signs_of_tokens(tokenizer, line) for line in lines])


class _Words:
    """The words of one tokenizer that were encoded before."""

    def __init__(self) -> None:
        self.ids: dict[str, tuple[int, ...]] = {}
        self.unknown: dict[str, list[Unknown]] = {}

    def add(self, tokenizer: Tokenizer, words: Sequence[str]) -> None:
        for word, ids in zip(words, tokenizer.encode_lines(words), strict=True):
            if (ids == UNK_ID).any():
                self.unknown[word] = unknown_tokens(tokenizer, word, tokenizer.encode(word))
            self.ids[word] = tuple(ids.tolist())


_WORDS: WeakKeyDictionary[Tokenizer, _Words] = WeakKeyDictionary()


def _by_words(tokenizer: Tokenizer, lines: Sequence[str]) -> LineIds:
    parts = [tokenizer.config.in_reading_order(_parts(line)) for line in lines]
    kept = _WORDS.get(tokenizer)
    known = _Words() if kept is None or len(kept.ids) > _MOST_KEPT else kept
    missing = {word for words in parts for word in words} - known.ids.keys()
    known.add(tokenizer, sorted(missing))
    ids_of, odd = known.ids, known.unknown
    ids: list[int] = []
    ends: list[int] = []
    unknown: dict[int, list[Unknown]] = {}
    for row, words in enumerate(parts):
        start = len(ids)
        if odd.keys().isdisjoint(words):
            for word in words:
                ids += ids_of[word]
        else:
            for word in words:
                shift = len(ids) - start
                for place, spelled in odd.get(word, ()):
                    unknown.setdefault(row, []).append(Unknown(place + shift, spelled))
                ids += ids_of[word]
        ids.append(EOS_ID)
        ends.append(len(ids))
    for word in [word for word in missing if len(word) > _LONGEST_KEPT]:
        del ids_of[word]
        odd.pop(word, None)
    _WORDS[tokenizer] = known
    return LineIds(np.array(ids, np.int64), np.array(ends, np.int64), unknown, [])


def _parts(line: str) -> list[str]:
    """The words of a line that has single spaces only; of any other, the line itself."""
    words = line.split(" ")
    return words if words == line.split() else [line]
