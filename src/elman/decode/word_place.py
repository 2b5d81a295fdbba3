"""The probabilities of all words of a vocabulary at one place of a text."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.decode.pieces import piece_index
from elman.decode.prefix import open_prompt
from elman.decode.prompt_state import whole_words
from elman.decode.sentence_start import mass_at, sentence_candidates
from elman.errors import UsageError
from elman.models.protocol import LanguageModel
from elman.notation import TokenIds
from elman.text.tokenizer import UNK_ID


class WordPlace(NamedTuple):
    """The place after a text, where a word begins."""

    tokens: TokenIds
    """The types that may come, ``[N]``."""
    probabilities: NDArray[np.float64]
    """Theirs, ``[N]``."""
    unknown: float
    """The probability of a word that the vocabulary does not have."""


def unknown_after(model: LanguageModel, before: str) -> float:
    """The probability that an unknown word follows a text, its last word taken as whole; for models
    of words."""
    return mass_at(model, open_prompt(model, before, partial=False), UNK_ID)


def word_place(model: LanguageModel, before: str) -> WordPlace:
    """What may follow a text, its last word taken as whole.

    >>> from elman.models.ngram.query import fit_ngram
    >>> from elman.text.tokenizer import EOS_ID, Tokenizer, TokenizerConfig
    >>> words = Tokenizer.fit(["the cat sat"], config=TokenizerConfig(min_count=1))
    >>> ids = np.array([*words.encode("the cat sat").ids, EOS_ID] * 9)
    >>> place = word_place(fit_ngram(ids, np.array([0, len(ids)]), words), "the ")
    >>> words.tokens[place.tokens[place.probabilities.argmax()]]
    ' cat'

    Raises:
        UsageError: the model's tokens are not words.
    """
    tokenizer = model.tokenizer
    if not whole_words(tokenizer):
        raise UsageError(f"words are looked up in models of words; this one has {tokenizer.config.level} tokens")
    prompt_state = open_prompt(model, before, partial=False)
    found, typed = sentence_candidates(model, piece_index(tokenizer), prompt_state)
    unknown = mass_at(model, prompt_state, UNK_ID)
    if not found:
        return WordPlace(np.empty(0, np.int64), np.empty(0), unknown)
    return WordPlace(found[0].tokens, found[0].masses * typed, unknown)
