"""A report on a tagger for the terminal and as a page.

``report`` is what ``TagReport.to_json`` gives.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elman.progress import counted
from elman.report.labels_figures import confusion_size, draw_confusion, draw_reliability, short
from elman.report.labels_page import (
    PAGE_FILE,
    aligned,
    confusion_rows,
    confusions,
    interval_text,
    left_out,
    percent,
    worst_labels,
)
from elman.report.page import Section, write_page
from elman.report.style import labelled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_OF_TAGS = {
    "accuracy": "accuracy",
    "unknown_accuracy": "accuracy on unknown words",
    "sentence_accuracy": "sentences without a mistake",
    "macro_f1": "macro F1",
}
_OF_SPANS = {
    "precision": "precision",
    "recall": "recall",
    "f1": "F1 (as conlleval)",
    "strict_f1": "F1 (as seqeval, strict)",
    "macro_f1": "macro F1",
    "weighted_f1": "weighted F1",
    "surface_f1": "surface F1 (as WNUT-17)",
    "accuracy": "tags of words",
    "sentence_accuracy": "sentences without a mistake",
}


def tags_table(report: Mapping[str, Any]) -> str:
    """The figures as plain text for a terminal: verdict, scores, labels, confusions, signature.

    Shares are in percent.
    """
    blocks = [report["verdict"], aligned(_scores(report)), aligned(_per_label(report))]
    if report["confusion"] is not None:
        blocks.append(confusions(report, unit="words"))
    if report.get("learning_curve"):
        blocks.append(aligned(curve_rows(report["learning_curve"])))
    blocks += report["notes"]
    if report["signature"]:
        blocks.append(f"signature: {report['signature']}")
    return "\n\n".join(blocks)


def write_tags_page(folder: Path, report: Mapping[str, Any], *, title: str = "How good the tags are") -> list[Path]:
    """Write ``report.html`` and its pictures into a folder; returns all files, the page first.

    Raises:
        StorageError: the folder cannot be written.
    """
    about = "Shares are in percent, with 95% intervals of a bootstrap over sentences."
    if report["scheme"] is not None:
        about += (
            " A span is correct if its type, its first and its last word are. conlleval reads tags that break the "
            f"rules of {report['scheme']} leniently, seqeval's strict mode leaves such spans out; surface F1 counts "
            "each written form of a type once."
        )
    if report["unknown"] is not None:
        about += f" Unknown are words that training did not have: {report['unknown']:,} of {report['words']:,}."
    if report["rivals"]:
        about += " The p-value of a difference is by approximate randomisation of whole sentences."
    of_label = "By type of span" if report["scheme"] else "By tag"
    sections = [
        Section("Verdict", [report["verdict"], *report["notes"]]),
        Section("Figures", [about], table=_scores(report)),
        Section(of_label, left_out(report), table=_per_label(report)),
    ]
    if report.get("learning_curve"):
        curve = report["learning_curve"]
        words = "The model was trained again on random parts of its training data, each part within the next."
        draw = partial(draw_learning_curve, points=curve)
        sections.append(Section("More data", [words], "learning-curve", draw, table=curve_rows(curve)))
    if report["confusion"] is not None:
        width, height = confusion_size(len(report["labels"]))
        words = "Of words. Rows are true, columns predicted. The darker, the larger the share of the true label."
        draw = partial(draw_confusion, report=report)
        rows = confusion_rows(report, unit="words")
        sections.append(
            Section("Confusions", [words], "confusion", draw, height, rows if len(rows) > 1 else None, width)
        )
    if report["reliability"] is not None:
        words = (
            "The probabilities of the predicted tags, in 15 bins of equal width (Guo et al. 2017). Of tags with 80%, "
            "eight of ten should be right; the expected calibration error is the mean distance from that."
        )
        draw = partial(draw_reliability, report=report)
        sections.append(Section("Is its confidence justified?", [words], "reliability", draw, 3.9))
    if report["mistakes"]:
        sure = report["mistakes"][0]["probability"] is not None
        heading = "The most confident mistakes" if sure else "Mistakes"
        sections.append(Section(heading, [], table=_mistakes(report, sure=sure)))
    head = f"{counted(report['sentences'], 'sentence')}, {counted(report['words'], 'word')}. {report['signature']}"
    return write_page(folder, PAGE_FILE, title=title, head=head, sections=sections)


def _scores(report: Mapping[str, Any]) -> list[list[str]]:
    """A row for each figure, a column for each tagger."""
    taggers = [report["scores"], *report["rivals"]]
    names = _OF_SPANS if report["scheme"] else _OF_TAGS
    rows = [["", *(short(tagger["name"], longest=40) for tagger in taggers)]]
    for figure, name in names.items():
        if figure in report["scores"]:
            rows.append([name, *(interval_text(tagger[figure]) for tagger in taggers)])
    if report["rivals"]:
        beside = report["rivals"]
        rows.append(
            [f"difference in {names[report['headline']]}", "", *(interval_text(each["difference"]) for each in beside)]
        )
        rows.append(["p-value of the difference", "", *(f"{each['p_value']:.3f}" for each in beside)])
    return rows


def _per_label(report: Mapping[str, Any]) -> list[list[str]]:
    spans = report["scheme"] is not None
    strict = spans and any(label["strict_f1"] != label["f1"] for label in report["per_label"])
    counted = "spans" if spans else "words"
    rows = [["type" if spans else "tag", "precision", "recall", "F1", *["strict F1"] * strict, counted, "predicted"]]
    for label in worst_labels(report):
        figures = ("precision", "recall", "f1", *["strict_f1"] * strict)
        counts = [f"{label[name]:,}" for name in ("support", "predicted")]
        rows.append([short(label["label"]), *(percent(label[figure]) for figure in figures), *counts])
    return rows


def _mistakes(report: Mapping[str, Any], *, sure: bool) -> list[list[str]]:
    rows = [["text", "true", "predicted", *["probability"] * sure]]
    for mistake in report["mistakes"]:
        cells = [
            short(mistake["text"], longest=300),
            *(short(mistake[name], longest=60) for name in ("true", "predicted")),
        ]
        rows.append([*cells, f"{percent(mistake['probability'])}%"] if sure else cells)
    return rows


def curve_rows(points: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """A learning curve as rows.

    Args:
        points: each with ``examples``, and its headline ``figure``: a name and an interval.
    """
    rows = [["trained on", *(name for name in points[0] if name != "examples")]]
    for point in points:
        shares = (interval_text(value) for name, value in point.items() if name != "examples")
        rows.append([counted(point["examples"], "sentence"), *shares])
    return rows


def draw_learning_curve(figure: "Figure", points: Sequence[Mapping[str, Any]]) -> None:
    """Figures over the amount of training data, with their intervals."""
    axes = labelled(figure, x="sentences of training data", y="%")
    sizes = [point["examples"] for point in points]
    names = [name for name in points[0] if name != "examples"]
    for name, marker in zip(names, "os^Dv", strict=False):
        values = [point[name] for point in points]
        bounds = [[100 * abs(each["value"] - each[side]) for each in values] for side in ("low", "high")]
        shares = [100 * each["value"] for each in values]
        axes.errorbar(sizes, shares, yerr=bounds, marker=marker, ms=4.5, lw=1.4, capsize=3, label=name)
    axes.set_xscale("log", base=2)
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.minorticks_off()
    axes.legend(loc="lower right")
