"""Figures of spans, such as names: precision, recall and F1 of exact matches.

A predicted span is correct if the truth has one with the same type, first and last word. Sequences
that break the rules of their scheme are counted twice: as conlleval reads them, and as seqeval's
strict mode does; ``span_schemes`` says how. All figures equal those tools' to the last digit.

S is the number of sentences and K that of types.
"""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from elman.metrics.labels import LabelTally
from elman.metrics.span_schemes import OUTSIDE, Span, spans
from elman.metrics.tags import SentenceFigure, TagSequences

READINGS = ("conlleval", "strict")
"""Of invalid sequences: that of conlleval, and that of seqeval's strict mode."""
AVERAGES = ("micro", "macro", "weighted")


class SpanTally(LabelTally):
    """Counts of spans by type: ``support`` true ones, ``predicted`` ones, and ``hits``, which are
    both.

    ``examples`` are sentences, and ``exact`` those whose spans are all correct.

    >>> tally = SpanTally.count_spans([(Span("person", 0, 2),)], [(Span("person", 0, 2), Span("place", 3, 4))])
    >>> tally.average("micro")
    (array([0.5]), array([1.]), array([0.66666667]))
    """

    @classmethod
    def count_spans(
        cls,
        truth: Sequence[Sequence[Span]],
        predicted: Sequence[Sequence[Span]],
        *,
        types: Sequence[str] | None = None,
    ) -> Self:
        """Count the spans of each sentence, ``[S, K]``.

        Args:
            truth: spans of S sentences.
            predicted: of the same sentences.
            types: the K types, if not those of all spans, sorted.
        """
        if types is None:
            types = types_of(truth, predicted)
        column = {name: place for place, name in enumerate(types)}
        hits, support, guessed = (np.zeros((len(truth), len(types)), np.int64) for _ in range(3))
        for row, (true, found) in enumerate(zip(truth, predicted, strict=True)):
            for table, members in ((support, set(true)), (guessed, set(found)), (hits, set(true) & set(found))):
                for span in members:
                    table[row, column[span.type]] += 1
        exact = (hits == support).all(axis=1) & (hits == guessed).all(axis=1)
        examples = np.ones(len(truth), np.int64)
        return cls(hits, support, guessed, exact=exact.astype(np.int64), examples=examples, multilabel=False)

    @property
    def f1(self) -> NDArray[np.float64]:
        """The harmonic mean of precision and recall of each type ``[.., K]``."""
        return _harmonic(self.precision, self.recall)

    @property
    def micro_f1(self) -> NDArray[np.float64]:
        """F1 of the spans of all types ``[..]``."""
        return self.average("micro")[2]

    def average(self, kind: str) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Precision, recall and F1 over all types, each ``[..]``.

        Args:
            kind: ``micro`` counts all spans together; ``macro`` is the mean over the types that are
                true or predicted anywhere; ``weighted`` weights them by their true spans.
        """
        assert kind in AVERAGES, kind
        if kind == "micro":
            hits, support, predicted = (part.sum(axis=-1) for part in (self.hits, self.support, self.predicted))
            precision, recall = hits / np.maximum(predicted, 1), hits / np.maximum(support, 1)
            return precision, recall, _harmonic(precision, recall)
        weights = self.support if kind == "weighted" else (self.support + self.predicted > 0).astype(np.int64)
        columns = (self.precision, self.recall, self.f1)
        if weights.ndim == 1:  # Zeros in between would round the sum differently from seqeval.
            counted = self.support + self.predicted > 0
            weights, columns = weights[counted], tuple(column[counted] for column in columns)
        total = np.maximum(weights.sum(axis=-1), 1)
        precision, recall, f1 = ((column * weights).sum(axis=-1) / total for column in columns)
        return precision, recall, f1


@dataclasses.dataclass(frozen=True, eq=False)
class SpanCounts:
    """The counts of each sentence that the figures of spans follow from.

    >>> counts = SpanCounts.count([["Ada", "ran"]], [["B-person", "O"]], [["I-person", "O"]], scheme="BIO")
    >>> {name: float(figure(np.array([1]))) for name, figure in counts.figures().items() if "_f1" not in name}
    {'precision': 1.0, 'recall': 1.0, 'f1': 1.0, 'strict_precision': 0.0, 'strict_recall': 0.0}
    """

    types: tuple[str, ...]
    conlleval: SpanTally
    """Invalid sequences read as conlleval reads them ``[S, K]``."""
    strict: SpanTally
    """Read as seqeval's strict mode reads them ``[S, K]``."""
    surfaces: "SurfaceCounts"

    @classmethod
    def count(cls, words: TagSequences, truth: TagSequences, predicted: TagSequences, *, scheme: str) -> Self:
        """Count the spans of each sentence.

        Args:
            words: of S sentences.
            truth: a tag of the scheme for each word.
            predicted: a tag of the scheme for each word.
            scheme: one of ``span_schemes.SCHEMES``.
        """
        true, found = (_spans(part, scheme, strict=False) for part in (truth, predicted))
        strictly = [_spans(part, scheme, strict=True) for part in (truth, predicted)]
        types = types_of(true, found, *strictly)
        return cls(
            types=tuple(types),
            conlleval=SpanTally.count_spans(true, found, types=types),
            strict=SpanTally.count_spans(*strictly, types=types),
            surfaces=SurfaceCounts.count(words, true, found),
        )

    def total(self, reading: str = "conlleval") -> SpanTally:
        """The counts of all sentences ``[K]``.

        Args:
            reading: one of ``READINGS``.
        """
        assert reading in READINGS, reading
        tally: SpanTally = getattr(self, reading)
        return tally.summed(np.ones(len(tally.examples), np.int64))

    def figures(self) -> dict[str, SentenceFigure]:
        """Functions of sentences' weights, by the lasting JSON names of their values.

        ``precision``, ``recall``, ``f1``, ``macro_f1``, ``weighted_f1`` are conlleval's; with
        ``strict_`` before them they are those of seqeval's strict mode. ``surface_f1`` counts each
        written form once.
        """
        named: dict[str, SentenceFigure] = {}
        for reading, start in (("conlleval", ""), ("strict", "strict_")):
            tally = getattr(self, reading)
            for place, name in enumerate(("precision", "recall", "f1")):
                named[start + name] = _averaged(tally, "micro", place)
            for average in AVERAGES[1:]:
                named[f"{start}{average}_f1"] = _averaged(tally, average, 2)
        return {**named, "surface_f1": self.surfaces.f1}


