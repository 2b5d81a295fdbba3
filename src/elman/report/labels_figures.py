"""The figures of a report on labelled examples: confusion matrix and reliability diagram.

``report`` is the result of ``LabelReport.to_json``.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.report.style import INK, OWN

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_LABELS = 50
"""A confusion matrix shows the most confused labels, no more than these."""
_LONGEST_NAME = 24
_BLUE = "#0072b2"


class Confusion(NamedTuple):
    """A part of a confusion matrix."""

    names: list[str]
    counts: NDArray[np.int64]
    """Rows true, columns predicted."""
    support: NDArray[np.int64]
    """True examples of each label, including those predicted as a label that is left out."""


def most_confused(report: Mapping[str, Any], *, most: int = MOST_LABELS) -> Confusion:
    """The labels that take part in most mistakes, in their own order; all of them if they are few.

    >>> report = {"labels": ["a", "b", "c"], "confusion": [[9, 0, 0], [0, 7, 2], [0, 1, 8]]}
    >>> most_confused(report, most=2).names
    ['b', 'c']
    """
    counts = np.array(report["confusion"], np.int64)
    wrong = counts - np.diag(np.diag(counts))
    mistakes = wrong.sum(axis=0) + wrong.sum(axis=1)
    kept = np.sort(np.argsort(-mistakes, kind="stable")[:most])
    names = [short(report["labels"][label]) for label in kept]
    return Confusion(names, counts[np.ix_(kept, kept)], counts.sum(axis=1)[kept])


def confusion_size(labels: int) -> tuple[float, float]:
    """Width and height of a confusion matrix (inches), in which its numbers can be read."""
    if labels <= 8:
        return 4.6, 1.4 + 0.5 * labels
    side = max(4.6, 1.6 + 0.17 * min(labels, MOST_LABELS))
    return side, side * 0.95


def draw_confusion(figure: "Figure", report: Mapping[str, Any]) -> None:
    """How often each label was predicted for each true one.

    The darker a cell, the larger its share of the true label.
    """
    from matplotlib.colors import LinearSegmentedColormap

    names, counts, support = most_confused(report)
    labels, axes = len(names), figure.add_subplot()
    # Transparent to not quite opaque, so that the numbers can be read on white and on black.
    shades = LinearSegmentedColormap.from_list("share", [(0, 0.447, 0.698, 0.0), (0, 0.447, 0.698, 0.7)])
    share = counts / np.maximum(support, 1)[:, None]
    # The square root, since the few mistakes are what matters.
    cells = axes.pcolormesh(np.arange(labels + 1) - 0.5, np.arange(labels + 1) - 0.5, np.sqrt(share), vmin=0, vmax=1)
    cells.set(cmap=shades, edgecolor="none")
    axes.set_aspect("equal")
    axes.invert_yaxis()
    size = 8.5 if labels <= 8 else 7 if labels <= 16 else 4.6
    for (row, column), count in np.ndenumerate(counts):
        if count:
            weight = "bold" if row == column else "normal"
            text = axes.text(column, row, _brief(int(count)), ha="center", va="center", fontsize=size, weight=weight)
            text.set_in_layout(False)  # it is inside the axes, and measuring thousands takes seconds
    small = 8 if labels <= 16 else 5.5
    upright = labels > 6 or max(map(len, names)) * labels > 40
    axes.set_xticks(range(labels), names, rotation=90 if upright else 0, fontsize=small)
    axes.set_yticks(range(labels), names, fontsize=small)
    axes.set_xticks(np.arange(labels + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(labels + 1) - 0.5, minor=True)
    axes.grid(which="minor", color=INK, lw=0.4, alpha=0.25)
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_visible(False)
    left_out = len(report["labels"]) - labels
    more = f" ({left_out} labels with fewer mistakes are left out)" if left_out else ""
    axes.set(xlabel=f"predicted{more}", ylabel="true")


def draw_reliability(figure: "Figure", report: Mapping[str, Any]) -> None:
    """Accuracy by confidence, over how many predictions have each confidence."""
    reliability = report["reliability"]
    bins = reliability["bins"]
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    centres = np.array([(row["above"] + row["up_to"]) / 2 for row in bins])
    width = bins[0]["up_to"] - bins[0]["above"]
    filled = [row for row in bins if row["count"]]
    confidence = [row["confidence"] for row in filled]
    right = [row["accuracy"] for row in filled]
    upper.plot([0, 1], [0, 1], color=INK, lw=1, ls=(0, (4, 2)), label="as confident as right")
    upper.vlines(confidence, confidence, right, color=OWN, lw=2, alpha=0.6)
    upper.plot(confidence, right, color=_BLUE, marker="o", ms=4.5, lw=1.4, label="this model")
    upper.set_title(f"expected calibration error {100 * reliability['expected_calibration_error']:.1f}%", loc="right")
    kind = "labels" if report.get("multilabel") else "answers"
    upper.set(
        ylim=(-0.03, 1.03), ylabel=f"share of {kind} that are right" if kind == "answers" else "share that is true"
    )
    upper.legend(loc="upper left")
    lower.bar(centres, [row["count"] for row in bins], width=0.9 * width, color=_BLUE, alpha=0.7)
    lower.set(xlim=(-0.01, 1.01), ylabel=kind, xlabel="confidence: the probability of the answer")
    if report.get("multilabel"):
        lower.set(yscale="log", xlabel="probability of the label")
        lower.yaxis.set_major_formatter("{x:,.0f}")
        lower.yaxis.set_minor_formatter("")
    for axes in (upper, lower):
        axes.grid(alpha=0.18, color=INK, lw=0.6)


def short(name: str, *, longest: int = _LONGEST_NAME) -> str:
    """A name for one line: unprintable characters are replaced, and long names are cut.

    >>> short("a\\x1b[31m\\nvery long name indeed", longest=12)
    'a�[31m�very…'
    """
    shown = "".join(character if character.isprintable() else "�" for character in name)
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


def _brief(count: int) -> str:
    return str(count) if count < 10_000 else f"{count / 1000:.0f}k"


def confused_pairs(report: Mapping[str, Any], *, most: int) -> Sequence[tuple[str, str, int, float]]:
    """The commonest mistakes: true and predicted label, how often, share of the true label."""
    counts = np.array(report["confusion"], np.int64)
    wrong = counts - np.diag(np.diag(counts))
    commonest = np.argsort(-wrong, axis=None, kind="stable")[:most]
    pairs = []
    for true, predicted in zip(*np.unravel_index(commonest, wrong.shape), strict=True):
        if count := int(wrong[true, predicted]):
            share = count / int(counts[true].sum())
            pairs.append((report["labels"][true], report["labels"][predicted], count, share))
    return pairs
