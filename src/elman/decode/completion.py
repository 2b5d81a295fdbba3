"""The next words of a prompt with their probabilities, for every level of tokens."""

import dataclasses
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from elman.decode.blocklist import Blocklist
from elman.decode.known_words import KnownWords, known_words
from elman.decode.offers import Offers, Weigher, offers_from
from elman.decode.pieces import piece_index
from elman.decode.prefix import open_prompt
from elman.decode.prompt_state import Candidate, PromptState, whole_words
from elman.decode.respelling import respeller
from elman.decode.search import Effort, WordSearch
from elman.decode.sentence_start import sentence_candidates
from elman.decode.spelling import locale_of
from elman.errors import UsageError
from elman.models.protocol import LanguageModel

_TYPES_PER_WORD = 8
"""Types inspected per word wanted; as many times more if too few of them may be shown."""


@dataclasses.dataclass(frozen=True)
class Completion:
    """The likeliest next words."""

    prompt: str
    """The prompt as given."""
    partial: str
    """The unfinished last word (the prefix) that the words complete; empty if they are new
    words."""
    words: list[tuple[str, float]]
    """Whole words without leading space, with their probabilities given the typed text, best
    first."""
    oov: list[str]
    """Unknown words of the prompt, without the unfinished one."""
    unmatched: str = ""
    """The last word, if it was to be completed and no word begins so; it is then read as whole."""
    typed: float = 1.0
    """The probability of what was typed of the word (of its leading space, too), by which those of
    the words are divided; that of mistyped ones with it, and 0 if it is unmatched."""
    kinds: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Of words that do not come from the vocabulary as they were typed, where they come from
    (``elman.apps.keyboard``)."""

    read_as: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Misspelled words of the prompt, and what they were read as."""

    @property
    def pairs(self) -> list[dict[str, Any]]:
        """The words as JSON, each with its probability and, if it has one, its kind."""
        kind = {word: {"kind": kind} for word, kind in self.kinds.items()}
        return [{"text": word, "probability": share, **kind.get(word, {})} for word, share in self.words]


def complete(
    model: LanguageModel,
    prompt: str,
    *,
    n: int = 5,
    partial: bool | None = None,
    block: Collection[str] | Blocklist = (),
    secrets: bool = True,
    punctuation: bool = False,
    repeats: bool = False,
    effort: Effort | None = None,
) -> Completion:
    """The n likeliest next words.

    P(word) is the sum over all ways to spell it in tokens, times P(a word ends there); at word
    level it is the word's type alone. It is conditioned on the typed text: P(word) / P(typed).
    P(typed) sums over everything in the vocabulary that begins so. Typed text is a space (then a
    word must come), a prefix of a word and, where a word is many tokens, the end of the last word.
    The prompt "" asks for the first word of a document. At the start of a line there is no
    condition, so the line may also be empty. After the end of a sentence inside a line, the next
    words are those of a new line as well (``elman.decode.sentence_start``).

    ``partial``: True completes the last word, False takes it as whole, None decides (see
    ``open_prompt``). A word that is known in another case only is completed in the typed case. If
    nothing can be offered for the unfinished word, it is taken as whole, and if nothing can follow
    either, the words are those that begin a text. The list is empty only if every word is hidden.

    ``block`` hides words (``elman.decode.blocklist``), ``secrets=False`` what looks private
    (``elman.decode.secrets``); bare punctuation comes only if asked for. The word that was just
    written counts a tenth (``elman.decode.offers``), unless ``repeats``. ``effort`` bounds the
    search below word level.

    >>> import numpy as np
    >>> from elman.models.ngram.query import fit_ngram
    >>> from elman.text.tokenizer import EOS_ID, Tokenizer, TokenizerConfig
    >>> words = Tokenizer.fit(["the cat sat"], config=TokenizerConfig(min_count=1))
    >>> ids = np.array([*words.encode("the cat sat").ids, EOS_ID] * 9)
    >>> model = fit_ngram(ids, np.array([0, len(ids)]), words)
    >>> complete(model, "the c").partial, complete(model, "the c").words
    ('c', [('cat', 1.0)])
    >>> complete(model, "The CA").words
    [('CAT', 1.0)]

    Raises:
        UsageError: ``n`` below 1, or an entry of ``block`` that is no pattern.
    """
    if n < 1:
        raise UsageError.of("n", n, "1 or more")
    locale = locale_of(model.tokenizer)
    offers = offers_from(block, locale=locale, secrets=secrets, punctuation=punctuation, repeats=repeats)
    asked = open_prompt(model, prompt, partial=partial)
    found = asked
    words, typed = _offered(model, found, offers, n=n, effort=effort)
    if not words and found.partial:
        found = dataclasses.replace(open_prompt(model, prompt, partial=False), unmatched=found.partial)
        words, _ = _offered(model, found, offers, n=n, effort=effort)
    if not words:
        words, _ = _offered(model, open_prompt(model, ""), offers, n=n, effort=effort)
    return Completion(prompt, found.partial, words, found.oov, found.unmatched, 0.0 if found.unmatched else typed)


