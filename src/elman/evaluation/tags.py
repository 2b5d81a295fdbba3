"""Evaluates taggers: figures with intervals, those of the rivals, and a verdict.

A tagger is whatever gave a tag to each word: sentences are lists of words, with their true and
their predicted tags. Whole sentences are drawn for intervals and swapped for tests.
"""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.errors import UsageError
from elman.evaluation.learning_curve import CurvePoint
from elman.evaluation.results import Results
from elman.evaluation.scores import SystemScores, compared_scores, minus
from elman.evaluation.tag_mistakes import MISTAKES, Probabilities, TagMistake, find_mistakes
from elman.evaluation.verdict import verdict_of
from elman.metrics.calibration import Reliability
from elman.metrics.intervals import RESAMPLES, Interval, bootstrap_intervals
from elman.metrics.labels import LabelTally, confusion_matrix
from elman.metrics.randomisation import SHUFFLES, approximate_randomisation
from elman.metrics.signature import signature as signed
from elman.metrics.span_schemes import OUTSIDE, SCHEMES, invalid_at, type_of
from elman.metrics.spans import SpanCounts
from elman.metrics.tags import SentenceFigure, TagCounts, TagSequences
from elman.progress import counted
from elman.system.machine import version

FIGURES = {
    "accuracy": "accuracy",
    "unknown_accuracy": "accuracy on unknown words",
    "sentence_accuracy": "whole sentences",
    "macro_f1": "macro F1",
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "weighted_f1": "weighted F1",
    "strict_precision": "strict precision",
    "strict_recall": "strict recall",
    "strict_f1": "strict F1",
    "strict_macro_f1": "strict macro F1",
    "strict_weighted_f1": "strict weighted F1",
    "surface_f1": "surface F1",
}
"""By JSON name: the name of a figure in tables and sentences."""
MOST_CONFUSED = 1000
"""Labels of a confusion matrix, at most: it grows with their square."""
_FEW_SENTENCES = 30


@dataclasses.dataclass(frozen=True, kw_only=True)
class TagReport(Results):
    """The results of ``evaluate_tags``."""

    scheme: str | None
    """Of the spans; None if tags are not spans."""
    headline: str
    """The figure that the verdict is about: ``accuracy``, or ``f1`` of spans."""
    scores: SystemScores
    """Of the model."""
    rivals: tuple[SystemScores, ...]
    """The best first."""
    sentences: int
    words: int
    unknown: int | None
    """Words that training did not have; None if its words are not known."""
    labels: tuple[str, ...]
    """Tags; of spans, their types and ``O``."""
    confusion: NDArray[np.int64] | None
    """Of words ``[K, K]``, rows true, columns predicted; None if K is above 1,000."""
    per_label: list[dict[str, Any]]
    """Precision, recall, F1 and counts of each tag, or of the spans of each type."""
    reliability: Reliability | None
    """Of the probabilities of the predicted tags."""
    mistakes: tuple[TagMistake, ...]
    """The most confident first, if there are probabilities."""
    invalid: tuple[int, int]
    """Sentences whose true tags, and whose predicted tags, break the rules of the scheme."""
    verdict: str
    """One sentence."""
    notes: tuple[str, ...]
    signature: str
    learning_curve: tuple[CurvePoint, ...] = ()
    """The headline figure of taggers trained on parts of the data."""

    def to_json(self) -> dict[str, Any]:
        """All of it as JSON; ``elman.report.tags_page`` shows it."""
        return {**super().to_json(), "invalid": dict(zip(("true", "predicted"), self.invalid, strict=True))}


