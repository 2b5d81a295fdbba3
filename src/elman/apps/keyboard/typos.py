"""Words that begin almost as typed: the beginnings of all words of a vocabulary against a mistyped
one.

The cost of typing a beginning so is that of the error model's guesses for single letters: a
neighbour on the keyboard, a letter left out, doubled or too much, two letters exchanged. What
follows the beginning in a word costs nothing: it has not been typed yet.
"""

import string
import sys
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.apps.spelling.error_model import EXCHANGED, guessed_cost
from elman.apps.spelling.lexicon import LONGEST, is_word
from elman.decode.pieces import piece_index
from elman.decode.spelling import fold_index
from elman.notation import TokenIds
from elman.text.casing import fold
from elman.text.letter_case import CaseLocale
from elman.text.tokenizer import EOS_ID, Tokenizer

ONE_EDIT, TWO_EDITS = 8.0, 12.0
"""The largest cost (nats) of a beginning of up to four letters, and of a longer one."""
_SHORT = 5
_LEAST = 2
_MOST_LETTERS = 1000
_END, _OTHER = 0, 1
_LETTERS = {letter: place for place, letter in enumerate(string.ascii_lowercase + "'", start=2)}


class TypoIndex:
    """The words of a vocabulary, found by a mistyped beginning.

    >>> from elman.text.tokenizer import TokenizerConfig
    >>> tokenizer = Tokenizer.fit(["the then cat because"], config=TokenizerConfig(min_count=1))
    >>> index = TypoIndex(tokenizer)
    >>> tokens, nats = index.similar("becua")
    >>> [tokenizer.tokens[token] for token in tokens], nats.tolist()
    ([' because'], [4.0])
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        index = piece_index(tokenizer)
        words = {token: index.body(token).decode("utf-8", "replace") for token in range(EOS_ID + 1, tokenizer.size)}
        kept = {token: word for token, word in words.items() if is_word(word) and len(word) <= LONGEST}
        self.locale: CaseLocale | None = fold_index(tokenizer).locale
        self.tokens: TokenIds = np.array(list(kept), dtype=np.int64)
        folds = [fold(word, self.locale)[:LONGEST] for word in kept.values()]
        self._letters: dict[str, int] = dict(_LETTERS)
        for letter in sorted({letter for word in folds for letter in word} - set(_LETTERS)):
            self._letters[letter] = len(self._letters) + 2
        self._codes = np.zeros((len(folds), LONGEST), np.int32)
        for row, word in enumerate(folds):
            self._codes[row, : len(word)] = [self._letters[letter] for letter in word]
        self._sets = np.array([_set_of(word) for word in folds], np.uint64)
        self._costs_by_letter: dict[str, NDArray[np.float64]] = {}

    def similar(self, typed: str, *, whole: bool = False) -> tuple[TokenIds, NDArray[np.float64]]:
        """The types that begin almost as typed, and the cost of each (nats): above 0, for those
        that begin just so are none of them. With ``whole``, those that are almost the same word."""
        word = fold(typed, self.locale)
        nothing = np.empty(0, np.int64), np.empty(0)
        if not _LEAST <= len(word) <= LONGEST or not is_word(word) or not len(self.tokens):
            return nothing
        edits, most = (1, ONE_EDIT) if len(word) < _SHORT else (2, TWO_EDITS)
        # An edit explains one typed letter that a word lacks.
        near = np.flatnonzero(np.bitwise_count(np.uint64(_set_of(word)) & ~self._sets) <= edits)
        # One more letter shows which words are longer.
        codes = self._codes[near, : len(word) + edits + 1]
        if (kernel := _kernel()) is None:
            nats = self._costs(codes, word, whole=whole)
        else:
            nats = kernel(codes, *self._costs_of(word), whole, most)
        kept = (nats > 0) & (nats <= most)
        return self.tokens[near[kept]], nats[kept]

    def _costs(self, codes: NDArray[np.int32], typed: str, *, whole: bool) -> NDArray[np.float64]:
        """The least cost of typing a beginning of each word so, or all of it, ``[N]``."""
        size, columns = codes.shape
        before = np.concatenate([np.full((size, 1), _OTHER, np.int32), codes[:, :-1]], axis=1)
        first = guessed_cost("x", "", "^") - guessed_cost("x", "", "y")
        left_out = np.where(codes == before, guessed_cost("x", "", "x"), guessed_cost("x", "", "y"))
        left_out[:, 0] = guessed_cost("x", "", "^")
        left_out[codes == self._letters["'"]] = guessed_cost("'", "", "x")
        left_out[codes == _END] = np.inf
        start = np.zeros((columns + 1, size))
        for column in range(columns):
            start[column + 1] = start[column] + left_out[:, column]
        older, last = start, start
        for row, letter in enumerate(typed):
            replaced, code = self._replaced(letter), self._letters.get(letter, _OTHER)
            too_much, again = guessed_cost("", letter, " "), guessed_cost("", letter, letter)
            this = np.empty_like(start)
            this[0] = last[0] + guessed_cost("", letter, "^")
            for column in range(1, columns + 1):
                here = codes[:, column - 1]
                swap = replaced[here] + (first * (here != code) if column == 1 else 0.0)
                cost = np.minimum(last[column - 1] + swap, this[column - 1] + left_out[:, column - 1])
                cost = np.minimum(cost, last[column] + np.where(here == code, again, too_much))
                if row and column > 1:
                    exchanged = (codes[:, column - 2] == code) & (here == self._letters.get(typed[row - 1], _OTHER))
                    cost = np.where(exchanged & (here != code), np.minimum(cost, older[column - 2] + EXCHANGED), cost)
                this[column] = cost
            this[1:][(codes == _END).T] = np.inf
            older, last = last, this
        return last[(codes != _END).sum(axis=1), np.arange(size)] if whole else last.min(axis=0)

    def _costs_of(self, typed: str) -> tuple[Any, ...]:
        """What ``least_costs`` is told of single letters."""
        codes = np.array([self._letters.get(letter, _OTHER) for letter in typed], np.int32)
        replaced = np.array([self._replaced(letter) for letter in typed])
        too_much = np.array([[guessed_cost("", letter, before) for before in ("^", " ", letter)] for letter in typed])
        left_out = np.array([guessed_cost("x", "", before) for before in "^yx"] + [guessed_cost("'", "", "x")])
        return codes, replaced, too_much, left_out, left_out[0] - left_out[1], EXCHANGED, self._letters["'"]

    def _replaced(self, typed: str) -> NDArray[np.float64]:
        """The cost of each letter typed as this one, by code."""
        costs = self._costs_by_letter.get(typed)
        if costs is None:
            costs = np.full(len(self._letters) + 2, np.inf)
            for letter, code in self._letters.items():
                costs[code] = 0.0 if letter == typed else guessed_cost(letter, typed, " ")
            if len(self._costs_by_letter) < _MOST_LETTERS:
                self._costs_by_letter[typed] = costs
        return costs


def _set_of(word: str) -> int:
    bits = 0
    for letter in word:
        bits |= 1 << (_LETTERS.get(letter, 30 + ord(letter) % 32))
    return bits


def _kernel() -> Callable[..., Any] | None:
    """Machine code that takes a thirtieth of the time, if its compiler is in use; loading it takes
    a while."""
    if "numba" not in sys.modules:
        return None
    from elman.apps.keyboard.typos_kernel import least_costs

    return least_costs


@lru_cache(maxsize=8)
def typo_index(tokenizer: Tokenizer) -> TypoIndex:
    """The index of a tokenizer; built once."""
    return TypoIndex(tokenizer)