def _offered(
    model: LanguageModel, prompt_state: PromptState, offers: Offers, *, n: int, effort: Effort | None
) -> tuple[list[tuple[str, float]], float]:
    """Words, and P(typed)."""
    locale = locale_of(model.tokenizer)
    before = prompt_state.context + " " * (prompt_state.lead > 0)
    if offers.apart(before):
        if prompt_state.partial:
            return [], 0.0
        prompt_state = dataclasses.replace(prompt_state, spaced=True, may_join=False)
    weigh = offers.weigh(before, locale)

    respell = respeller(model, prompt_state) if prompt_state.respelled else None

    def shown(word: str) -> str:
        word = respell(word) if respell else word
        return word.replace(model.tokenizer.config.apostrophe, prompt_state.sign) if prompt_state.sign else word

    index = piece_index(model.tokenizer)
    candidates, typed = sentence_candidates(model, index, prompt_state)
    if whole_words(model.tokenizer):
        known, written = known_words(model.tokenizer), shown if respell or prompt_state.sign else None
        return _best_types(candidates, known, n=n, weigh=weigh, shown=written, respelled=respell is not None), typed
    search = WordSearch(model, index, n=n, weigh=weigh, shown=shown, effort=effort or Effort())
    for candidate in candidates:
        search.add(candidate)
    return search.run(), typed


def _best_types(
    candidates: Sequence[Candidate],
    known: KnownWords,
    *,
    n: int,
    weigh: Weigher,
    shown: Callable[[str], str] | None,
    respelled: bool,
) -> list[tuple[str, float]]:
    words: dict[str, float] = {}
    for candidate in candidates:
        # Spellings of one word are added up: all of them are needed.
        most = len(candidate.tokens) if respelled else _TYPES_PER_WORD * n
        some = _weighed(candidate, known, weigh=weigh, most=most)
        # A weight only lowers: with n words of full weight, no word behind them is better.
        while sum(weight == 1 for _, _, weight in some) < n and most < len(candidate.tokens):
            most *= _TYPES_PER_WORD
            some = _weighed(candidate, known, weigh=weigh, most=most)
        for word, mass, weight in some:
            text = shown(word) if shown else word
            words[text] = words.get(text, 0.0) + mass * weight
    # Of equally likely words the first ones stay; those that stay come in the order of their text.
    best = sorted(words.items(), key=lambda word: -word[1])[:n]
    return sorted(best, key=lambda word: (-word[1], word[0]))


def _weighed(candidate: Candidate, known: KnownWords, *, weigh: Weigher, most: int) -> list[tuple[str, float, float]]:
    """The words of the likeliest types that may be offered, with mass and weight."""
    likeliest = candidate.likeliest_first(above=0, most=most)
    words = zip(map(known.of, likeliest.tokens.tolist()), likeliest.masses.tolist(), strict=True)
    return [(word.text, mass, weight) for word, mass in words if (weight := weigh.of_known(*word)) > 0]
