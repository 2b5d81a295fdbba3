"""What is offered while somebody types: words of one model or several, of the user's own, and mistyped ones.

The probability of a word, given what was typed of it, sums over the models m with their weights:

    P(word | typed) = sum of weight(m) * P_m(word) * P(typed as it was | word) / P(typed)

A word that begins as typed was typed as it was (probability 1). Where what was typed has a probability
below ``UNLIKELY``, words that begin almost so may have been meant (``typos.py``). Words that the user has
taught (``learned_words.py``) share the probability of unknown words.
"""

import copy
import dataclasses
from collections.abc import Sequence
from typing import Any

from elman.apps.keyboard.corrections import Mender, corrections
from elman.apps.keyboard.language_weights import LanguageWeights, Part
from elman.apps.keyboard.learned_words import LearnedWords
from elman.decode.completion import Completion, complete
from elman.decode.offers import Offers, last_word, offers_from
from elman.decode.prompt_state import whole_words
from elman.decode.spelling import fold_index, locale_of
from elman.decode.word_place import WordPlace, word_place
from elman.errors import UsageError
from elman.models.protocol import LanguageModel
from elman.text.casing import fold, recase

CORRECTION, LEARNED = "correction", "learned"
UNLIKELY = 1e-3
"""Corrections are looked for where what was typed has a lower probability."""
_LEAST_SHARE = 0.05
"""Corrections less likely than this are not offered."""
_MORE = 4


class Keyboard:
    """Offers words for a text.

    >>> import elman
    >>> lm = elman.train("builtin:pydocs", model="ngram", order=3)
    >>> keyboard = Keyboard([Part(lm.lm, lm.speller)])
    >>> keyboard.complete("Retrun the valeu", n=1).words[0][0]
    'value'
    """

    def __init__(self, parts: Sequence[Part], *, typos: bool = True, learned: LearnedWords | None = None) -> None:
        """Prepare a keyboard.

        Args:
            parts: the models, one for each language; their vocabularies may differ.
            typos: whether to offer corrections of a half-typed word.
            learned: the user's own words.

        Raises:
            UsageError: several models, or learned words, with a model whose tokens are not words.
        """
        if not parts:
            raise UsageError("a keyboard needs a model")
        odd = [part.lm.tokenizer.config.level for part in parts if not whole_words(part.lm.tokenizer)]
        if odd and (len(parts) > 1 or learned is not None):
            raise UsageError(
                f"several models beside each other, and learned words, need models of words; one has {odd[0]} tokens: "
                "train it with --level word"
            )
        self._parts = list(parts)
        self._typos = typos and not odd
        self.learned = learned
        self._weights = LanguageWeights(self._parts)
        self._mender = Mender()
        self._read = ""

    @property
    def lms(self) -> list[LanguageModel]:
        """The models, in their order."""
        return [part.lm for part in self._parts]

    def through(self, lms: Sequence[LanguageModel], *, read: str = "") -> "Keyboard":
        """The same keyboard asking its models through others, in their order.

        Args:
            read: a text that these have read before every prompt.
        """
        other = copy.copy(self)
        other._parts = [part._replace(lm=lm) for part, lm in zip(self._parts, lms, strict=True)]
        other._read = read
        return other

    def knows(self, word: str) -> bool:
        """Whether a model has a word, in whatever case."""
        folds = [fold_index(part.lm.tokenizer) for part in self._parts]
        return any(each.same_as(f" {word}") is not None or each.same_as(word) is not None for each in folds)

    def weights(self, text: str) -> list[float]:
        """The weights of the models for the next word of a text."""
        return self._weights.before(self._read + text).tolist()

    def learn(self, text: str) -> list[str]:
        """Count the words of a finished text that no model knows; returns them."""
        return [] if self.learned is None else self.learned.learn(text, known=self.knows)

    def complete(self, prompt: str, *, n: int = 5, partial: bool | None = None, **rules: Any) -> Completion:
        """The n likeliest words: those of ``elman.decode.completion.complete``, and those of the other
        models, learned words and corrections. ``kinds`` says which are learned or corrections; these come
        last. A correction takes the place of what was typed.

        Args:
            rules: ``block``, ``secrets``, ``punctuation`` and ``repeats`` of ``complete``.
        """
        read, found = prompt, self._asked(prompt, n=n, partial=partial, **rules)
        oov = _unknown_to_all([each.oov for each in found])
        if self._typos and oov:
            weights = self.weights(prompt)
            own = [word for word in oov if not (self.learned and self.learned.has(word))]
            read = self._mender.mended(self._parts, weights, prompt, own)
            if read != prompt:
                found = self._asked(read, n=n, partial=partial, **rules)
        begun = next((each.partial or each.unmatched for each in found if each.partial or each.unmatched), "")
        plain = len(found) == 1 and not self.learned
        if not read.endswith(begun) or (plain and not (self._typos and begun and found[0].typed < UNLIKELY)):
            return dataclasses.replace(found[0], prompt=prompt, oov=oov)
        before = read[: len(read) - len(begun)]
        offers = offers_from(locale=locale_of(self._parts[0].lm.tokenizer), **rules)
        asked = _Asked(self, before, begun, offers)
        asked.add_exact(found)
        if self.learned:
            asked.add_learned(self.learned)
        if self._typos and begun and asked.typed < UNLIKELY:
            asked.add_corrections(n * _MORE)
        words, kinds = asked.best(n)
        if words:
            return Completion(prompt, begun, words, oov, "", asked.typed, kinds)
        # Nothing begins so, not even almost: it is a word of its own, and others follow.
        asked = _Asked(self, read, "", offers)
        asked.add_exact(found)
        return Completion(prompt, "", asked.best(n)[0] or found[0].words, oov, begun, 0.0)

    def _asked(self, prompt: str, *, n: int, partial: bool | None, **rules: Any) -> list[Completion]:
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


