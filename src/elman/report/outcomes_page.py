"""A report on a model of outcomes for the terminal and as a page.

``report`` is what ``OutcomeReport.to_json`` gives.
"""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elman.report.labels_figures import draw_reliability, short
from elman.report.labels_page import PAGE_FILE, aligned
from elman.report.page import Section, write_page
from elman.report.style import INK, OWN, labelled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LONGEST = 40


def outcomes_table(report: Mapping[str, Any]) -> str:
    """The figures as plain text for a terminal."""
    rows = _scores(report)
    notes = [f"note: {note}" for note in report["notes"]]
    return "\n".join([aligned(rows, left=len(rows[0])), "", report["verdict"], *notes, report["signature"]])


def write_outcomes_page(folder: Path, report: Mapping[str, Any]) -> list[Path]:
    """Write ``report.html`` and its pictures into a folder; returns all files, the page first.

    Raises:
        StorageError: the folder cannot be written.
    """
    about = "Log loss is in nats; intervals are 95%, by a bootstrap over rows, of all on the same resamples."
    ranked = "RPS is the ranked probability score: the squared distance of cumulated probabilities from what came."
    sections = [
        Section("Verdict", [report["verdict"], *report["notes"]]),
        Section("Figures", [about, *([ranked] if _ranks(report) else [])], table=_scores(report)),
    ]
    every = [report["scores"], *report["rivals"]]
    if report["rivals"]:
        lines = "The lower, the better; lines are the intervals."
        draw = partial(draw_log_losses, report=report)
        sections.append(Section("Beside its rivals", [lines], "log-loss", draw, 1.1 + 0.3 * len(every)))
    about = (
        "Rows are sorted by the probability of their likeliest outcome into 15 bins of equal width. Of outcomes "
        "promised with 80%, eight of ten should come; the expected calibration error is the mean distance from that."
    )
    draw = partial(draw_reliability, report=report)
    sections.append(Section("Is its confidence justified?", [about], "reliability", draw, 3.9))
    outcomes = ", ".join(short(name) for name in report["outcomes"])
    head = f"{report['examples']:,} rows; outcomes: {outcomes}. {report['signature']}"
    return write_page(folder, PAGE_FILE, title="How good the outcomes are", head=head, sections=sections)


def draw_log_losses(figure: "Figure", report: Mapping[str, Any]) -> None:
    """The log loss of the model and its rivals with intervals, the model first."""
    axes = labelled(figure, x="log loss (nats)", y="")
    every = [report["scores"], *report["rivals"]]
    for place, each in enumerate(every):
        colour = INK if place else OWN
        axes.hlines(place, each["log_loss"]["low"], each["log_loss"]["high"], color=colour, lw=2)
        axes.plot([each["log_loss"]["value"]], [place], color=colour, marker="o", ms=5)
    axes.set_yticks(range(len(every)), [short(each["name"], longest=_LONGEST) for each in every])
    axes.locator_params(axis="x", nbins=5)
    axes.set_ylim(len(every) - 0.5, -0.5)


def _ranks(report: Mapping[str, Any]) -> bool:
    return all("ranked" in each for each in (report["scores"], *report["rivals"]))


def _scores(report: Mapping[str, Any]) -> list[list[str]]:
    """A row for the model and each rival."""
    rows = [["", "log loss", "accuracy", *(["RPS"] if _ranks(report) else []), "calibration error"]]
    for each in (report["scores"], *report["rivals"]):
        nats, right = each["log_loss"], each["accuracy"]
        cells = [
            short(each["name"], longest=_LONGEST),
            f"{nats['value']:.4f} ({nats['low']:.3f} to {nats['high']:.3f})",
            f"{100 * right['value']:.1f}% ({100 * right['low']:.1f} to {100 * right['high']:.1f})",
        ]
        cells += [f"{each['ranked']['value']:.4f}"] if _ranks(report) else []
        rows.append([*cells, f"{100 * each['calibration_error']:.1f}%"])
    return rows
