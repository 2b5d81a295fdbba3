"""The words that may be meant: those of a model's vocabulary and of word lists, and how to find
similar ones."""

import math
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from elman.apps.spelling.phonetic import phonetic_key
from elman.apps.spelling.possessives import has_possessives
from elman.decode.rows import row_advance, row_log_probs
from elman.errors import TextError, UsageError
from elman.models.protocol import LanguageModel
from elman.text.casing import fold
from elman.text.letter_case import CaseLocale
from elman.text.tokenizer import EOS_ID

LONGEST = 30
_LISTED = 1e-8
"""The probability of a word that only a list knows."""
_CONTEXTS = 128
_BATCH = 16
_SOUND = 24
"""Words of the same sound that are looked at, the most frequent."""


class Lexicon:
    """Words by their fold (small letters, one apostrophe), with their probability and usual forms.

    >>> words = Lexicon({"The": 0.1, "the": 0.5, "then": 0.2, "Paris": 0.01})
    >>> words.words[words.similar("teh", 1)[0][0]], words.forms_of("paris")
    ('the', ['Paris'])
    """

    words: list[str]
    """The folds."""
    log_probs: NDArray[np.float64]
    """Their natural log-probabilities without context, ``[V]``."""
    letters: frozenset[str]
    """The characters of the words: a word with others is of another language."""
    possessives: bool
    """Whether the language writes them with 's."""

    def __init__(self, probabilities: dict[str, float], locale: CaseLocale | None = None) -> None:
        self.locale: CaseLocale | None = locale
        self.possessives = has_possessives(probabilities)
        forms: defaultdict[str, list[tuple[float, str]]] = defaultdict(list)
        for word, probability in probabilities.items():
            if is_word(word) and len(word) <= LONGEST:
                forms[fold(word, locale)].append((-probability, word))
        self._forms = {word: [form for _, form in sorted(found)] for word, found in forms.items()}
        self.words = list(self._forms)
        self.letters = frozenset().union(*self.words)
        self.places = {word: place for place, word in enumerate(self.words)}
        sums = [max(-sum(each for each, _ in forms[word]), 1e-300) for word in self.words]
        self.log_probs = np.log(np.array(sums or [1.0])) if self.words else np.empty(0)
        lengths = [len(word) for word in self.words]
        self._lengths = np.array(lengths, np.int64)
        self._codes = np.zeros((len(self.words), LONGEST), np.uint32)
        joined = np.array([ord(char) for word in self.words for char in word], np.uint32)
        self._codes[np.arange(LONGEST) < self._lengths[:, None]] = joined
        self._letters = np.array([_letters(word) for word in self.words], np.uint64)
        self._sounds: dict[str, NDArray[np.int64]] | None = None

    @classmethod
    def of(cls, lm: LanguageModel, listed: Iterable[str] = (), locale: CaseLocale | None = None) -> "Lexicon":
        """The words of a model's vocabulary, and listed ones (``word`` or ``word count`` a line).

        Raises:
            UsageError: the model has no words, and none are listed.
        """
        found = model_words(lm)
        words: dict[str, float] = {}
        for line in listed:
            word, _, count = line.strip().rpartition(" ") if line.strip()[-1:].isdigit() else (line.strip(), "", "")
            words[word] = float(count) if count.isdecimal() and len(count) < 19 else 0.0
        total = sum(words.values())
        if not found and not words:
            raise UsageError("the model's tokens are no words; give a list of words with --words FILE")
        if not found and not total:
            words = {word: 1.0 / place for place, word in enumerate(words, start=2)}
            total = sum(words.values())
        for word, count in words.items():
            # A model's own probabilities count where it has them; in between nothing is comparable.
            if word not in found:
                found[word] = max(count / total, _LISTED) if total and not found else _LISTED
        lexicon = cls(found, locale)
        # Where text comes with words apart, the end is a word of its own.
        lexicon.possessives |= has_possessives(lm.tokenizer.tokens)
        return lexicon

    def __contains__(self, word: str) -> bool:
        return fold(word, self.locale) in self.places

    def log_prob(self, word: str) -> float:
        """The log-probability of a word in any form; minus infinity for unknown ones."""
        place = self.places.get(fold(word, self.locale))
        return -math.inf if place is None else float(self.log_probs[place])

    def forms_of(self, word: str) -> list[str]:
        """How a word is written, the most frequent form first."""
        return self._forms.get(fold(word, self.locale), [])

    def similar(self, word: str, distance: int) -> list[tuple[int, int]]:
        """The places of words within a number of edits, with it; a fold of neighbours exchanged is
        one edit."""
        if not self.words or len(word) > LONGEST:
            return []
        bits = np.bitwise_count(self._letters ^ np.uint64(_letters(word)))
        near = (bits <= 2 * distance) & (np.abs(self._lengths - len(word)) <= distance)
        places = np.flatnonzero(near)
        found = distances(self._codes[places], self._lengths[places], word)
        kept = found <= distance
        return list(zip(places[kept].tolist(), found[kept].tolist(), strict=True))

    def sounding_like(self, word: str) -> list[int]:
        """The places of the most frequent words that sound alike."""
        if self._sounds is None:
            sounds: defaultdict[str, list[int]] = defaultdict(list)
            for place in np.argsort(-self.log_probs, kind="stable").tolist():
                sounds[phonetic_key(self.words[place])].append(place)
            self._sounds = {key: np.array(places) for key, places in sounds.items() if key}
        places = self._sounds.get(phonetic_key(word), np.empty(0, np.int64))
        return places[np.abs(self._lengths[places] - len(word)) <= 3][:_SOUND].tolist()


