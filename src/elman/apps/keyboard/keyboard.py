"""What is offered while somebody types: words of one model or several, of the user's own, and
mistyped ones.

The probability of a word, given what was typed of it, sums over the models m with their weights:

    P(word | typed) = sum of weight(m) * P_m(word) * P(typed as it was | word) / P(typed)

A word that begins as typed was typed as it was (probability 1). Where what was typed has a
probability below ``UNLIKELY``, words that begin almost so may have been meant (``typos.py``). Words
that the user has taught (``learned_words.py``) share the probability of unknown words.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.apps.keyboard.corrections import MisspellingReader, corrections, knows, named_masses, named_words
from elman.apps.keyboard.keyboard_model import KeyboardModel
from elman.apps.keyboard.language_weights import LanguageWeights
from elman.apps.keyboard.learned_words import LearnedWords
from elman.decode.completion import Completion, complete
from elman.decode.offers import Offers, last_word, offers_from
from elman.decode.prompt_state import whole_words
from elman.decode.sentence_start import begins_small
from elman.decode.spelling import locale_of
from elman.decode.word_place import WordPlace, unknown_after, word_place
from elman.decode.words import finished, runs
from elman.errors import UsageError
from elman.models.protocol import LanguageModel
from elman.text.casing import fold, recase
from elman.text.letter_case import CaseLocale
from elman.text.normalise import split_lines
from elman.text.text_cache import TextCache

CORRECTION, LEARNED = "correction", "learned"
UNLIKELY = 1e-4
"""Corrections are looked for where what was typed has a lower probability."""
_LEAST_SHARE = 0.05
"""Corrections less likely than this are not offered."""
_MORE = 4
_NAMED = 256
"""Places of texts whose names are kept, which takes a few ten kilobytes each."""


class Keyboard:
    """Offers words for a text.

    >>> import numpy as np
    >>> from elman.models.ngram.query import fit_ngram
    >>> from elman.text.speller import Speller
    >>> from elman.text.tokenizer import EOS_ID, Tokenizer, TokenizerConfig
    >>> words = Tokenizer.fit(["return the value"], config=TokenizerConfig(min_count=1))
    >>> ids = np.array([*words.encode("return the value").ids, EOS_ID] * 9)
    >>> lm = fit_ngram(ids, np.array([0, len(ids)]), words)
    >>> keyboard = Keyboard([KeyboardModel(lm, Speller.fit({}))])
    >>> keyboard.complete("return the vlau").words[0][0]
    'value'
    """

    def __init__(
        self, models: Sequence[KeyboardModel], *, typos: bool | None = None, learned: LearnedWords | None = None
    ) -> None:
        """Prepare a keyboard.

        Args:
            models: the models, one for each language; their vocabularies may differ.
            typos: whether to offer corrections of a half-typed word; None: where tokens are words.
            learned: the user's own words.

        Raises:
            UsageError: several models, learned words, or ``typos``, with a model whose tokens are
                not words.
        """
        if not models:
            raise UsageError("a keyboard needs a model")
        self._models = [model._replace(capitals=model.own_capitals) for model in models]
        self._scoring = self.lms
        self.learned = learned
        self._typos = all(whole_words(lm.tokenizer) for lm in self.lms) if typos is None else typos
        self._weights = LanguageWeights([model.speller for model in models])
        self._misspellings = MisspellingReader()
        self._read = ""
        self._places: dict[str, list[WordPlace]] | None = None
        self._unknown: TextCache[list[float]] = TextCache()
        self._named: TextCache[list[NDArray[np.float64]]] = TextCache(most=_NAMED)
        self._check()

    def _check(self) -> None:
        levels = [lm.tokenizer.config.level for lm in self.lms if not whole_words(lm.tokenizer)]
        if levels and (len(self._models) > 1 or self.learned is not None or self._typos):
            raise UsageError(
                "several models side by side, learned words, and corrections need models of words; one has "
                f"{levels[0]} tokens: train it with --level word"
            )

    @property
    def lms(self) -> list[LanguageModel]:
        """The models, in their order."""
        return [model.lm for model in self._models]

    def through(
        self, lms: Sequence[LanguageModel], *, scoring: Sequence[LanguageModel] | None = None, read: str = ""
    ) -> "Keyboard":
        """The same keyboard asking its models through others, in their order, for one text: it
        keeps what may follow it.

        Args:
            scoring: those that say how likely a line is; by default the ones so far.
            read: a text that ``lms`` have read before every prompt.
        """
        other = self._copy()
        other._models = [model._replace(lm=lm) for model, lm in zip(self._models, lms, strict=True)]
        if scoring is not None:
            other._scoring = list(scoring)
        if read:
            other._misspellings, other._unknown = MisspellingReader(), TextCache()
            other._named = TextCache(most=_NAMED)
        other._read, other._places = read, {}
        return other

    def _copy(self) -> "Keyboard":
        # For each key there is one, and copy.copy takes ten times as long.
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        return other

    def with_learned(self, learned: LearnedWords | None) -> "Keyboard":
        """The same keyboard with the words of another user.

        Raises:
            UsageError: learned words with a model whose tokens are not words.
        """
        other = self._copy()
        other.learned = learned
        other._check()
        return other

    def knows(self, word: str) -> bool:
        """Whether a model has a word, in whatever case."""
        return knows(self._models, word)

    def weights(self, text: str) -> list[float]:
        """The weights of the models for the next word of a text."""
        return self._weights.before(self._read + text, self._scoring).tolist()

    def learn(self, text: str) -> list[str]:
        """Count the words of a finished text that no model knows; returns them. What is nearly
        certainly a misspelled word is not counted."""
        if self.learned is None:
            return []
        found: list[str] = []
        for line in split_lines(text):
            unknown = {finished(line[start:end]) for start, end, run in runs(line) if run.is_word}
            unknown = {word for word in unknown if not self.knows(word)}
            read_as: dict[str, str] = {}
            if self._typos and unknown:
                every = max(len(line), 1)
                _, read_as = self._misspellings.read(
                    self._models, self.weights(""), f"{line} ", unknown, words=every, capitals=False
                )
            found += self.learned.learn(line, known=lambda word, own=read_as: word in own or self.knows(word))
        return found

    def unknown(self, found: Completion) -> float:
        """The probability of a word that no model knows, where the words of a completion begin."""
        begun = found.partial or found.unmatched
        before = found.prompt[: len(found.prompt) - len(begun)] if found.prompt.endswith(begun) else found.prompt
        if self._places and before in self._places:
            unknown = [place.unknown for place in self._places[before]]
        else:
            # The same for all keys of a word.
            unknown = self._unknown.get(before, lambda: [unknown_after(lm, before) for lm in self.lms])
        return sum(weight * each for weight, each in zip(self.weights(before), unknown, strict=True))

    def complete(self, prompt: str, *, n: int = 5, partial: bool | None = None, **rules: Any) -> Completion:
        """The n likeliest words: those of ``elman.decode.completion.complete``, and those of the
        other models, learned words and corrections. ``kinds`` says which are learned or
        corrections; these come last. A correction takes the place of what was typed.

        Args:
            rules: ``block``, ``secrets``, ``punctuation`` and ``repeats`` of ``complete``.
        """
        read, read_as, found = self._read_and_completed(prompt, n=n, partial=partial, **rules)
        oov = _unknown_to_all(found)
        begun = next((each.partial or each.unmatched for each in found if each.partial or each.unmatched), "")
        named, named_total = self._names(read, begun, found, n=n)
        plain = len(found) == 1 and not self.learned and not named
        if not read.endswith(begun) or (plain and not (self._typos and begun and found[0].typed < UNLIKELY)):
            return dataclasses.replace(found[0], prompt=prompt, oov=oov, read_as=read_as)
        before = read[: len(read) - len(begun)]
        offers = offers_from(locale=locale_of(self._models[0].lm.tokenizer), **rules)
        ranking = self._ranking(before, begun, offers)
        ranking.add_exact(found)
        if self.learned:
            ranking.add_learned(self.learned)
        ranking.add_named(named, named_total)
        if self._typos and begun and ranking.typed < UNLIKELY:
            ranking.add_corrections(n * _MORE)
        words, kinds = ranking.best(n)
        if words:
            # The half-typed word is none of the unknown ones before it.
            before_it = oov[:-1] if oov and begun and oov[-1] == begun else oov
            return Completion(prompt, begun, words, before_it, "", ranking.total, kinds, read_as)
        # Nothing begins so, not even almost: it is a word of its own, and others follow.
        ranking = self._ranking(read, "", offers)
        ranking.add_exact(found)
        return Completion(prompt, "", ranking.best(n)[0] or found[0].words, oov, begun, 0.0, {}, read_as)

    def _names(self, read: str, begun: str, found: Sequence[Completion], *, n: int) -> tuple[dict[str, float], float]:
        """``named_words`` where the word at the end of a text may be one with a capital, and is
        likely enough to be offered: it is in small letters, and no sentence begins with it, where
        ``complete`` has every case."""
        if not (self._typos and begun.islower() and read.endswith(begun)):
            return {}, 0.0
        before = read.removesuffix(begun)
        if begins_small(begun, before[max(before.rfind("\n"), before.rfind("\r")) + 1 :]):
            return {}, 0.0
        # The same for all keys of a word.
        masses = self._named.get(before, lambda: named_masses(self._models, before))
        alone = found[0] if len(found) == 1 and not self.learned else None
        least = alone.words[n - 1][1] * alone.typed if alone and len(alone.words) >= n else 0.0
        return named_words(self._models, self.weights(before), masses, begun, least=least)

    def _ranking(self, before: str, begun: str, offers: Offers) -> "_Ranking":
        def places() -> list[WordPlace]:
            found = [word_place(lm, before) for lm in self.lms]
            if self._places is not None:
                self._places[before] = found
            return found

        return _Ranking(self._models, self.weights(before), places, before, begun, offers)

    def _read_and_completed(
        self, prompt: str, *, n: int, partial: bool | None, **rules: Any
    ) -> tuple[str, dict[str, str], list[Completion]]:
        """The prompt with its misspelled words read as what was meant, these words, and each
        model's completion."""
        found = self._completed(prompt, n=n, partial=partial, **rules)
        unknown = [word for word in _unknown_to_all(found) if not (self.learned and self.learned.has(word))]
        if self._typos and unknown:
            read, read_as = self._misspellings.read(self._models, self.weights(prompt), prompt, unknown)
            if read_as:
                return read, read_as, self._completed(read, n=n, partial=partial, **rules)
        return prompt, {}, found

    def _completed(self, prompt: str, *, n: int, partial: bool | None, **rules: Any) -> list[Completion]:
        """The completion of each model."""
        lms = self.lms
        most = n if len(lms) == 1 and not self.learned else max(_MORE * n, 20)
        if partial is None and self.learned and self.learned.has(last_word(prompt) if prompt[-1:] != " " else ""):
            partial = False
        found = [complete(lm, prompt, n=most, partial=partial, **rules) for lm in lms]
        # A word that one of them knows is whole for all.
        if partial is None and any(not each.partial and not each.unmatched for each in found):
            again = (each.partial or each.unmatched for each in found)
            return [
                complete(lm, prompt, n=most, partial=False, **rules) if half else each
                for lm, each, half in zip(lms, found, again, strict=True)
            ]
        return found