class _Asked:
    """The offers for one place of a text."""

    def __init__(self, keyboard: Keyboard, before: str, begun: str, offers: Offers) -> None:
        self._parts, self._before, self._begun = keyboard._parts, before, begun
        self._weights: list[float] = keyboard.weights(before)
        self._locale = locale_of(self._parts[0].lm.tokenizer)
        self._weigh = offers.weigh(before, self._locale)
        self._places: list[WordPlace] | None = None
        self._masses: dict[str, float] = {}
        self.kinds: dict[str, str] = {}
        self.typed = 0.0
        """The probability of everything that begins as typed."""
        self._corrected: dict[str, float] = {}
        self._total = 0.0

    @property
    def places(self) -> list[WordPlace]:
        if self._places is None:
            self._places = [word_place(part.lm, self._before) for part in self._parts]
        return self._places

    def add_exact(self, found: Sequence[Completion]) -> None:
        for weight, each in zip(self._weights, found, strict=True):
            if self._begun and not each.partial:
                continue
            typed = each.typed if self._begun else 1.0
            self.typed += weight * typed
            for word, probability in each.words:
                self._masses[word] = self._masses.get(word, 0.0) + weight * typed * probability
        self._total = self.typed

    def add_learned(self, learned: LearnedWords) -> None:
        last = last_word(self._before)
        follow = learned.following(last)
        kept = 1.0 - sum(share for _, share in follow)
        self._masses = {word: kept * mass for word, mass in self._masses.items()}
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
                if text not in self._masses:
                    self.kinds[text] = LEARNED
                self._masses[text] = self._masses.get(text, 0.0) + weighed
        self._total = self.typed

    @property
    def unknown(self) -> float:
        """The probability of a word that no model knows."""
        return sum(weight * place.unknown for weight, place in zip(self._weights, self.places, strict=True))

    def add_corrections(self, most: int) -> None:
        found = corrections(self._parts, self._weights, self.places, self._begun, most=most)
        self._total += found.total
        for word, mass in found.masses.items():
            weighed = mass * self._weigh(word)
            if weighed and word not in self._masses:
                self._corrected[word] = weighed

    def best(self, n: int) -> tuple[list[tuple[str, float]], dict[str, str]]:
        """The n likeliest words with their probabilities, corrections last, and their kinds."""
        total = self._total or 1.0
        corrected = {word: mass for word, mass in self._corrected.items() if mass >= _LEAST_SHARE * total}
        both = sorted([*self._masses.items(), *corrected.items()], key=lambda word: -word[1])[:n]
        both.sort(key=lambda word: (word[0] in corrected, -word[1], word[0]))
        kinds = self.kinds | dict.fromkeys(corrected, CORRECTION)
        words = [(word, mass / total) for word, mass in both if mass > 0]
        return words, {word: kinds[word] for word, _ in words if word in kinds}


def _unknown_to_all(lists: Sequence[list[str]]) -> list[str]:
    return [word for word in lists[0] if all(word in other for other in lists[1:])]