def model_words(lm: LanguageModel) -> dict[str, float]:
    """The words among a model's tokens, with their probability without context: its mean over the
    likeliest contexts of one word. Tokens of models of subwords or characters are no words."""
    if lm.tokenizer.config.level != "word":
        return {}
    start = lm.start()
    first = row_log_probs(lm, start)[0].astype(np.float64)
    order = np.argsort(-first, kind="stable")
    contexts = order[order > EOS_ID][:_CONTEXTS]
    mean = np.zeros(len(first))
    weights = np.exp(first[contexts])
    for begin in range(0, len(contexts), _BATCH):
        some = contexts[begin : begin + _BATCH]
        states = row_advance(lm, some, start.take([0] * len(some)))
        mean += weights[begin : begin + _BATCH] @ np.exp(row_log_probs(lm, states).astype(np.float64))
    mean /= weights.sum()
    found: dict[str, float] = {}
    for token, probability in zip(lm.tokenizer.tokens[EOS_ID + 1 :], mean[EOS_ID + 1 :].tolist(), strict=True):
        word = token.strip(" ")
        if is_word(word):
            found[word] = found.get(word, 0.0) + probability
    return found


def read_words(path: Path) -> list[str]:
    """The lines of a list of words.

    Raises:
        TextError: it cannot be read.
    """
    try:
        return [line for line in path.read_bytes().decode("utf-8-sig").splitlines() if line.strip()]
    except OSError as error:
        raise TextError(f"{path}: {error.strerror or error}; give a file with a word a line") from error
    except UnicodeDecodeError as error:
        raise TextError(f"{path}: not UTF-8 at byte {error.start}; convert it to UTF-8") from error


def is_word(text: str) -> bool:
    """Whether a text is letters with apostrophes between them."""
    return text.replace("'", "").replace("\u2019", "").isalpha() and text[0].isalpha() and text[-1].isalpha()


def distances(codes: NDArray[np.uint32], lengths: NDArray[np.int64], word: str) -> NDArray[np.int64]:
    """Edits (insert, delete, substitute, exchange neighbours) from a word to each of others,
    ``[N]``.

    Args:
        codes: characters, ``[N, L]``.
        lengths: of the others, ``[N]``.
    """
    longest = int(lengths.max(initial=0))
    columns = [codes[:, place] for place in range(longest)]
    start = np.arange(longest + 1)[:, None].repeat(len(codes), axis=1).astype(np.int8)
    before, last = start, start
    for row, char in enumerate(map(ord, word), start=1):
        this = np.empty_like(start)
        this[0] = row
        for column in range(1, longest + 1):
            cost = last[column - 1] + (columns[column - 1] != char)
            cost = np.minimum(cost, np.minimum(last[column], this[column - 1]) + 1)
            if row > 1 and column > 1:
                swapped = (columns[column - 2] == char) & (columns[column - 1] == ord(word[row - 2]))
                cost = np.where(swapped, np.minimum(cost, before[column - 2] + 1), cost)
            this[column] = cost
        before, last = last, this
    return last[lengths, np.arange(len(codes))].astype(np.int64)


def _letters(word: str) -> int:
    """A set of bits: one edit changes at most two of them."""
    bits = 0
    for char in set(word):
        at = 2 * (ord(char) - 97) if "a" <= char <= "z" else 52 + ord(char) % 12
        if not "a" <= char <= "z":
            bits |= 1 << at
            continue
        bits |= (3 if word.count(char) > 1 else 1) << at
    return bits
