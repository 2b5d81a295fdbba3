"""An index of a tokenizer's tokens: which begin with given bytes, end a word, or continue it."""

from bisect import bisect_left, bisect_right
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.decode.words import CharacterRun, Kind, kind_of, kinds_that_go_on
from elman.notation import TokenIds
from elman.text.tokenizer import EOS_ID, UNK_ID, Tokenizer

_KEPT = 100
"""Runs whose tokens are kept."""


class PieceIndex:
    """Sets of tokens by their bytes. `<unk>` begins, ends and continues nothing; `</s>` only ends.

    >>> from elman.text.tokenizer import TokenizerConfig
    >>> tokenizer = Tokenizer.fit(["cat car dog"], config=TokenizerConfig(min_count=1))
    >>> [tokenizer.tokens[i] for i in PieceIndex(tokenizer).starting_with(b" ca")]
    [' car', ' cat']
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        size = tokenizer.size
        self.pieces = tokenizer.pieces
        self.spaced = np.array([piece[:1] == b" " for piece in self.pieces])
        """Which tokens have a leading space, bool ``[V]``."""
        self.is_marker = np.array([not piece for piece in self.pieces])
        """Which tokens only say how the next one is written, bool ``[V]``."""
        self._kinds = np.zeros(size, dtype=np.int8)
        self._chars = np.zeros(size, dtype=np.int32)
        for token_id in range(EOS_ID + 1, size):
            self._look_at(token_id)
        self._types = np.ones(size, dtype=bool)
        self._types[[UNK_ID, EOS_ID]] = False
        self.sorted: TokenIds = np.array(sorted(range(EOS_ID + 1, size), key=self.pieces.__getitem__), dtype=np.int64)
        """All tokens but the first two in the order of their bytes."""
        self._keys = [self.pieces[token_id] for token_id in self.sorted.tolist()]
        self._masks: dict[CharacterRun, tuple[TokenIds, TokenIds]] = {}
        self._starts: dict[tuple[CharacterRun | None, bool, bool], TokenIds] = {}
        self.inside = np.flatnonzero(self._types & (self._kinds == Kind.INSIDE))
        """Tokens that can finish a character begun before them."""
        self.partial = np.flatnonzero(self._types & ~self.spaced & (self._kinds == Kind.PARTIAL))
        """Tokens that end inside a character."""
        starts = self._types & ~np.isin(self._kinds, [Kind.NOTHING, Kind.SPACE, Kind.INSIDE])
        self.word_starts = np.flatnonzero(starts)
        """Tokens that begin a word, with a leading space or without."""
        self.glued_starts = np.flatnonzero(starts & ~self.spaced)
        """Tokens that begin a word without a space."""
        glued = {self.pieces[token_id]: token_id for token_id in self.glued_starts.tolist()}
        self.without_space = np.full(size, -1, dtype=np.int64)
        """The same token without its leading space, ``[V]``; -1 if there is none."""
        for token_id in np.flatnonzero(starts & self.spaced).tolist():
            self.without_space[token_id] = glued.get(self.pieces[token_id][1:], -1)
        self.also_unspaced = np.flatnonzero(self.without_space >= 0)
        """Tokens that exist without their leading space, too."""

    def _look_at(self, token_id: int) -> None:
        body = self.body(token_id)
        text = whole_part(body)
        if text:
            self._kinds[token_id] = kind_of(text[0])
            self._chars[token_id] = ord(text[0])
        elif body:
            self._kinds[token_id] = Kind.INSIDE if text is None else Kind.PARTIAL

    def body(self, token_id: int) -> bytes:
        """A token's bytes without its leading space."""
        return self.pieces[token_id][1:] if self.spaced[token_id] else self.pieces[token_id]

    def starting_with(self, prefix: bytes) -> TokenIds:
        """Tokens whose bytes begin with a prefix."""
        return self.sorted[self.range_of(prefix)]

    def range_of(self, prefix: bytes) -> slice:
        """The range of those tokens in ``sorted``."""
        low = bisect_left(self._keys, prefix)
        return slice(low, bisect_right(self._keys, prefix, lo=low, key=lambda piece: piece[: len(prefix)]))

    def equal_to(self, piece: bytes) -> list[int]:
        """Tokens of exactly these bytes."""
        return self.sorted[bisect_left(self._keys, piece) : bisect_right(self._keys, piece)].tolist()

    def starts_after(self, run: CharacterRun | None, *, spaced: bool, with_space: bool = False) -> TokenIds:
        """Tokens that begin a word after a run, which they must end; with ``spaced`` only those
        with a leading space, and with ``with_space`` the space alone as well, which comes last."""
        key = run, spaced, with_space
        if key not in self._starts:
            starts = self.word_starts[self.spaced[self.word_starts]] if spaced else self.word_starts
            _make_room(self._starts)
            some = starts if run is None else np.intersect1d(starts, self.ending(run), assume_unique=True)
            self._starts[key] = np.append(some, np.array(self.equal_to(b" ") if with_space else [], np.int64))
        return self._starts[key]

    def ending(self, run: CharacterRun) -> TokenIds:
        """Tokens that show that a run has ended, `</s>` among them."""
        return self._ending_and_going_on(run)[0]

    def going_on(self, run: CharacterRun) -> TokenIds:
        """Tokens that go on with a run, or begin a character that may."""
        return self._ending_and_going_on(run)[1]

    def _ending_and_going_on(self, run: CharacterRun) -> tuple[TokenIds, TokenIds]:
        if run not in self._masks:
            going: NDArray[np.bool_] = np.isin(self._kinds, [*kinds_that_go_on(run), Kind.PARTIAL])
            if run.symbol:
                going |= self._chars == ord(run.symbol)
            going &= self._types & ~self.spaced
            ends = self._types & ~going & (self._kinds != Kind.INSIDE)
            ends[EOS_ID] = True
            _make_room(self._masks)
            self._masks[run] = np.flatnonzero(ends), np.flatnonzero(going)
        return self._masks[run]


def _make_room(kept: dict[Any, Any]) -> None:
    """Forget all when much is kept: every symbol is a run of its own, and a text may have any."""
    if len(kept) >= _KEPT:
        kept.clear()


def whole_part(data: bytes) -> str | None:
    """The complete characters of bytes; the last one may be unfinished. None if they are not UTF-8.

    >>> whole_part(b"caf\\xc3\\xa9"), whole_part(b"caf\\xc3"), whole_part(b"\\xa9")
    ('café', 'caf', None)
    """
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        cut = error.end == len(data) and error.reason == "unexpected end of data"
        return data[: error.start].decode() if cut else None


@lru_cache(maxsize=8)
def piece_index(tokenizer: Tokenizer) -> PieceIndex:
    """The index of a tokenizer; built once."""
    return PieceIndex(tokenizer)
