"""How a word of the vocabulary is written that was begun in another case.

A capital is the word's own (Monday, German nouns), unless the word hardly ever stands elsewhere
than at the beginning of a line: only such a word is written in small letters for who types so.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from elman.decode.known_words import known_words
from elman.decode.prompt_state import PromptState, whole_words
from elman.decode.rows import row_advance
from elman.decode.sentence_start import begins_small
from elman.decode.spelling import locale_of
from elman.models.protocol import LanguageModel
from elman.text.casing import recase
from elman.text.tokenizer import UNK_ID

_LEAST, _TIMES = 0.01, 5.0


def line_openers(model: LanguageModel) -> NDArray[np.bool_]:
    """Which types begin one line in a hundred or more, and are five times as likely there as after
    an unknown word, bool ``[V]``; for models of words."""
    start = model.start()
    inside = model.log_probs(row_advance(model, [UNK_ID], start))[0].astype(np.float64)
    first = model.log_probs(start)[0].astype(np.float64)
    return (first >= np.log(_LEAST)) & (first >= inside + np.log(_TIMES))


def respeller(model: LanguageModel, prompt_state: PromptState) -> Callable[[str], str]:
    """Writes a word as what was typed of it, for an unfinished word that is looked up in other
    spellings."""
    tokenizer, locale = model.tokenizer, locale_of(model.tokenizer)
    typed = prompt_state.case or prompt_state.partial
    before = prompt_state.context + " " * (prompt_state.lead > 0)
    if whole_words(tokenizer):
        openers = {known_words(tokenizer).of(token).text for token in np.flatnonzero(line_openers(model)).tolist()}
        return lambda word: recase(word, typed, locale, named=word not in openers)
    # Where tokens are pieces, the place alone says whose the capital is.
    named = not begins_small(prompt_state.partial, before)
    return lambda word: recase(word, typed, locale, named=named)