@dataclasses.dataclass(frozen=True, eq=False)
class SurfaceCounts:
    """Which written forms occur in which sentence, for the second measure of WNUT-17.

    Forms of one type are counted once, however often they occur: those of the truth, those
    predicted, and those of correct spans (Derczynski et al. 2017).
    """

    parts: tuple[tuple[NDArray[np.int64], NDArray[np.int64]], ...]
    """Correct, true, predicted: of each occurrence its sentence, sorted by form, and where each
    form begins."""

    @classmethod
    def count(cls, words: TagSequences, truth: Sequence[Sequence[Span]], predicted: Sequence[Sequence[Span]]) -> Self:
        """Collect the forms of spans.

        Args:
            words: of S sentences.
            truth: their spans.
            predicted: their spans.
        """
        correct = [set(true) & set(found) for true, found in zip(truth, predicted, strict=True)]
        parts = []
        for part in (correct, truth, predicted):
            forms: dict[tuple[str, ...], set[int]] = {}
            for row, members in enumerate(part):
                for span in members:
                    form = (span.type, *words[row][span.start : span.end])
                    forms.setdefault(form, set()).add(row)
            rows = [row for form in forms.values() for row in sorted(form)]
            starts = np.cumsum([0, *(len(form) for form in forms.values())][:-1] if forms else [])
            parts.append((np.array(rows, np.int64), starts.astype(np.int64)))
        return cls(tuple(parts))

    def f1(self, weights: NDArray[Any]) -> NDArray[np.float64]:
        """F1 of the forms in sentences whose weight is not 0.

        Args:
            weights: ``[.., S]``.
        """
        present = weights > 0
        hits, support, predicted = (
            np.logical_or.reduceat(present[..., rows], starts, axis=-1).sum(axis=-1)
            if len(starts)
            else np.zeros(weights.shape[:-1], np.int64)
            for rows, starts in self.parts
        )
        return _harmonic(hits / np.maximum(predicted, 1), hits / np.maximum(support, 1))


def types_of(*parts: Iterable[Sequence[Span]]) -> list[str]:
    """The types of all spans, sorted."""
    return sorted({span.type for part in parts for members in part for span in members})


def _spans(sequences: TagSequences, scheme: str, *, strict: bool) -> list[tuple[Span, ...]]:
    return [spans(tags, scheme, strict=strict) if set(tags) != {OUTSIDE} else () for tags in sequences]


def _averaged(tally: SpanTally, kind: str, place: int) -> SentenceFigure:
    return lambda weights: tally.summed(weights).average(kind)[place]


def _harmonic(precision: NDArray[np.float64], recall: NDArray[np.float64]) -> NDArray[np.float64]:
    # In seqeval's order, for the last digit.
    below = precision + recall
    return 2.0 * precision * recall / np.where(below == 0, 1, below)
