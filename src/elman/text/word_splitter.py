"""WordSplitter: the types of ``elman.text.word_types`` as ids, at the speed of a look-up for what
stands between two spaces; of much text, in compiled code.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import groupby, product
from typing import TYPE_CHECKING

import numpy as np

from elman.notation import TokenIds
from elman.text.apostrophes import count_signs, usual_share
from elman.text.kinds import APOSTROPHES, BETWEEN
from elman.text.learning import Tally, add_tally
from elman.text.splitting import checked_line
from elman.text.token_writer import EOS_ID
from elman.text.word_types import After, Part, Spelling, is_between, pieces_of, spelled, split_line

if TYPE_CHECKING:
    from elman.text.chunk_table import ChunkTable, Split

_Kept = tuple[tuple[int, ...], int, tuple[tuple[int, str], ...]]
"""The ids of a part of a line, what it leaves for the next one, and its unknown types by place."""
_Seen = list[list[dict[str, list[int]]]]
"""For parts of lines without and with spaces alone between them, by what stands before: their
counts, and what they leave for the next one."""
_MOST_KEPT = 1 << 17
_ODD = re.compile(f"[{BETWEEN.replace('- ', '-' + chr(0x1F))}]")
"""What may stand between words, other than a space, which ends a range."""
_MUCH = 1 << 16
"""Characters from which compiled code is worth loading."""
_LINES = 1 << 12
"""Lines whose ids are kept in one array."""
_SIGNS = ("inner", "signs")
_OUTER = re.compile(f"[{APOSTROPHES[:2]}]")
_BATCH = 1 << 20
"""Characters that a tally reads at a time."""


class WordSplitter:
    """The tokens of many lines, fast: what stands between two spaces is split once and kept.

    The reference is ``split_line``.
    """

    def __init__(self, spelling: Spelling, ids: Mapping[str, int], *, unknown: int, most: int = _MOST_KEPT) -> None:
        """``ids`` of the types; other types get the id ``unknown``. Parts of lines are kept, of
        each kind at ``most`` so many."""
        self.spelling = spelling
        self._known = ids
        self._unknown = unknown
        self._most = most
        self._chunks: list[dict[str, _Kept]] = [{}, {}, {}]
        """By what stands before: a part of a line between single spaces, which it comes without."""
        self._pieces: list[dict[str, _Kept]] = [{}, {}, {}]
        """By what stands before: a token with its blanks."""
        self._split = _split_before(spelling)
        """Both as types, the tokens first: what was split is not split again after a vocabulary is
        learned."""
        self._idle: list[ChunkTable] = []
        """Tables that no thread uses now."""

    def ids(self, line: str) -> list[int]:
        """The ids of a line."""
        return self.read(line)[0]

    def read(self, line: str) -> tuple[list[int], After]:
        """The ids of a line, and what they leave for the next token."""
        return self._read(self.spelling.folded(line))

    def stream(self, lines: Sequence[str]) -> TokenIds:
        """The ids of many lines, one after another, each ended by EOS_ID; an unknown type gives -1.

        Raises:
            TextError: a line holds half of a surrogate pair, which is not Unicode text.
        """
        parts = [np.empty(0, np.int64)]
        for plain, some in self._runs([self.spelling.folded(checked_line(line)) for line in lines]):
            if plain:
                parts.append(self._compiled(some, end_id=EOS_ID))
            else:
                parts.append(np.array([id for line in some for id in (*self._read(line)[0], EOS_ID)], np.int64))
        found = np.concatenate(parts)
        found[found == self._unknown] = -1
        return found

    def lines(self, lines: Sequence[str]) -> list[TokenIds]:
        """The ids of each of many lines.

        Raises:
            TextError: a line holds half of a surrogate pair, which is not Unicode text.
        """
        folded = [self.spelling.folded(checked_line(line)) for line in lines]
        if sum(map(len, folded)) < _MUCH:
            return [np.array(self._read(line)[0], np.int64) for line in folded]
        plain = [number for number, line in enumerate(folded) if not _ODD.search(line)]
        found: dict[int, TokenIds] = {}
        for start in range(0, len(plain), _LINES):
            some = plain[start : start + _LINES]
            ids = self._compiled([folded[number] for number in some], end_id=-1)
            ends = np.flatnonzero(ids < 0).tolist()
            found.update({number: ids[a + 1 : b] for number, a, b in zip(some, [-1, *ends[:-1]], ends, strict=True)})
        return [
            found[number] if number in found else np.array(self._read(line)[0], np.int64)
            for number, line in enumerate(folded)
        ]

    def _compiled(self, folded: list[str], *, end_id: int) -> TokenIds:
        """The ids of lines with spaces alone between their parts, each ended by ``end_id``."""
        table = self._idle.pop() if self._idle else self._new_table(self._chunk)
        parts = [table.ids(numbers, end_id=end_id) for numbers in table.numbers(folded)]
        self._idle.append(table)
        return np.concatenate([np.empty(0, np.int64), *parts])

    def _runs(self, folded: list[str]) -> Iterator[tuple[bool, list[str]]]:
        """Lines that follow each other, and whether compiled code can read them: those with spaces
        alone between their parts, where there is much to read."""
        if sum(map(len, folded)) < _MUCH:
            yield False, folded
            return
        for odd, some in groupby(folded, key=lambda line: _ODD.search(line) is not None):
            yield not odd, list(some)

    def _new_table(self, split: "Split") -> "ChunkTable":
        from elman.text.chunk_table import ChunkTable

        return ChunkTable(split, most=self._most)

    def _chunk(self, chunk: str, after: int) -> tuple[tuple[int, ...], int]:
        return (self._chunks[after].get(chunk) or self._keep(self._chunks, after, chunk))[:2]

    def _read(self, line: str) -> tuple[list[int], After]:
        """The ids of a folded line, and what they leave for the next token."""
        found: list[int] = []
        after: int = After.START
        tables, pieces = self._tables(line)
        for piece in pieces:
            kept = tables[after].get(piece)
            if kept is None:
                kept = self._keep(tables, after, piece)
            found += kept[0]
            after = kept[1]
        return found, After(after)

    def unknown(self, line: str) -> list[tuple[int, str]]:
        """The unknown types of a line by their places among its tokens."""
        found: list[tuple[int, str]] = []
        after: int = After.START
        tables, pieces = self._tables(self.spelling.folded(line))
        tokens = 0
        for piece in pieces:
            ids, later, unknown = tables[after].get(piece) or self._keep(tables, after, piece)
            found += [(tokens + place, token) for place, token in unknown]
            tokens += len(ids)
            after = later
        return found

    def id_of(self, token: str) -> int:
        """The id of a type."""
        return self._known.get(token, self._unknown)

    def parts(self, line: str, after: After = After.START) -> list[Part]:
        """The tokens of a line, or of the rest of one, with their places; unknown blanks come one
        by one.
        """
        found = []
        for part in split_line(line, self.spelling, after):
            if self._comes_apart(part.type):
                found += [Part(char, place, place + 1) for place, char in enumerate(part.type, start=part.start)]
            else:
                found.append(part)
        return found

    def _comes_apart(self, token: str) -> bool:
        return len(token) > 1 and token not in self._known and is_between(token)

    def _tables(self, line: str) -> tuple[list[dict[str, _Kept]], Iterable[str]]:
        if _ODD.search(line):
            return self._pieces, (line[start:end] for start, end in pieces_of(line))
        return self._chunks, _between_spaces(line)

    def _keep(self, tables: list[dict[str, _Kept]], after: int, piece: str) -> _Kept:
        types, later = self._types(piece, after, chunk=tables is self._chunks)
        apart = [char for token in types for char in (token if self._comes_apart(token) else (token,))]
        ids = tuple(map(self.id_of, apart))
        unknown = tuple((place, apart[place]) for place, token_id in enumerate(ids) if token_id == self._unknown)
        kept = ids, later, unknown
        if len(tables[after]) >= self._most:
            tables[after].clear()
        tables[after][piece] = kept
        return kept

    def _types(self, piece: str, after: int, *, chunk: bool) -> tuple[tuple[str, ...], int]:
        """The types of a part of a line, and what they leave for the next one."""
        kept = self._split[chunk][after]
        entry = kept.get(piece)
        if entry is None:
            entry = self._split_chunk(piece, after) if chunk else spelled(piece, after, self.spelling)
            if len(kept) >= self._most:
                kept.clear()
            kept[piece] = entry
        return entry

    def _split_chunk(self, piece: str, after: int) -> tuple[tuple[str, ...], int]:
        text = f" {piece}" if after != After.START else piece
        found: list[str] = []
        for start, end in pieces_of(text):
            types, after = self._types(text[start:end], after, chunk=False)
            found += types
        return tuple(found), after

    def tally(self, lines: Iterable[str]) -> Tally:
        """How often each part of a folded line occurs, in tables by its kind and by what stands
        before it; and how often each apostrophe as it was typed, between letters (``inner``) and in
        all."""
        seen: _Seen = [[{}, {}, {}], [{}, {}, {}]]
        signs: Tally = {}
        idle = _tables_before(self.spelling, self._most)
        table = idle.pop() if idle else None
        for batch in _batches(lines):
            add_tally(signs, dict(zip(_SIGNS, count_signs("\n".join(batch)), strict=True)))
            for plain, some in self._runs([*map(self.spelling.folded, batch)]):
                if not plain:
                    self._count(some, seen)
                    continue
                table = table or self._new_table(lambda chunk, after: ((), self._types(chunk, after, chunk=True)[1]))
                for numbers in table.numbers(some):
                    counts = np.bincount(numbers[numbers >= 0])
                    for number in counts.nonzero()[0].tolist():
                        chunk, after = table.chunks[number]
                        self._entry(seen, True, after, chunk)[0] += int(counts[number])
        if table:
            idle.append(table)
        return signs | {
            f"{chunk}{after}": {piece: count for piece, (count, _) in table.items()}
            for chunk, counts in enumerate(seen)
            for after, table in enumerate(counts)
        }

    def _count(self, lines: Iterable[str], seen: "_Seen") -> None:
        """Count the parts of folded lines."""
        for line in lines:
            after: int = After.START
            tables, pieces = self._tables(line)
            chunk = tables is self._chunks
            counts = seen[chunk]
            for piece in pieces:
                entry = counts[after].get(piece) or self._entry(seen, chunk, after, piece)
                entry[0] += 1
                after = entry[1]

    def _entry(self, seen: "_Seen", chunk: bool, after: int, piece: str) -> list[int]:
        """The count of a part of a line so far, and what it leaves for the next one."""
        entry = seen[chunk][after].get(piece)
        if entry is None:
            entry = seen[chunk][after][piece] = [0, self._types(piece, after, chunk=chunk)[1]]
        return entry

    def types_of(self, tally: Tally) -> Counter[str]:
        """How often each type occurs.

        The tally may have another usual apostrophe. Where U+02BC is the usual one here and not
        there, it counts as a letter in parts that were cut without it (``@ann'lee``), and a sign
        outside of words as each that the text has there: the counts of a few such types are off.
        """
        types: Counter[str] = Counter()
        inner, signs = _sign_counts(tally)
        letter = self.spelling.apostrophe == APOSTROPHES[2]
        outer = [sign for sign in APOSTROPHES[:2] if signs[sign] > inner[sign]] if letter else []
        for chunk, after in product((False, True), After):
            for piece, count in tally.get(f"{chunk:d}{after:d}", {}).items():
                for token in self._types(self.spelling.folded(piece), after, chunk=chunk)[0]:
                    for typed in {_OUTER.sub(sign, token) for sign in outer} or {token}:
                        types[typed] += count
        return types


def _sign_counts(tally: Tally) -> list[dict[str, int]]:
    """How often each apostrophe stands between letters, and anywhere."""
    return [tally.get(name) or dict.fromkeys(APOSTROPHES, 0) for name in _SIGNS]


def apostrophe_of(tally: Tally) -> tuple[str, float]:
    """The apostrophe that is typed most often inside of words, and its share of all."""
    inner, signs = _sign_counts(tally)
    usual = max(sorted(inner), key=inner.__getitem__)
    return usual, usual_share(signs[usual], sum(signs.values()) - signs[usual])


@lru_cache(maxsize=4)
def _split_before(spelling: Spelling) -> list[list[dict[str, tuple[tuple[str, ...], int]]]]:
    return [[{}, {}, {}], [{}, {}, {}]]


@lru_cache(maxsize=4)
def _tables_before(spelling: Spelling, most: int) -> "list[ChunkTable]":
    """Tables of tallies that no thread uses now: the next part of a text has mostly the same
    words."""
    return []


def _batches(lines: Iterable[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    chars = 0
    for line in lines:
        batch.append(line)
        chars += len(line)
        if chars >= _BATCH:
            yield batch
            batch, chars = [], 0
    yield batch


def _between_spaces(line: str) -> Iterator[str]:
    """The parts of a line at its spaces; of several spaces all but the first (at the start of a
    line: all) belong to the part after them.

    >>> list(_between_spaces("  to be,  or "))
    ['  to', 'be,', ' or', '']
    """
    spaces = ""
    for part in line.split(" "):
        if part:
            yield spaces + part
            spaces = ""
        else:
            spaces += " "
    if spaces:
        yield spaces[1:]
