"""The first word of a sentence, by what a model knows of the beginnings of lines.

After the end of a sentence inside a line, a model may expect the line's end rather than another
word: many texts have a sentence a line. There the blank is read both ways, as a blank and as a line
end, each as the model expects it:

    P(word) = P(word | a blank) + P(</s>) P(word | a line end)

So capitals are offered where the model knows them, and after "Mr." what follows names. Where most
words have a capital, a word begun in small letters is offered with one too.
"""

import dataclasses
import re
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from elman.decode.pieces import PieceIndex
from elman.decode.prompt_state import Candidate, PromptState, first_candidates, whole_words
from elman.decode.rows import row_advance
from elman.decode.spelling import fold_index
from elman.models.protocol import LanguageModel, State
from elman.notation import TokenIds
from elman.text.letter_case import lower
from elman.text.tokenizer import EOS_ID, Tokenizer

SENTENCE_END = "[.!?\u2026][\"'\u2019\u201d\xbb)\\]]* $"
"""What a text ends with where a sentence may begin."""
_END = re.compile(SENTENCE_END)
_MOST = 0.75
A_WORD = 0.1
"""A word that has a smaller share of what begins so is taken as unfinished."""
_LOOK_BACK = 20
"""Characters at the end of a text that are looked at."""


def ends_sentence(before: str) -> bool:
    """Whether a sentence may begin after this part of a line, which ends with a space.

    >>> [ends_sentence(text) for text in ("it rained. ", '"No!" ', "no, ", "3.", "")]
    [True, True, False, False, False]
    """
    return _END.search(before[-_LOOK_BACK:]) is not None


def begins_small(word: str, before: str) -> bool:
    """Whether a word in small letters stands where a sentence may begin, after ``before`` in its
    line."""
    starts = not before.strip() or ends_sentence(before)
    return starts and word[:1].islower() and word == lower(word)


def sentence_candidates(
    model: LanguageModel, index: PieceIndex, prompt_state: PromptState
) -> tuple[list[Candidate], float]:
    """The candidates of ``first_candidates``, and P(typed); at a sentence's beginning with those of
    a line's."""
    candidates, total = first_candidates(model, index, prompt_state)
    if not _inside(model.tokenizer, prompt_state):
        return candidates, total
    ends = float(np.exp(np.float64(model.log_probs(prompt_state.state)[0, EOS_ID])))
    after = row_advance(model, [EOS_ID], prompt_state.state)
    others, total_of_others = first_candidates(model, index, dataclasses.replace(prompt_state, state=after))
    both = total + ends * total_of_others
    found = [_weighed(candidate, total / both) for candidate in candidates] if total else []
    found += [_weighed(candidate, ends * total_of_others / both) for candidate in others]
    if len(found) < 2 or not whole_words(model.tokenizer):
        return found, both
    one, other = found
    return [dataclasses.replace(one, masses=one.masses + other.masses)], both


def _inside(tokenizer: Tokenizer, prompt_state: PromptState) -> bool:
    """Whether a sentence may begin inside the line at the word."""
    space = "" if tokenizer.words and prompt_state.partial else " " * prompt_state.lead
    return ends_sentence(prompt_state.context + space)


def masses_at(model: LanguageModel, prompt_state: PromptState) -> NDArray[np.float64]:
    """The probability of each type as the first one of the word, ``[V]``."""
    if _inside(model.tokenizer, prompt_state):
        return sentence_masses(model, prompt_state.state)
    return np.exp(model.log_probs(prompt_state.state)[0].astype(np.float64))


def mass_at(model: LanguageModel, prompt_state: PromptState, token: int) -> float:
    """``masses_at`` of one type."""
    return float(masses_of(model, prompt_state, np.array([token]))[0])


def masses_of(model: LanguageModel, prompt_state: PromptState, tokens: TokenIds) -> NDArray[np.float64]:
    """``masses_at`` of some types ``[N]``."""
    log_probs = model.log_probs(prompt_state.state)[0]
    masses = np.exp(log_probs[tokens].astype(np.float64))
    if _inside(model.tokenizer, prompt_state):
        after = model.log_probs(row_advance(model, [EOS_ID], prompt_state.state))[0]
        line_end = np.exp(log_probs[EOS_ID : EOS_ID + 1].astype(np.float64))
        masses = masses + line_end * np.exp(after[tokens].astype(np.float64))
    return masses


def sentence_masses(model: LanguageModel, state: State) -> NDArray[np.float64]:
    """P(type) at a sentence's beginning inside a line, ``[V]``: after a blank, or after a line
    end."""
    probs = np.exp(model.log_probs(state)[0].astype(np.float64))
    after = model.log_probs(row_advance(model, [EOS_ID], state))[0].astype(np.float64)
    return probs + probs[EOS_ID] * np.exp(after)


def expects_capitals(tokenizer: Tokenizer, masses: NDArray[np.float64]) -> bool:
    """Whether most words have a capital, by the mass of each type; for models of words."""
    capital, small = _cases(tokenizer)
    return float(masses[capital].sum()) > _MOST * float(masses[capital | small].sum())


@lru_cache(maxsize=8)
def _cases(tokenizer: Tokenizer) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which types begin with a capital and which with a small letter, bool ``[V]``."""
    first = [piece.decode("utf-8", "ignore").lstrip(" ")[:1] for piece in tokenizer.pieces]
    return np.array([char.isupper() for char in first]), np.array([char.islower() for char in first])


def prefers_capital(model: LanguageModel, index: PieceIndex, prompt_state: PromptState) -> bool:
    """Whether the word in small letters that a prompt ends with is likelier with a capital; for
    models of words."""
    typed = prompt_state.typed.decode()
    same = fold_index(model.tokenizer).all_same_as(typed)
    capital = [token for token in same if index.body(token).decode()[:1].isupper()]
    masses = masses_at(model, prompt_state)
    return masses[capital].sum() > masses[index.equal_to(prompt_state.typed)].sum()


def is_over(model: LanguageModel, index: PieceIndex, prompt_state: PromptState) -> bool:
    """Whether the known word that a prompt ends with is a word rather than the beginning of longer
    ones: it has a tenth of the probability of everything that begins so; for models of words."""
    masses, begun = masses_at(model, prompt_state), index.starting_with(prompt_state.typed)
    same = float(masses[index.equal_to(prompt_state.typed)].sum())
    return same >= A_WORD * float(masses[begun].sum())


def _weighed(candidate: Candidate, weight: float) -> Candidate:
    return dataclasses.replace(candidate, masses=candidate.masses * weight)
