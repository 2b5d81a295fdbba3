"""The mistakes of a tagger that it was most confident in, each with the words around it."""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

from elman.metrics.span_schemes import Span, spans
from elman.metrics.tags import TagSequences

MISTAKES = 20
NOTHING = "no span"
_AROUND = 8
"""Words on each side."""
_LONGEST = 300

Probabilities = Sequence[Sequence[float]]
"""The probability of each predicted tag."""


class _Region(NamedTuple):
    start: int
    end: int
    true: str
    predicted: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class TagMistake:
    """A wrong tag, or a wrong or missed span."""

    sentence: int
    """From 0."""
    start: int
    """The first word."""
    end: int
    """The word after the last one."""
    text: str
    """The words in brackets, with up to eight words on each side."""
    true: str
    """A tag; of spans, the types and words of all true ones that overlap, or ``no span``."""
    predicted: str
    """A tag, or the type of the span, or ``no span``."""
    probability: float | None
    """Of the predicted tags."""


def find_mistakes(
    words: TagSequences,
    truth: TagSequences,
    predicted: TagSequences,
    *,
    scheme: str | None = None,
    probabilities: Probabilities | None = None,
    most: int = MISTAKES,
) -> tuple[TagMistake, ...]:
    """Wrong tags, or wrong and missed spans; the most confident first.

    A span is as sure as the least sure of its words. Without probabilities mistakes are in the
    order of the text.

    Args:
        scheme: of the spans, if tags are spans.
        probabilities: of each predicted tag.
        most: how many are kept.

    >>> find_mistakes([["We", "bank"]], [["PRON", "VERB"]], [["PRON", "NOUN"]])[0].text
    'We [bank]'
    """
    found: list[TagMistake] = []
    for index, (line, true, guessed) in enumerate(zip(words, truth, predicted, strict=True)):
        if list(true) == list(guessed):
            continue
        for region in _wrong_tags(true, guessed) if scheme is None else _wrong_spans(line, true, guessed, scheme):
            within = slice(region.start, region.end)
            sure = None if probabilities is None else min(map(float, probabilities[index][within]))
            text = _around(line, region.start, region.end)
            found.append(TagMistake(sentence=index, text=text, probability=sure, **region._asdict()))
    return tuple(sorted(found, key=lambda mistake: -(mistake.probability or 0))[:most])


def _wrong_tags(truth: Sequence[str], predicted: Sequence[str]) -> list[_Region]:
    pairs = enumerate(zip(truth, predicted, strict=True))
    return [_Region(index, index + 1, *pair) for index, pair in pairs if pair[0] != pair[1]]


def _wrong_spans(words: Sequence[str], truth: Sequence[str], predicted: Sequence[str], scheme: str) -> list[_Region]:
    """Every wrong predicted span, and every true span that no predicted one overlaps."""
    true, guessed = spans(truth, scheme), spans(predicted, scheme)
    regions = []
    for span in guessed:
        if span not in true:
            beside = [f"{each.type}: {' '.join(words[each.start : each.end])}" for each in true if _overlap(span, each)]
            regions.append(_Region(span.start, span.end, _cut("; ".join(beside)) or NOTHING, span.type))
    missed = (span for span in true if not any(_overlap(span, each) for each in guessed))
    return regions + [_Region(span.start, span.end, span.type, NOTHING) for span in missed]


def _overlap(one: Span, other: Span) -> bool:
    return one.start < other.end and other.start < one.end


def _around(words: Sequence[str], start: int, end: int) -> str:
    """Words in brackets, within those next to them.

    >>> _around(["on", "the", "bank"], 1, 2)
    'on [the] bank'
    """
    first, last = max(0, start - _AROUND), end + _AROUND
    parts = [*words[first:start], f"[{_cut(' '.join(words[start:end]))}]", *words[end:last]]
    return _cut("… " * (first > 0) + " ".join(parts) + " …" * (last < len(words)))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
