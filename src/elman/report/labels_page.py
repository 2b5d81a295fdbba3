"""A report on labelled examples for the terminal and as a page.

``report`` is what ``LabelReport.to_json`` gives.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from elman.progress import counted
from elman.report.labels_figures import (
    confused_pairs,
    confusion_size,
    draw_confusion,
    draw_reliability,
    short,
)
from elman.report.page import Section, write_page

PAGE_FILE = "report.html"
_MOST_ROWS = 50
"""Most rows of labels in a table; of more labels, those with the lowest F1 are shown."""
_MOST_CELLS = 10
"""Most labels of a confusion matrix that fits a terminal."""
_MOST_PAIRS = 10


def labels_table(report: Mapping[str, Any]) -> str:
    """The figures as plain text for a terminal: verdict, scores, labels, confusions, signature.

    Shares are in percent, log loss is in nats.
    """
    blocks = [report["verdict"], aligned(_scores(report)), aligned(_per_label(report))]
    if report["confusion"] is not None:
        blocks.append(confusions(report))
    blocks += report["notes"]
    if report["signature"]:
        blocks.append(f"signature: {report['signature']}")
    return "\n\n".join(blocks)


def write_labels_page(folder: Path, report: Mapping[str, Any], *, title: str = "How good the labels are") -> list[Path]:
    """Write ``report.html`` and its pictures into a folder; returns all files, the page first.

    Raises:
        StorageError: the folder cannot be written.
    """
    scores = "Shares are in percent, with 95% intervals of a bootstrap over examples; log loss is in nats."
    if report["multilabel"]:
        scores += " Accuracy is the share of examples whose labels are all correct."
    if report["rivals"]:
        figure = "micro F1" if report["headline"] == "micro_f1" else "accuracy"
        scores += f" The difference is the model's {figure} minus the rival's, on the same resamples."
    sections = [
        Section("Verdict", [report["verdict"], *report["notes"]]),
        Section("Figures", [scores], table=_scores(report)),
        Section("By label", left_out(report), table=_per_label(report)),
    ]
    if report["confusion"] is not None:
        width, height = confusion_size(len(report["labels"]))
        about = "Rows are true labels, columns predicted ones. The darker, the larger the share of the true label."
        draw = partial(draw_confusion, report=report)
        sections.append(Section("Confusions", [about], "confusion", draw, height, confusion_rows(report), width))
    about = (
        "Predictions are sorted by confidence into 15 bins of equal width (Guo et al. 2017). Of answers that promise "
        "80%, eight of ten should be right; the expected calibration error is the mean distance from that."
    )
    draw = partial(draw_reliability, report=report)
    sections.append(Section("Is its confidence justified?", [about], "reliability", draw, 3.9))
    if report["mistakes"]:
        sections.append(Section("The most confident mistakes", [], table=_mistakes(report)))
    head = f"{counted(report['examples'], 'example')}, {counted(len(report['labels']), 'label')}. {report['signature']}"
    return write_page(folder, PAGE_FILE, title=title, head=head, sections=sections)


def _scores(report: Mapping[str, Any]) -> list[list[str]]:
    names = {"accuracy": "accuracy", "macro_f1": "macro F1", "micro_f1": "micro F1"}
    if not report["multilabel"]:
        del names["micro_f1"]  # it is the accuracy
    beside = ["difference"] if report["rivals"] else []
    rows = [["", *names.values(), "log loss", "calibration error", *beside]]
    for scores in (report["scores"], *report["rivals"]):
        shares = [interval_text(scores[figure]) for figure in names]
        cells = [short(scores["name"], longest=40), *shares, f"{scores['log_loss']:.3f}"]
        cells.append(percent(scores["calibration_error"]))
        if beside:
            cells.append(interval_text(scores["difference"]) if "difference" in scores else "")
        rows.append(cells)
    return rows


def _per_label(report: Mapping[str, Any]) -> list[list[str]]:
    rows = [["label", "precision", "recall", "F1", "examples", "predicted"]]
    for label in worst_labels(report):
        shares = [percent(label[figure]) for figure in ("precision", "recall", "f1")]
        rows.append([short(label["label"]), *shares, f"{label['support']:,}", f"{label['predicted']:,}"])
    return rows


def worst_labels(report: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The labels to show: all of them, or if they are many, those with the lowest F1."""
    labels = report["per_label"]
    return labels if len(labels) <= _MOST_ROWS else sorted(labels, key=lambda label: label["f1"])[:_MOST_ROWS]


def left_out(report: Mapping[str, Any]) -> list[str]:
    """The sentence that says how many labels ``worst_labels`` leaves out, if it does."""
    more = len(report["per_label"]) - _MOST_ROWS
    return [f"The {_MOST_ROWS} labels with the lowest F1; {more} better ones are left out."] if more > 0 else []


def confusions(report: Mapping[str, Any], *, unit: str = "examples") -> str:
    """The confusion matrix if it fits, otherwise the commonest mistakes, as text."""
    names = [short(name, longest=12) for name in report["labels"]]
    if len(names) > _MOST_CELLS:
        return aligned(confusion_rows(report, unit=unit), left=2)
    matrix = zip(names, report["confusion"], strict=True)
    return aligned([["true \\ predicted", *names], *([name, *(f"{count:,}" for count in row)] for name, row in matrix)])


def confusion_rows(report: Mapping[str, Any], *, unit: str = "examples") -> list[list[str]]:
    """The commonest mistakes: true and predicted label, how many, and the share of the true
    label's."""
    rows = [["true", "predicted", unit, "of the true label's"]]
    for true, predicted, count, share in confused_pairs(report, most=_MOST_PAIRS):
        rows.append([short(true), short(predicted), f"{count:,}", f"{percent(share)}%"])
    return rows


def _mistakes(report: Mapping[str, Any]) -> list[list[str]]:
    def named(labels: str | Sequence[str]) -> str:
        return short(labels if isinstance(labels, str) else ", ".join(labels) or "none", longest=60)

    rows = [["text", "true", "predicted", "probability"]]
    for mistake in report["mistakes"]:
        text = short(mistake["text"], longest=300) or f"example {mistake['index'] + 1}"
        rows.append([text, named(mistake["true"]), named(mistake["predicted"]), f"{percent(mistake['probability'])}%"])
    return rows


def percent(share: float) -> str:
    """A share with one digit.

    >>> percent(0.1234)
    '12.3'
    """
    return f"{100 * share:.1f}"


def interval_text(interval: Mapping[str, float]) -> str:
    """Percent with its limits.

    >>> interval_text({"value": 0.5, "low": 0.4, "high": 0.61})
    '50.0 (40.0 to 61.0)'
    """
    value, low, high = (percent(round(interval[bound], 3) + 0.0) for bound in ("value", "low", "high"))
    return f"{value} ({low} to {high})"


def aligned(rows: Sequence[Sequence[str]], *, left: int = 1) -> str:
    """Rows as columns of text, the first ``left`` to the left and the others to the right.

    >>> print(aligned([["a", "b"], ["long", "9"]]))
    a     b
    long  9
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = zip(row, widths, strict=True)
        padded = [cell.ljust(width) if index < left else cell.rjust(width) for index, (cell, width) in enumerate(cells)]
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines)
