"""The probabilities of given words as continuations of a prompt."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from elman.data.oov import unknown_tokens
from elman.decode.pieces import PieceIndex, piece_index
from elman.decode.prefix import open_prompt
from elman.decode.prompt_state import PromptState, first_candidates, whole_words
from elman.decode.rows import row_log_probs, row_score
from elman.decode.words import follow, runs
from elman.errors import UsageError
from elman.models.protocol import LanguageModel
from elman.notation import TokenIds
from elman.text.speller import Speller
from elman.text.tokenizer import Tokenizer
from elman.text.word_types import is_between


def candidates(model: LanguageModel, speller: Speller, prompt: str, texts: Sequence[str]) -> list[tuple[str, float]]:
    """The probability of each text as the continuation, in the order of ``texts``; not normalised.

    The prompt's last word is taken as whole. A text is one or more words; its probability is that
    of its tokens in turn, given the typed text as in ``complete``, with or without a space before
    it (if both are possible, they are added). Below word level its last word must also end there.
    An unknown word counts P(`<unk>`) times the probability of its spelling.

    Raises:
        UsageError: a text that is empty or more than one line.
    """
    tokenizer = model.tokenizer
    index = piece_index(tokenizer)
    prompt_state = open_prompt(model, prompt, partial=False)
    _, typed_probability = first_candidates(model, index, prompt_state)
    ways: list[_Way] = []
    for index_of_text, text in enumerate(texts):
        word = tokenizer.normal_form(text).lstrip()
        if not word or "\n" in word or "\r" in word:
            raise UsageError(f"a candidate is {text!r}; it must be one or more words on one line")
        ways += _ways(tokenizer, speller, prompt_state, word, place=index_of_text)
    sums = [0.0] * len(texts)
    if typed_probability and ways:
        for way, probability in zip(ways, _chains(model, index, prompt_state, ways), strict=True):
            sums[way.place] += float(np.exp(-way.spelling)) * probability / typed_probability
    return list(zip(texts, sums, strict=True))


class _Way(NamedTuple):
    """One way to put a text after the context."""

    place: int
    """Which text."""
    word: str
    ids: TokenIds
    oov: int
    spelling: float
    """The cost of spelling the unknown words (nats)."""


def _ways(tokenizer: Tokenizer, speller: Speller, prompt_state: PromptState, word: str, *, place: int) -> list[_Way]:
    begin = len(tokenizer.encode(prompt_state.context).ids)
    ways = []
    for space in _spaces(tokenizer, prompt_state, word):
        line = prompt_state.context + space + word
        encoded = tokenizer.encode(line)
        unknown = [item.spelled for item in unknown_tokens(tokenizer, line, encoded) if item.place >= begin]
        ways.append(_Way(place, word, encoded.ids[begin:], len(unknown), sum(map(speller.nats, unknown))))
    # An unknown word has one probability, with or without its space. A word known one way is not
    # unknown.
    least = min(way.oov for way in ways)
    return [way for way in ways if way.oov == least][: 1 if least else None]


def _spaces(tokenizer: Tokenizer, prompt_state: PromptState, word: str) -> list[str]:
    """The spaces allowed between the context and a word."""
    if prompt_state.lead:
        blank = tokenizer.words is not None and is_between(prompt_state.context[-1:])
        return [" " if prompt_state.context and not blank else ""]
    if prompt_state.after is None:
        return [""]
    glued = not tokenizer.config.pretokenized and not follow(prompt_state.after, word[0])
    return [" ", ""] if glued else [" "]


def _chains(model: LanguageModel, index: PieceIndex, prompt_state: PromptState, ways: Sequence[_Way]) -> list[float]:
    """P(the tokens in turn), times P(the last word ends there) where a token is less than a
    word.
    """
    scores, after = row_score(model, [way.ids for way in ways], prompt_state.state.take([0] * len(ways)))
    chains = [float(np.exp(score.sum(dtype=np.float64))) for score in scores]
    if whole_words(model.tokenizer):
        return chains
    table = np.exp(row_log_probs(model, after).astype(np.float64))
    ends = [index.ending(runs(way.word)[-1][2]) for way in ways]
    return [chain * float(table[row, ends[row]].sum()) for row, chain in enumerate(chains)]
