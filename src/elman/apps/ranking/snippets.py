"""The part of a document that shows best why it was found."""

import math
from bisect import bisect_left
from collections.abc import Mapping
from typing import NamedTuple

from elman.apps.ranking.analysis import Analyzer
from elman.text.normalise import normalise_line, split_lines

WORDS = 30
"""Words of a snippet."""


class Snippet(NamedTuple):
    """A part of a text."""

    text: str
    marks: list[tuple[int, int]]
    """Of each matched word, its first character in ``text`` and the one after its last."""
    cut: tuple[bool, bool]
    """Whether something was left out before it, and after it."""

    def marked(self, begin: str = "**", end: str = "**") -> str:
        """The text with its matched words between two marks.

        >>> Snippet("the wing", [(4, 8)], (True, False)).marked("[", "]")
        '… the [wing]'
        """
        parts, at = [], 0
        for first, last in self.marks:
            parts += [self.text[at:first], begin, self.text[first:last], end]
            at = last
        before, after = ("… " if self.cut[0] else ""), (" …" if self.cut[1] else "")
        return before + "".join([*parts, self.text[at:]]) + after


def snippet(text: str, weights: Mapping[str, float], analyzer: Analyzer, *, words: int = WORDS) -> Snippet:
    """The part of a text with the matched terms that weigh most; a term counts once, of equal parts
    the first.

    Args:
        weights: of terms, such as their idf.
        words: how many words it has at most.
    """
    line = " ".join(filter(None, (normalise_line(each).strip() for each in split_lines(text))))
    spans = analyzer.spans(line)
    if not spans:
        return Snippet(line[: 8 * words], [], (False, len(line) > 8 * words))
    # Characters of scripts without spaces are there alone and in pairs.
    words = words * len(spans) // len({span.start for span in spans})
    matched = [place for place, span in enumerate(spans) if span.term in weights]
    first, best = 0, -math.inf
    for place in matched:
        # A part begins a little before a matched word.
        begin = max(0, min(place - words // 6, len(spans) - words))
        inside = matched[bisect_left(matched, begin) : bisect_left(matched, begin + words)]
        value = math.fsum(weights[term] for term in {spans[m].term for m in inside})
        if value > best:
            first, best = begin, value
    last = min(first + words, len(spans)) - 1
    start = spans[first].start if first else 0
    end = spans[last].end if last < len(spans) - 1 else len(line)
    marks: list[tuple[int, int]] = []
    for span in (spans[m] for m in matched if first <= m <= last):
        begin = marks.pop()[0] if marks and span.start - start < marks[-1][1] else span.start - start
        marks.append((begin, span.end - start))
    return Snippet(line[start:end], marks, (start > 0, end < len(line)))
