"""Spans of characters as spans of words, and back."""

import bisect
import dataclasses
from collections.abc import Sequence
from typing import Literal, NamedTuple

from elman.data.tag_formats.surface import nfc
from elman.data.tagged_sentence import TaggedSentence
from elman.errors import TextError
from elman.metrics.span_schemes import Span, spans, tags_of
from elman.progress import Progress
from elman.text.readers.record import listed

SCHEME = "BIO"
"""The scheme of the tags that spans of characters become."""

_LONGEST_SHOWN = 60


class CharSpan(NamedTuple):
    """Characters from ``start`` to before ``end`` of a text, with a label."""

    start: int
    end: int
    label: str
    position: str = ""
    """File and line where it is written, if not with its sentence."""


@dataclasses.dataclass
class SpanReport:
    """Counts of spans that were changed, which grow while files are read."""

    left_out: int = 0
    """Spans that overlap a longer one."""
    joined: int = 0
    """Spans in several parts, taken from the first word to the last."""
    split: int = 0
    """Words that were split."""
    refused: int = 0
    """Records that an annotator refused, which are left out."""
    first: str = ""
    """The first of all of them."""

    def add(self, kind: str, where: str) -> None:
        """Count one more ``left_out``, ``joined`` or ``split``."""
        setattr(self, kind, getattr(self, kind) + 1)
        self.first = self.first or where

    def tell(self, progress: Progress) -> None:
        """Say what was changed, if anything was.

        >>> import sys
        >>> from elman.progress import ScreenProgress
        >>> SpanReport(left_out=2, split=1, first="a, line 3: span 0-2 'Ed' (name)").tell(ScreenProgress(sys.stdout))
        note: left out 2 spans that overlapped longer ones, split 1 word (first: a, line 3: span 0-2 'Ed' (name))
        """
        parts = [
            f"{what} {count:,} {name}{'s' * (count > 1)}{rest}"
            for count, what, name, rest in (
                (self.left_out, "left out", "span", " that overlapped longer ones"),
                (self.joined, "joined the parts of", "span", ""),
                (self.split, "split", "word", ""),
                (self.refused, "left out", "record", " that an annotator refused"),
            )
            if count
        ]
        if parts:
            progress.say(f"note: {', '.join(parts)} (first: {self.first})")


def char_spans(sentence: TaggedSentence, tags: Sequence[str], scheme: str) -> tuple[CharSpan, ...]:
    """Where the spans of tags stand in the text of a sentence.

    >>> sentence = TaggedSentence(words=("New", "York", "!"), text="New York!", offsets=((0, 3), (4, 8), (8, 9)))
    >>> char_spans(sentence, ["B-place", "I-place", "O"], "BIO")
    (CharSpan(start=0, end=8, label='place', position=''),)
    """
    offsets = sentence.offsets
    return tuple(CharSpan(offsets[span.start][0], offsets[span.end - 1][1], span.type) for span in spans(tags, scheme))


def with_text(sentence: TaggedSentence) -> TaggedSentence:
    """A sentence that has a text: its own, or its words with spaces between them."""
    if sentence.offsets or not sentence.words:
        return sentence
    offsets, end = [], -1
    for word in sentence.words:
        start, end = end + 1, end + 1 + len(word)
        offsets.append((start, end))
    return dataclasses.replace(sentence, text=" ".join(sentence.words), offsets=tuple(offsets))


def words_at(sentence: TaggedSentence, offsets: Sequence[tuple[int, int]]) -> TaggedSentence:
    """A sentence whose words stand at given places of its text, without the blanks there.

    Raises:
        TextError: they are not in the text, or not in order.
    """
    kept: list[tuple[int, int]] = []
    end_before = 0
    for start, end in offsets:
        if not end_before <= start < end <= len(sentence.text):
            raise TextError(
                f"{sentence.position}: a token is at {start}-{end}, after one that ends at {end_before}, in a text of "
                f"{len(sentence.text):,} characters; tokens must be in order, and offsets count characters"
            )
        end_before = end
        inside = sentence.text[start:end]
        if word := inside.strip():
            start += len(inside) - len(inside.lstrip())
            kept.append((start, start + len(word)))
    words = tuple(nfc(sentence.text[start:end]) for start, end in kept)
    return dataclasses.replace(sentence, words=words, offsets=tuple(kept), tags=())


