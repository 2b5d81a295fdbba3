"""What may have been meant by a mistyped word, or the beginning of one: a noisy channel.

P(word) by the models, times the probability that its beginning is typed so (``typos.py``), against
the probability that nobody has seen this word before: that of unknown words times ``LETTER`` nats a
letter.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.apps.keyboard.keyboard_model import KeyboardModel
from elman.apps.keyboard.typos import typo_index
from elman.apps.spelling.lexicon import is_word
from elman.apps.spelling.possessives import has_possessives, split_possessive
from elman.decode.known_words import known_words
from elman.decode.pieces import piece_index
from elman.decode.prefix import open_prompt
from elman.decode.sentence_start import masses_of
from elman.decode.spelling import fold_index, locale_of
from elman.decode.word_place import WordPlace, word_place
from elman.decode.words import finished, last_runs
from elman.text.casing import fold, recase
from elman.text.text_cache import TextCache

LETTER = 2.5
"""The cost of a letter of a word that nobody knows (nats)."""
_SURE = 0.8
"""An unknown word is read as another one that has this share of the probability."""
_WORDS = 6
"""Words before the cursor that are looked at."""


class CorrectionCandidates(NamedTuple):
    """Words that may have been meant."""

    joint: dict[str, float]
    """The probability that a word was meant and typed so, for the likeliest; in the case typed."""
    total: float
    """That of all of them, and of a word that nobody knows."""


def corrections(
    models: Sequence[KeyboardModel],
    weights: Sequence[float],
    places: Sequence[WordPlace],
    typed: str,
    *,
    most: int,
    whole: bool = False,
) -> CorrectionCandidates:
    """The ``most`` likeliest words that begin almost as typed.

    Args:
        weights: of the models.
        places: where the word begins, one for each model.
        whole: whether the word is over, so that a longer one would be a misspelling too.
    """
    unknown = sum(weight * place.unknown for weight, place in zip(weights, places, strict=True))
    joint: dict[str, float] = {}
    total = unknown * float(np.exp(-LETTER * len(typed)))
    for weight, model, place in zip(weights, models, places, strict=True):
        tokenizer = model.lm.tokenizer
        tokens, nats = typo_index(tokenizer).similar(typed, whole=whole)
        probabilities = np.zeros(tokenizer.size)
        np.add.at(probabilities, place.tokens, place.probabilities)
        own = weight * probabilities[tokens] * np.exp(-nats)
        total += float(own.sum())
        for row in np.argsort(-own, kind="stable")[:most].tolist():
            word = piece_index(tokenizer).body(int(tokens[row])).decode("utf-8", "replace")
            if whole and typed[:1].isupper() and not word[:1].isupper():
                continue  # Rather a name than this.
            text = recase(word, typed, locale_of(tokenizer), named=not model.own_capitals.are_openers[tokens[row]])
            joint[text] = joint.get(text, 0.0) + float(own[row])
    return CorrectionCandidates(joint, total)


def named_masses(models: Sequence[KeyboardModel], before: str) -> list[NDArray[np.float64]]:
    """How likely each type with a capital of its own follows a text, for each model."""
    states = (open_prompt(model.lm, before, partial=False) for model in models)
    return [masses_of(model.lm, state, model.own_capitals.tokens) for model, state in zip(models, states, strict=True)]


def named_words(
    models: Sequence[KeyboardModel],
    weights: Sequence[float],
    masses: Sequence[NDArray[np.float64]],
    typed: str,
    *,
    least: float,
) -> tuple[dict[str, float], float]:
    """The words likelier than ``least`` that begin as typed but for capitals of their own, and the
    probability of all that do: names and nouns begun in small letters.

    Args:
        masses: by ``named_masses``.
    """
    joint: dict[str, float] = {}
    total = 0.0
    for weight, model, own in zip(weights, models, masses, strict=True):
        tokenizer, capitals = model.lm.tokenizer, model.own_capitals
        begun = (" " if tokenizer.leading_space or tokenizer.words else "") + typed
        some = capitals.beginning(fold(begun, fold_index(tokenizer).locale))
        probabilities = np.where(capitals.small[some] < len(typed), weight * own[some], 0.0)
        likely = np.flatnonzero(probabilities > least).tolist()
        # Where nothing begins as typed, ``complete`` has every case.
        if likely and len(piece_index(tokenizer).starting_with(begun.encode())):
            total += float(probabilities.sum())
            for place in likely:
                text = known_words(tokenizer).of(int(capitals.tokens[some][place])).text
                joint[text] = joint.get(text, 0.0) + float(probabilities[place])
    return joint, total


def knows(models: Sequence[KeyboardModel], word: str) -> bool:
    """Whether a model has a word, in whatever case."""
    folds = [fold_index(model.lm.tokenizer) for model in models]
    return any(each.same_as(f" {word}") is not None or each.same_as(word) is not None for each in folds)


class MisspellingReader:
    """Reads misspelled words before the cursor as what was meant, so that the next word is
    likelier."""

    def __init__(self) -> None:
        self._known: TextCache[str | None] = TextCache()

    def read(
        self,
        models: Sequence[KeyboardModel],
        weights: Sequence[float],
        text: str,
        unknown: Collection[str],
        *,
        words: int = _WORDS,
        capitals: bool = True,
    ) -> tuple[str, dict[str, str]]:
        """A text, and what was replaced in it: the unknown words among the last ones of its open
        line, where the meant word is nearly certain. A word with a capital may be a name: it is
        read only as one that has a capital too, and without ``capitals`` it stays."""
        begin = max(text.rfind("\n"), text.rfind("\r")) + 1
        line, head, last, read_as = text[begin:], text[:begin], 0, {}
        for start, end, run in last_runs(line, words):
            word = finished(line[start:end])
            cased = word[1:].islower() and (capitals or word[:1].islower())
            if run.is_word and end < len(line) and word in unknown and is_word(word) and cased:
                head += line[last:start]
                meant = self._meant(models, weights, head, word)
                head, last = head + (meant or word), start + len(word)
                if meant:
                    read_as[word] = meant
        return head + line[last:], read_as

    def _meant(self, models: Sequence[KeyboardModel], weights: Sequence[float], before: str, word: str) -> str | None:
        """The word that was meant, if it is another one."""

        def computed() -> str | None:
            base, ending = split_possessive(word)
            if ending and not any(has_possessives(fold_index(model.lm.tokenizer).folds) for model in models):
                base, ending = word, ""
            if ending and knows(models, base):
                return None
            places = [word_place(model.lm, before) for model in models]
            found = corrections(models, weights, places, base, most=1, whole=True)
            best, mass = max(found.joint.items(), key=lambda each: each[1], default=("", 0.0))
            return best + ending if mass > _SURE * found.total and best != base else None

        return self._known.get(f"{len(word)} {word}{before}", computed)