class _Ranking:
    """The offers for one place of a text."""

    def __init__(
        self,
        models: Sequence[KeyboardModel],
        weights: list[float],
        places: Callable[[], list[WordPlace]],
        before: str,
        begun: str,
        offers: Offers,
    ) -> None:
        self._models, self._weights, self._before, self._begun = models, weights, before, begun
        self._find_places = places
        self._locale: CaseLocale | None = locale_of(models[0].lm.tokenizer)
        self._weigh = offers.weigh(before, self._locale)
        self._places: list[WordPlace] | None = None
        self._joint: dict[str, float] = {}
        self.kinds: dict[str, str] = {}
        self.typed = 0.0
        """The probability of everything that begins as typed."""
        self._corrected: dict[str, float] = {}
        self.total = 0.0
        """That and the probability of what was mistyped so."""

    @property
    def places(self) -> list[WordPlace]:
        if self._places is None:
            self._places = self._find_places()
        return self._places

    def add_exact(self, found: Sequence[Completion]) -> None:
        for weight, each in zip(self._weights, found, strict=True):
            if self._begun and not each.partial:
                continue
            typed = each.typed if self._begun else 1.0
            self.typed += weight * typed
            for word, probability in each.words:
                self._joint[word] = self._joint.get(word, 0.0) + weight * typed * probability
        self.total = self.typed

    def add_named(self, named: Mapping[str, float], total: float) -> None:
        spelled = {
            fold(word, self._locale): mass for word, mass in sorted(self._joint.items(), key=lambda word: word[1])
        }
        for word, mass in sorted(named.items(), key=lambda word: -word[1]):
            weighed = mass * self._weigh(word)
            # Of a word in several spellings, the likeliest is offered.
            if weighed > spelled.get(fold(word, self._locale), 0.0):
                spelled[fold(word, self._locale)] = self._joint[word] = weighed
        self.typed += total
        self.total = self.typed

    def add_learned(self, learned: LearnedWords) -> None:
        last = last_word(self._before)
        follow = learned.following(last)
        kept = 1.0 - sum(share for _, share in follow)
        self._joint = {word: kept * mass for word, mass in self._joint.items()}
        unknown = self.unknown
        own = [(word, kept * unknown * share) for word, share in learned.beginning(self._begun, before=last)]
        begun = [(word, share) for word, share in follow if fold(word).startswith(fold(self._begun))]
        self.typed = kept * self.typed + sum(share for _, share in begun)
        if self._begun:
            self.typed += sum(mass for _, mass in own)
        for word, mass in [*own, *begun]:
            # A name keeps its capital, however it was begun.
            text = word if self._begun.islower() else recase(word, self._begun, self._locale)
            weighed = mass * self._weigh(word)
            if weighed:
                if text not in self._joint:
                    self.kinds[text] = LEARNED
                self._joint[text] = self._joint.get(text, 0.0) + weighed
        self.total = self.typed

    @property
    def unknown(self) -> float:
        """The probability of a word that no model knows."""
        return sum(weight * place.unknown for weight, place in zip(self._weights, self.places, strict=True))

    def add_corrections(self, most: int) -> None:
        found = corrections(self._models, self._weights, self.places, self._begun, most=most)
        self.total += found.total
        for word, mass in found.joint.items():
            weighed = mass * self._weigh(word)
            if weighed and word not in self._joint:
                self._corrected[word] = weighed

    def best(self, n: int) -> tuple[list[tuple[str, float]], dict[str, str]]:
        """The n likeliest words with their probabilities, corrections last, and their kinds."""
        total = self.total or 1.0
        corrected = {word: mass for word, mass in self._corrected.items() if mass >= _LEAST_SHARE * total}
        both = sorted([*self._joint.items(), *corrected.items()], key=lambda word: -word[1])[:n]
        both.sort(key=lambda word: (word[0] in corrected, -word[1], word[0]))
        kinds = self.kinds | dict.fromkeys(corrected, CORRECTION)
        words = [(word, mass / total) for word, mass in both if mass > 0]
        return words, {word: kinds[word] for word, _ in words if word in kinds}


def _unknown_to_all(found: Sequence[Completion]) -> list[str]:
    return [word for word in found[0].oov if all(word in other.oov for other in found[1:])]