def tag_spans(
    sentence: TaggedSentence,
    wanted: Sequence[CharSpan],
    *,
    misaligned: Literal["error", "split"] = "error",
    nested: Literal["error", "longest"] = "error",
    report: SpanReport | None = None,
) -> TaggedSentence:
    """A sentence with the tags, in BIO, that spans of its characters become.

    Blanks at the ends of a span do not count.

    Args:
        misaligned: what to do with a span that begins or ends within a word; ``split`` makes two
            words of it.
        nested: what to do with spans that overlap; ``longest`` takes the longer one, the first of
            equals.
        report: counts what was left out or split.

    >>> sentence = TaggedSentence(words=("in", "NewYork"), text="in NewYork", offsets=((0, 2), (3, 10)), position="a")
    >>> tag_spans(sentence, [CharSpan(3, 10, "place")]).tags
    ('O', 'B-place')
    >>> tag_spans(sentence, [CharSpan(6, 10, "place")], misaligned="split").words
    ('in', 'New', 'York')
    >>> tag_spans(sentence, [CharSpan(6, 10, "place")])
    Traceback (most recent call last):
    ...
    elman.errors.TextError: a: span 6-10 'York' (place) begins or ends within a word, the words there are: NewYork;
    mend the span, or split words with --misaligned split

    Raises:
        TextError: a span is not in the text, is empty or has no label, is misaligned, or overlaps
            another.
    """
    checked = sorted(
        {_trimmed(sentence, span) for span in wanted}, key=lambda span: (span.start, -span.end, span.label)
    )
    report = SpanReport() if report is None else report
    kept = _apart(sentence, checked, nested, report)
    if misaligned == "split":
        sentence = _split(sentence, kept, report)
    starts = [start for start, _ in sentence.offsets]
    ends = [end for _, end in sentence.offsets]
    found = []
    for span in kept:
        first, last = bisect.bisect_right(ends, span.start), bisect.bisect_left(starts, span.end)
        if first == last or starts[first] != span.start or ends[last - 1] != span.end:
            words = listed(sentence.words[first:last])
            raise TextError(
                f"{_named(sentence, span)} begins or ends within a word, the words there are: {words}; mend the span, "
                "or split words with --misaligned split"
            )
        found.append(Span(span.label, first, last))
    return dataclasses.replace(sentence, tags=tags_of(found, len(sentence), SCHEME))


def _trimmed(sentence: TaggedSentence, span: CharSpan) -> CharSpan:
    text = sentence.text
    if not 0 <= span.start < span.end <= len(text):
        raise TextError(
            f"{span.position or sentence.position}: span {span.start}-{span.end} ({span.label}) is not in its text of "
            f"{len(text):,} characters; offsets count characters, from 0, and the end is not part of the span"
        )
    if not span.label:
        raise TextError(f"{_named(sentence, span)} has no label; give it one, or remove it")
    inside = text[span.start : span.end]
    if inside.isspace():
        raise TextError(f"{_named(sentence, span)} has only blanks in it; remove it")
    start = span.start + len(inside) - len(inside.lstrip())
    return span._replace(start=start, end=start + len(inside.strip()))


def _apart(sentence: TaggedSentence, ordered: Sequence[CharSpan], nested: str, report: SpanReport) -> list[CharSpan]:
    """Spans that do not overlap, in order."""
    if nested == "error":
        for before, after in zip(ordered, ordered[1:], strict=False):
            if after.start < before.end:
                raise TextError(
                    f"{_named(sentence, after)} overlaps {_quoted(sentence, before)}, and a word has one tag; "
                    "remove one of them, or keep the longest with --nested longest"
                )
        return list(ordered)
    kept: list[CharSpan] = []
    for span in sorted(ordered, key=lambda span: span.start - span.end):
        place = bisect.bisect_left(kept, span)
        neighbours = kept[max(place - 1, 0) : place + 1]
        if all(span.end <= other.start or other.end <= span.start for other in neighbours):
            kept.insert(place, span)
        else:
            report.add("left_out", _named(sentence, span))
    return kept


def _split(sentence: TaggedSentence, kept: Sequence[CharSpan], report: SpanReport) -> TaggedSentence:
    """The words cut where spans begin and end."""
    cuts = sorted({place for span in kept for place in (span.start, span.end)})
    words: list[str] = []
    offsets: list[tuple[int, int]] = []
    for word, (start, end) in zip(sentence.words, sentence.offsets, strict=True):
        inside = cuts[bisect.bisect_right(cuts, start) : bisect.bisect_left(cuts, end)]
        if not inside:
            words.append(word)
            offsets.append((start, end))
            continue
        report.add("split", f"{sentence.position}: {word!r}")
        for left, right in zip([start, *inside], [*inside, end], strict=True):
            words.append(nfc(sentence.text[left:right]))
            offsets.append((left, right))
    return dataclasses.replace(sentence, words=tuple(words), offsets=tuple(offsets), tags=())


def _named(sentence: TaggedSentence, span: CharSpan) -> str:
    return f"{span.position or sentence.position}: span {_quoted(sentence, span)}"


def _quoted(sentence: TaggedSentence, span: CharSpan) -> str:
    inside = sentence.text[span.start : span.end]
    shown = inside if len(inside) <= _LONGEST_SHOWN else inside[:_LONGEST_SHOWN] + "..."
    return f"{span.start}-{span.end} {shown!r} ({span.label})"