def evaluate_tags(
    words: TagSequences,
    truth: TagSequences,
    predicted: TagSequences,
    *,
    scheme: str | None = None,
    known: Collection[str] | None = None,
    probabilities: Probabilities | None = None,
    rivals: Mapping[str, TagSequences] | None = None,
    model: str = "the model",
    signature: str = "",
    notes: Sequence[str] = (),
    mistakes: int = MISTAKES,
    resamples: int = RESAMPLES,
    shuffles: int = SHUFFLES,
    seed: int = 1,
) -> TagReport:
    """Figures, intervals, mistakes and a verdict for predicted tags.

    Args:
        words: of each sentence. Sentences without words are left out.
        truth: a tag for each word.
        predicted: the model's tag for each word, as it gave them: invalid sequences are counted as
            conlleval and as seqeval's strict mode count them.
        scheme: one of ``span_schemes.SCHEMES`` if tags are spans; true and predicted ones are of
            this scheme.
        known: the words of the training part; others are unknown.
        probabilities: of each predicted tag.
        rivals: predicted tags of simpler taggers, by name.
        model: its name in tables.
        signature: see ``tags_signature``.
        mistakes: how many mistakes are kept.
        resamples: of the bootstrap.
        shuffles: of approximate randomisation.

    Raises:
        UsageError: no tagged words.

    >>> words, truth = [["the", "bank"]] * 40, [["DET", "NOUN"]] * 40
    >>> report = evaluate_tags(words, truth, truth, rivals={"a nay-sayer": [["DET", "X"]] * 40})
    >>> print(report.verdict)
    Better than a nay-sayer by 50.0 points of accuracy (50.0 to 50.0).
    """
    assert scheme is None or scheme in SCHEMES, scheme
    systems = {model: predicted, **(rivals or {})}
    kept = [index for index, line in enumerate(words) if len(line)]
    if not kept:
        raise UsageError("there are no tagged words; give data with at least one")
    if len(kept) < len(words):
        words, truth = _chosen(words, kept), _chosen(truth, kept)
        systems = {name: _chosen(tags, kept) for name, tags in systems.items()}
        probabilities = None if probabilities is None else [probabilities[index] for index in kept]
    unknown = None if known is None else [[word not in known for word in line] for line in words]
    figures_of = partial(sentence_figures, scheme=scheme)
    figures = {name: figures_of(words, truth, tags, unknown) for name, tags in systems.items()}
    headline = "f1" if scheme else "accuracy"
    ours, beside = compared_scores(figures, model, headline, count=len(words), resamples=resamples, seed=seed)

    def p_value(name: str) -> float:
        doubled = None if unknown is None else [*unknown, *unknown]
        pair = figures_of([*words, *words], [*truth, *truth], [*systems[model], *systems[name]], doubled)[headline]
        return approximate_randomisation(pair, sentences=len(words), shuffles=shuffles, seed=seed)

    invalid = tuple(_invalid(tags, scheme) for tags in (truth, systems[model]))
    of_words = _of_words(truth, systems[model], scheme)
    labels = len(of_words.names)
    return TagReport(
        scheme=scheme,
        headline=headline,
        scores=ours,
        rivals=tuple(dataclasses.replace(rival, p_value=p_value(rival.name)) for rival in beside),
        sentences=len(words),
        words=int(of_words.words.sum()),
        unknown=None if unknown is None else sum(map(sum, unknown)),
        labels=of_words.names,
        confusion=confusion_matrix(of_words.truth, of_words.predicted, labels=labels)
        if labels <= MOST_CONFUSED
        else None,
        per_label=_per_label(words, truth, systems[model], scheme, of_words.total),
        reliability=_reliability(truth, systems[model], probabilities),
        mistakes=find_mistakes(words, truth, systems[model], scheme=scheme, probabilities=probabilities, most=mistakes),
        invalid=(invalid[0], invalid[1]),
        verdict=verdict_of(beside, figure=FIGURES[headline], units=counted(len(words), "sentence")),
        notes=(*notes, *_remarks(len(words), invalid)),
        signature=signature,
    )


def tag_difference(
    words: TagSequences,
    truth: TagSequences,
    first: TagSequences,
    second: TagSequences,
    *,
    figure: str = "accuracy",
    scheme: str | None = None,
    known: Collection[str] | None = None,
    resamples: int = RESAMPLES,
    shuffles: int = SHUFFLES,
    seed: int = 1,
) -> tuple[Interval, float]:
    """A figure of the first tagger minus that of the second, with interval and p-value.

    The interval is a paired bootstrap over sentences, the p-value approximate randomisation.

    Args:
        figure: one of ``FIGURES``; those of spans need a scheme, ``unknown_accuracy`` known words.

    Raises:
        UsageError: there is no such figure of these tags.

    >>> words, truth = [["the", "bank"]] * 40, [["DET", "NOUN"]] * 40
    >>> tag_difference(words, truth, truth, [["DET", "X"]] * 40)
    (Interval(value=0.5, low=0.5, high=0.5), 0.000999000999000999)
    """
    unknown = None if known is None else [[word not in known for word in line] for line in words]
    doubled = None if unknown is None else [*unknown, *unknown]
    one, two = (sentence_figures(words, truth, tags, unknown, scheme=scheme) for tags in (first, second))
    if figure not in one:
        raise UsageError(f"figure is {figure!r}; for these tags it must be one of {', '.join(one)}", field="figure")
    sizes = np.ones(len(words), np.int64)
    difference = {figure: minus(one[figure], two[figure])}
    interval = bootstrap_intervals(difference, sizes, resamples=resamples, seed=seed)[figure]
    pair = sentence_figures([*words, *words], [*truth, *truth], [*first, *second], doubled, scheme=scheme)[figure]
    return interval, approximate_randomisation(pair, sentences=len(words), shuffles=shuffles, seed=seed)


