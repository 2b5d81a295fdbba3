"""One of the models of a keyboard."""

from bisect import bisect_left
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.decode.known_words import known_words
from elman.decode.respelling import line_openers
from elman.decode.spelling import fold_index
from elman.models.protocol import LanguageModel
from elman.notation import TokenIds
from elman.text.letter_case import lower
from elman.text.speller import Speller
from elman.text.tokenizer import EOS_ID


class Capitals:
    """The types of a model that have capitals of their own, in the order of their folds; found when
    they are asked for."""

    def __init__(self, lm: LanguageModel) -> None:
        self._lm = lm

    @cached_property
    def are_openers(self) -> NDArray[np.bool_]:
        """As ``elman.decode.respelling.line_openers``."""
        return line_openers(self._lm)

    @cached_property
    def tokens(self) -> TokenIds:
        """The types, ``[N]``."""
        folds, known = fold_index(self._lm.tokenizer), known_words(self._lm.tokenizer)
        some = [token for token in range(EOS_ID + 1, len(folds.folds)) if not self.are_openers[token]]
        some = [token for token in some if (text := known.of(token).text) != lower(text, folds.locale)]
        return np.array(sorted(some, key=folds.folds.__getitem__), np.int64)

    @cached_property
    def small(self) -> NDArray[np.int64]:
        """How many letters of each come before its first capital, ``[N]``."""
        known = known_words(self._lm.tokenizer)
        return np.array([_small_letters(known.of(token).text) for token in self.tokens.tolist()], np.int64)

    @cached_property
    def _folds(self) -> list[str]:
        folds = fold_index(self._lm.tokenizer).folds
        return [folds[token] for token in self.tokens.tolist()]

    def beginning(self, fold: str) -> slice:
        """Where those are that begin with a fold."""
        low = end = bisect_left(self._folds, fold)
        while end < len(self._folds) and self._folds[end].startswith(fold):
            end += 1
        return slice(low, end)


def _small_letters(word: str) -> int:
    return next((place for place, char in enumerate(word) if char != lower(char)), len(word))


class KeyboardModel(NamedTuple):
    """A model, and what spells the words that it does not know."""

    lm: LanguageModel
    speller: Speller
    capitals: Capitals | None = None
    """Those of the model; a keyboard finds them once for all texts."""

    @property
    def own_capitals(self) -> Capitals:
        """Whose the capitals of its types are."""
        return self.capitals or Capitals(self.lm)
