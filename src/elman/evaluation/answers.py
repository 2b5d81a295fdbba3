"""Figures of answers to questions: exact match and F1 with intervals, next to those of rivals."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.evaluation.results import Results
from elman.evaluation.verdict import verdict
from elman.metrics.answers import answer_figures
from elman.metrics.intervals import Interval, bootstrap_intervals
from elman.progress import counted

FIGURES = ("exact_match", "f1")


@dataclasses.dataclass(frozen=True, kw_only=True)
class AnswerReport(Results):
    """The results of ``evaluate_answers``."""

    questions: Mapping[str, int]
    """How many there are of each group."""
    figures: Mapping[str, Mapping[str, Mapping[str, Interval]]]
    """By system, group and figure."""
    differences: Mapping[str, Interval]
    """The first system's F1 of all questions less each rival's."""
    verdict: str
    notes: tuple[str, ...]


def evaluate_answers(
    systems: Mapping[str, Sequence[str]],
    right: Sequence[Sequence[str]],
    *,
    paragraphs: Sequence[int],
    notes: Sequence[str] = (),
) -> AnswerReport:
    """Exact match and F1 by SQuAD's definition, with intervals of 95%.

    Args:
        systems: the answers by name, "" for none; the first system is compared with the others.
        right: the right answers of each question; none if it has no answer.
        paragraphs: the paragraph of each question. Paragraphs are drawn anew for the intervals, for
            questions about one are alike.
    """
    _, of_group = np.unique(np.array(paragraphs), return_inverse=True)
    has = np.array([bool(answers) for answers in right])
    members = {"all": np.ones(len(right), bool), "with_answer": has, "without_answer": ~has}
    members = {name: chosen for name, chosen in members.items() if chosen.any()}
    numbered = {str(number): answers for number, answers in enumerate(right)}

    def sums(values: NDArray[Any]) -> NDArray[np.float64]:
        return np.bincount(of_group, weights=values).astype(np.float64)

    def mean(values: NDArray[Any], chosen: NDArray[np.bool_]) -> Any:
        total, sizes = sums(values * chosen), sums(chosen)
        return lambda counts: counts @ total / np.maximum(counts @ sizes, 1)

    values = {
        name: answer_figures(dict(zip(numbered, answers, strict=True)), numbered) for name, answers in systems.items()
    }
    wanted = {
        repr((name, group, figure)): mean(own[figure], chosen)
        for name, own in values.items()
        for group, chosen in members.items()
        for figure in FIGURES
    }
    first, *rivals = systems
    wanted |= {name: mean(values[first]["f1"] - values[name]["f1"], members["all"]) for name in rivals}
    found = bootstrap_intervals(wanted, np.ones(of_group.max() + 1, np.int64))
    figures = {
        name: {group: {figure: found[repr((name, group, figure))] for figure in FIGURES} for group in members}
        for name in systems
    }
    differences = {name: found[name] for name in rivals}
    best = min(differences, key=lambda name: differences[name].value, default=None)
    units = counted(len(right), "question")
    return AnswerReport(
        questions={group: int(chosen.sum()) for group, chosen in members.items()},
        figures=figures,
        differences=differences,
        verdict="" if best is None else verdict(best, differences[best], figure="F1", units=units),
        notes=tuple(notes),
    )


def answers_table(values: Mapping[str, Any]) -> str:
    """``AnswerReport.to_json`` as a table for people."""
    groups = list(values["questions"])
    rows = [
        (system, group.replace("_", " "), *(_shown(own[group][figure]) for figure in FIGURES))
        for system, own in values["figures"].items()
        for group in groups
    ]
    rows = [("", "questions", "exact match (95%)", "F1 (95%)"), *rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    counts = ", ".join(f"{count:,} {group.replace('_', ' ')}" for group, count in values["questions"].items())
    return "\n".join([*lines, f"questions: {counts}", *filter(None, [values["verdict"], *values["notes"]])])


def _shown(interval: Mapping[str, float]) -> str:
    value, low, high = (100 * interval[name] for name in ("value", "low", "high"))
    return f"{value:.1f}% ({low:.1f} to {high:.1f})"