def tags_signature(*, model: str, data: str, labels: int, scheme: str | None = None, task: str = "tag") -> str:
    """The signature of figures on tagged sentences.

    Args:
        model: kind and hash, such as ``lstm-1a2b3c4d``.
        data: the SHA-256 of the sentences; its first 12 digits are kept.
        labels: number of tags.
        scheme: of the spans.

    >>> tags_signature(model="lstm-1a2b", data="0123456789abcdef", labels=17).rsplit("|", 1)[0]
    'task:tag|model:lstm-1a2b|data:0123456789ab|labels:17|figure:accuracy'
    """
    facts = {"task": task, "model": model, "data": data[:12], "labels": str(labels)}
    spans = {"figure": "accuracy"} if scheme is None else {"scheme": scheme, "figure": "f1", "invalid": "conlleval"}
    return signed(**facts, **spans, elman=version("elman") or "unknown")


def sentence_figures(
    words: TagSequences,
    truth: TagSequences,
    predicted: TagSequences,
    unknown: Sequence[Sequence[bool]] | None,
    *,
    scheme: str | None,
) -> dict[str, SentenceFigure]:
    """The figures of predicted tags as functions of how often each sentence counts, by the names of
    ``FIGURES``; the arguments are those of ``evaluate_tags``."""
    of_words = TagCounts.count(truth, predicted, unknown=unknown).figures()
    if scheme is None:
        return of_words
    of_words.pop("macro_f1", None)  # spans have their own
    return {**SpanCounts.count(words, truth, predicted, scheme=scheme).figures(), **of_words}


def _of_words(truth: TagSequences, predicted: TagSequences, scheme: str | None) -> TagCounts:
    """The words' tags, or the types of their spans."""
    if scheme is None:
        return TagCounts.count(truth, predicted)

    def types(sequences: TagSequences) -> TagSequences:
        return [[OUTSIDE if tag == OUTSIDE else _named(type_of(tag)) for tag in tags] for tags in sequences]

    return TagCounts.count(types(truth), types(predicted))


def _named(kind: str) -> str:
    return kind or "span"  # of prefixes without types


def _per_label(
    words: TagSequences, truth: TagSequences, predicted: TagSequences, scheme: str | None, of_words: LabelTally
) -> list[dict[str, Any]]:
    if scheme is None:
        return of_words.per_label(sorted({tag for part in (truth, predicted) for tags in part for tag in tags}))
    counts = SpanCounts.count(words, truth, predicted, scheme=scheme)
    rows, strict = (counts.total(reading).per_label(list(counts.types)) for reading in ("conlleval", "strict"))
    for row, strictly in zip(rows, strict, strict=True):
        row.update({f"strict_{name}": strictly[name] for name in strictly if name != "label"})
        row["label"] = _named(row["label"])
    return rows


def _reliability(
    truth: TagSequences, predicted: TagSequences, probabilities: Probabilities | None
) -> Reliability | None:
    if probabilities is None:
        return None
    pairs = (
        (tag, guess)
        for true, found in zip(truth, predicted, strict=True)
        for tag, guess in zip(true, found, strict=True)
    )
    correct = np.array([tag == guess for tag, guess in pairs])
    return Reliability.measure(correct[:, None], np.concatenate([np.asarray(each) for each in probabilities])[:, None])


def _invalid(sequences: TagSequences, scheme: str | None) -> int:
    return 0 if scheme is None else sum(bool(invalid_at(tags, scheme)) for tags in sequences)


def _remarks(sentences: int, invalid: tuple[int, ...]) -> list[str]:
    remarks = []
    for name, count in zip(("true", "predicted"), invalid, strict=True):
        if count:
            broken = counted(count, "sentence")
            remarks.append(
                f"The {name} tags of {broken} break the rules of the scheme: figures read them as conlleval does, "
                "strict ones leave those spans out, as seqeval's strict mode does."
            )
    if sentences < _FEW_SENTENCES:
        remarks.append(f"With {counted(sentences, 'sentence')} the intervals are too narrow.")
    return remarks


def _chosen(sequences: TagSequences, kept: Sequence[int]) -> TagSequences:
    return [sequences[index] for index in kept]
