"""What may have been meant instead of each word of a line, and how likely it would have been typed
so."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from elman.apps.spelling.confusions import confused_article
from elman.apps.spelling.error_model import ErrorModel
from elman.apps.spelling.lexicon import LONGEST, Lexicon
from elman.apps.spelling.possessives import split_possessive
from elman.apps.spelling.text_words import TextWord
from elman.text.casing import fold, recase
from elman.text.letter_case import lower

SPELLING, CONFUSION, CASE, SPLIT, JOIN = "spelling", "real word", "case", "split", "join"
_LOOKED_AT = 60
_MOST_KEPT = 1 << 15
_RARE = -14.0
"""Known words that are rarer (log-probability) may be misspelled ones."""
_CASE_COST, _SPLIT_COST, _JOIN_COST, _RARE_COST = 3.0, 6.0, 6.0, 4.0
_PRIOR = 0.7
"""The weight of a word's probability without context, where candidates are chosen for the context
to judge."""
_ALONE = frozenset("aiAI")


class Proposal(NamedTuple):
    """A part of a line, and what may have been meant there."""

    start: int
    end: int
    text: str
    nats: float
    """The cost of typing it so."""
    kind: str
    first: int
    """The number of the first word of the line that it replaces."""
    last: int
    """The number of the last one."""


class Candidate(NamedTuple):
    """A word that may have been meant, in small letters."""

    word: str
    nats: float
    """The cost of typing it so."""
    log_prob: float
    """Of the word without context (nats)."""


class Proposer:
    """Proposes what may have been meant.

    >>> words = Lexicon({"the": 0.5, "then": 0.2, "cat": 0.1, "a": 0.1})
    >>> proposer = Proposer(words, ErrorModel(), {})
    >>> [each.word for each in proposer.ranked("teh", 2)]
    ['the', 'then']
    """

    def __init__(
        self,
        lexicon: Lexicon,
        errors: ErrorModel,
        confused: Mapping[str, Mapping[str, float]],
        *,
        most: int = 8,
        names: bool = False,
    ) -> None:
        self.lexicon, self.errors, self.confused = lexicon, errors, confused
        self._most, self._names = most, names
        self._candidates: dict[str, list[Candidate]] = {}

    def ranked(self, word: str, count: int, *, prior: float = _PRIOR) -> list[Candidate]:
        """The likeliest words without context, the best first; the word itself is none of them.

        Args:
            prior: the weight of a word's probability.
        """
        found = sorted(self._scored(lower(word)), key=lambda each: each.nats - prior * each.log_prob)
        return found[:count]

    def known(self, word: str) -> bool:
        """Whether a word is known as it is written here, or what it is the possessive of: capitals
        at the beginning or throughout are no matter."""
        forms = self.lexicon.forms_of(word)
        if not forms:
            base, ending = self._possessive(word)
            return ending != "" and self.known(base)
        return not word.islower() or any(form.replace("\u2019", "'") == fold(word) for form in forms)

    def proposals(self, line: str, words: Sequence[TextWord], names: Collection[str] = ()) -> list[Proposal]:
        """All proposals for a line, in the order of its words.

        Args:
            words: of the line, by ``text_words``.
            names: folds of unknown words that are names here.
        """
        found: list[Proposal] = []
        for number, word in enumerate(words):
            if word.protected or len(word.text) > LONGEST:
                continue
            known = self.known(word.text)
            following = words[number + 1] if number + 1 < len(words) else None
            apart = following is not None and line[word.end : following.start] == " "
            if self.confused and apart and following is not None:
                for meant, nats in confused_article(word.text.lower(), following.text).items():
                    text = recase(meant, word.text)
                    found.append(Proposal(word.start, word.end, text, nats, CONFUSION, number, number))
            for text, nats, kind in self._replacements(word, known, names):
                found.append(Proposal(word.start, word.end, text, nats, kind, number, number))
            if apart and following is not None:
                joined = self._joined(word, following, known)
                if joined is not None:
                    found.append(Proposal(word.start, following.end, joined, _JOIN_COST, JOIN, number, number + 1))
        return found

    def is_name(self, word: TextWord) -> bool:
        """Whether an unknown word looks like a name, wherever the sentence begins: a capital inside
        of it."""
        return word.text[:1].isupper() and not word.begins and not self.lexicon.forms_of(word.text)

    def _possessive(self, word: str) -> tuple[str, str]:
        return split_possessive(word) if self.lexicon.possessives else (word, "")

    def _replacements(self, word: TextWord, known: bool, names: Collection[str]) -> list[tuple[str, float, str]]:
        typed = word.text
        folded = fold(typed)
        found = [
            (recase(meant, typed), nats, CONFUSION)
            for meant, nats in self.confused.get(folded, {}).items()
            if " " in meant or meant in self.lexicon.places
        ]
        forms = self.lexicon.forms_of(typed)
        if typed == "i" and "I" in forms:
            return [("I", _CASE_COST, CASE)]
        base, ending = ("", "") if forms else self._possessive(typed)
        if ending:
            if known:
                return found
            bases = self._replacements(word._replace(text=base), False, names)
            return found + [(text + ending, nats, kind) for text, nats, kind in bases if kind != CONFUSION]
        if known:
            if self.lexicon.log_prob(typed) > _RARE or not (typed.islower() or (word.begins and typed[1:].islower())):
                return found
            scored = [each for each in self.ranked(typed, self._most) if each.log_prob > _RARE + 2]
            return found + [(self._written(each.word, typed), each.nats + _RARE_COST, SPELLING) for each in scored]
        if forms:
            found.append((forms[0], _CASE_COST, CASE))
        if self._left_alone(word, folded, names):
            return found
        found += [(self._written(each.word, typed), each.nats, SPELLING) for each in self.ranked(typed, self._most)]
        return found + [(text, _SPLIT_COST, SPLIT) for text in self._splits(typed)]

    def _left_alone(self, word: TextWord, folded: str, names: Collection[str]) -> bool:
        """Whether an unknown word is a name, an acronym, written with capitals inside, or with
        letters that no known word has."""
        if any(char.isupper() for char in word.text[1:]) or not self.lexicon.letters.issuperset(folded):
            return True
        return not self._names and word.text[:1].isupper() and (not word.begins or folded in names)

    def _written(self, word: str, typed: str) -> str:
        return recase(self.lexicon.forms_of(word)[0], typed)

    def _scored(self, word: str) -> list[Candidate]:
        kept = self._candidates.get(word)
        if kept is None:
            kept = self._search(fold(word))
            if len(self._candidates) >= _MOST_KEPT:
                self._candidates.clear()
            self._candidates[word] = kept
        return kept

    def _search(self, word: str) -> list[Candidate]:
        lexicon = self.lexicon
        near = dict(lexicon.similar(word, 1 if len(word) < 3 else 2 if len(word) < 8 else 3))
        for place in lexicon.sounding_like(word):
            near.setdefault(place, 3)
        # Most are far off: the likeliest by rule of thumb are looked at closely.
        some = sorted(near, key=lambda place: 3.5 * near[place] - _PRIOR * lexicon.log_probs[place])[:_LOOKED_AT]
        return [
            Candidate(meant, self.errors.nats(meant, word), float(lexicon.log_probs[place]))
            for place, meant in ((place, lexicon.words[place]) for place in some)
            if meant != word
        ]

    def _splits(self, typed: str) -> list[str]:
        """The likeliest two known words that are written together."""
        found = []
        for place in range(1, len(typed)):
            one, other = typed[:place], typed[place:]
            if all(len(part) > 1 or part in _ALONE for part in (one, other)) and self.known(one) and self.known(other):
                found.append((self.lexicon.log_prob(one) + self.lexicon.log_prob(other), f"{one} {other}"))
        return [text for log_prob, text in sorted(found, reverse=True)[:2] if log_prob > 2 * _RARE + 4]

    def _joined(self, word: TextWord, following: TextWord, known: bool) -> str | None:
        """Two words as one, where the whole is known."""
        if following.protected or following.text[:1].isupper():
            return None
        text = word.text + following.text
        if len(text) > LONGEST or fold(text) not in self.lexicon.places or not self.known(text):
            return None
        likely = self.lexicon.log_prob(text) > _RARE
        return text if likely and not (known and self.known(following.text) and len(text) < 5) else None
