"""What kind of answer a question wants, and the parts of a sentence that are of this kind. English
only."""

import re
from collections.abc import Collection, Iterator
from typing import NamedTuple

from elman.apps.ranking.analysis import STOP_WORDS
from elman.data.word_text import word_spans

NUMBER, TIME, NAME, PLACE, REASON, PHRASE = "number", "time", "name", "place", "reason", "phrase"

_KINDS = [
    (NUMBER, r"how (?:many|much|long|far|old|tall|high|deep|wide|big|large|fast|heavy|often)\b"),
    (TIME, r"when\b|(?:what|which) (?:year|date|day|time|month|century|decade)\b"),
    (PLACE, r"where\b|(?:what|which) (?:city|country|town|place|state|village|continent|street|county)\b"),
    (NAME, r"who(?:m|se)?\b|(?:what|which) (?:person|man|woman|king|queen|author|company|team)\b|what is the name\b"),
    (REASON, r"why\b"),
    (PHRASE, r"what\b|which\b"),
]  # fmt: skip
_QUESTION = re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in _KINDS), re.IGNORECASE)

_MONTH = (
    "(?:January|February|March|April|May|June|July|August|September|October|November|December|Jan|Feb|Mar|Apr|Jun|Jul|"
    r"Aug|Sept?|Oct|Nov|Dec)\.?"
)
_COUNT = (
    "(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|"
    "eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|million|billion|dozen)"
)
_CAPITAL = r"[^\W\d_a-zß-öø-ÿ][\w'’-]*"
_SPANS = {
    NUMBER: (
        rf"(?:[$£€]?\d(?:[\d,.]*\d)?(?:\s?%|\s{_COUNT}\b)*|\b(?!one of){_COUNT}(?:[\s-]{_COUNT})*\b)"
        r"(?:\s(?:[kcm]?m|k?g|miles?|met(?:er|re)s?|kilomet(?:er|re)s?|feet|foot|inches|yards?|tons?|pounds|years?|months?|"
        r"weeks?|days?|hours?|minutes?|seconds?|percent|degrees)\b)?"
    ),
    TIME: (
        rf"\d{{1,2}}(?:st|nd|rd|th)? (?:of )?{_MONTH}(?:,? \d{{4}})?|"
        rf"{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?\b(?:,? \d{{4}})?|"
        rf"{_MONTH}(?: \d{{4}})?\b|\b\d{{3,4}}s?\b(?: BC| AD)?|the \w+ century|\b\d{{1,2}}(?:[:.]\d\d)? ?[ap]\.?m\.?|"
        r"(?:on )?(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|"
        r"\b(?:noon|midnight|dawn|dusk|yesterday|tomorrow|tonight)\b|"
        r"(?:in the|every|next|last|this|that|after|before) (?:morning|afternoon|evening|night|spring|summer|autumn|"
        r"winter|lunch|dinner|breakfast|week|month|year)"
    ),
    NAME: rf"{_CAPITAL}(?:(?:\.?\s|-)(?:(?:of|the|de|von|van|la|du|da)\s){{0,2}}{_CAPITAL})*",
    REASON: r"(?<=because of )[^.;!?]+|(?<=because )(?!of )[^.;!?]+|(?<=due to )[^.;!?]+|(?<=in order )to [^.;!?]+|"
    r"(?<=so that )[^.;!?]+",
}  # fmt: skip
_SPANS[PLACE] = (
    rf"{_SPANS[NAME]}|(?<=\bin )the [a-z]+|(?<=\bat )the [a-z]+|(?<=\bon )the [a-z]+|(?<=\bunder )the [a-z]+"
)
_PATTERNS = {kind: re.compile(pattern) for kind, pattern in _SPANS.items()}
_DETERMINERS = frozenset(
    (
        "a",
        "an",
        "the",
        "his",
        "her",
        "its",
        "their",
        "my",
        "your",
        "our",
        "this",
        "that",
        "these",
        "those",
        "some",
        "no",
    )
)
_PREPOSITIONS = frozenset(
    ("across", "along", "among", "around", "behind", "beside", "beyond", "near", "since", "towards")
)
_FUNCTION = (STOP_WORDS["english"] | _PREPOSITIONS) - _DETERMINERS


class Question(NamedTuple):
    """A question taken apart."""

    text: str
    kind: str | None
    """What it asks for; None where no question word says it."""
    asked: tuple[int, int]
    """The characters of the question words."""
    subject: bool
    """Whether what is asked for is likely to stand before the other words: who wrote it, not what
    did she write."""

    @classmethod
    def of(cls, text: str) -> "Question":
        """Take a question apart.

        >>> question = Question.of("How many legs has a spider?")
        >>> question.kind, question.text[slice(*question.asked)]
        ('number', 'How many')
        """
        match = _QUESTION.search(text)
        if match is None:
            return cls(text, None, (0, 0), False)
        rest = text[match.end() :].lower().split()
        helped = bool(set(rest[:2]) & {"do", "does", "did", "is", "are", "was", "were", "can", "could", "will", "has"})
        return cls(text, match.lastgroup, match.span(), not helped)

    def statement(self, answer: str) -> str:
        """The question with an answer in place of its question words.

        >>> Question.of("Who wrote Emma?").statement("Jane Austen")
        'Jane Austen wrote Emma'
        """
        start, end = self.asked
        return f"{self.text[:start]}{answer}{self.text[end:]}".rstrip(" ?")


def candidates(sentence: str, kind: str, asked: Collection[tuple[int, int]] = ()) -> Iterator[tuple[int, int, float]]:
    """The parts of a sentence that may be such an answer: their characters, and how well they fit,
    up to 1.

    Args:
        asked: the places of words that are in the question; no phrase goes over them.

    >>> sentence = "In 1815 Jane Austen wrote three novels."
    >>> [sentence[start:end] for start, end, _ in candidates(sentence, "name")][:1]
    ['Jane Austen']
    >>> [sentence[start:end] for start, end, _ in candidates(sentence, "number")]
    ['1815', 'three']
    """
    if kind in _PATTERNS:
        for match in _PATTERNS[kind].finditer(sentence):
            start, end = match.span()
            # The first word of a sentence has a capital in any case.
            part = sentence[start:end]
            if kind in (NAME, PLACE) and (part.lower() in STOP_WORDS["english"] or _PATTERNS[TIME].fullmatch(part)):
                continue
            # So a single word there is a doubtful name, and so is a place without a name.
            doubtful = kind in (NAME, PLACE) and (
                part[0].islower() or (not sentence[:start].strip(" \"'“‘(") and " " not in part)
            )
            yield start, end - (sentence[end - 1] in ",."), 0.5 if doubtful else 1.0
    if kind in (PHRASE, NAME, PLACE):
        for start, end, determined in _phrases(sentence, {start for start, _ in asked}):
            if determined or kind == PHRASE:
                yield start, end, (1.0 if determined else 0.6) if kind == PHRASE else 0.0


def _phrases(sentence: str, asked: Collection[int]) -> Iterator[tuple[int, int, bool]]:
    """Runs of words without function words, and whether an article or the like begins them."""
    start, end, words, determined = None, 0, 0, False
    for word, begin, last in [*word_spans(sentence), ("", len(sentence), len(sentence))]:
        function = word in _FUNCTION or word in _DETERMINERS or begin in asked or not word
        touching = start is not None and sentence[end:begin].strip() == ""
        if start is not None and (function or not touching):
            if words:
                yield start, end, determined
            start, words, determined = None, 0, False
        if word in _DETERMINERS:
            start, end, determined = begin, last, True
        elif not function:
            start = begin if start is None else start
            end, words = last, words + 1
