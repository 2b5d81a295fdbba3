"""A report on a forecaster for the terminal, as pictures with bands, and as a page.

``report`` is what ``ForecastReport.to_json`` gives. A shown series is
``{"series", "times", "history", "truth", "quantiles", "levels"}``: the times of all steps, known
values before the origin and after it, and the quantiles ``[Q, H]`` after it.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from elman.progress import counted
from elman.report.labels_page import PAGE_FILE, aligned
from elman.report.page import Section, write_page
from elman.report.style import INK, OWN, drawn

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORECASTS_FILE = "forecasts.png"
MOST_SHOWN = 4
_HEIGHT = 2.1


def forecasts_table(report: Mapping[str, Any]) -> str:
    """The figures as plain text for a terminal."""
    notes = [f"note: {note}" for note in report["notes"]]
    return "\n".join([aligned(_scores(report)), "", _intervals(report), report["verdict"], *notes, report["signature"]])


def write_forecasts_page(folder: Path, report: Mapping[str, Any], shown: Sequence[Mapping[str, Any]]) -> list[Path]:
    """Write ``report.html`` and its pictures into a folder; returns all files, the page first.

    Raises:
        StorageError: the folder cannot be written.
    """
    about = (
        f"{counted(report['forecasts'], 'forecast')} of {counted(report['horizon'], 'step')}, "
        f"{report['series']:,} series. MASE is the "
        "mean absolute error divided by that of repeating the last season within the history; below 1 is better. "
        "Intervals are 95%, by a bootstrap over series or pieces of time."
    )
    bands = "The line is the median, the bands lie between quantiles, the points are what came."
    sections = [
        Section("Verdict", [report["verdict"], *report["notes"]]),
        Section("Figures", [about, _intervals(report)], table=_scores(report)),
        Section("Forecasts", [bands], "forecasts", partial(draw_forecasts, shown=shown), height=_HEIGHT * len(shown)),
    ]
    title = "How good the forecasts are"
    return write_page(folder, PAGE_FILE, title=title, head=report["signature"], sections=sections)


def forecasts_picture(shown: Sequence[Mapping[str, Any]]) -> bytes:
    """Series and their forecasts as PNG."""
    draw = partial(draw_forecasts, shown=shown)
    return drawn("forecasts", draw, width=6.4, height=_HEIGHT * len(shown), kinds=("png",))[FORECASTS_FILE]


def draw_forecasts(figure: "Figure", shown: Sequence[Mapping[str, Any]]) -> None:
    """One series below the other: its last values, the median and bands between quantiles."""
    for axes, each in zip(np.atleast_1d(figure.subplots(len(shown), 1)), shown, strict=True):
        history, quantiles, levels = each["history"], np.array(each["quantiles"]), each["levels"]
        before, ahead = np.arange(len(history)), len(history) + np.arange(quantiles.shape[1])
        axes.plot(before, history, color=INK, lw=1)
        # The line goes on from the last known value.
        line = np.r_[len(history) - 1, ahead]
        for low in range(len(levels) // 2):
            edges = [np.r_[history[-1], quantiles[place]] for place in (low, len(levels) - 1 - low)]
            axes.fill_between(line, *edges, color=OWN, alpha=0.5 / max(len(levels) // 2, 1), lw=0)
        axes.plot(line, np.r_[history[-1], quantiles[levels.index(0.5)]], color=OWN, lw=1.3)
        if each["truth"]:
            axes.plot(ahead[: len(each["truth"])], each["truth"], color=INK, ls="", marker=".", ms=3.5)
        ticks = np.unique(np.linspace(0, len(each["times"]) - 1, 4).astype(int))
        axes.set_xticks(ticks, [each["times"][place] for place in ticks])
        axes.set_title(each["series"], loc="left")
        axes.grid(alpha=0.18, color=INK, lw=0.6)


def _scores(report: Mapping[str, Any]) -> list[list[str]]:
    lines = [["", "MASE", "", "sMAPE", "MSE (standardised)", "MAE"]]
    for each in [report["scores"], *report["rivals"]]:
        scaled, percent, square, plain = (each[name] for name in ("mase", "smape", "mse", "mae"))
        limits = f"{scaled['low']:.3f} to {scaled['high']:.3f}" if scaled["low"] < scaled["high"] else ""
        figures = [f"{scaled['value']:.3f}", limits, f"{percent['value']:.2f}", f"{square['value']:.3f}"]
        lines.append([each["name"], *figures, f"{plain['value']:.4g}"])
    return lines


def _intervals(report: Mapping[str, Any]) -> str:
    inside = ", ".join(f"{100 * share:.1f}% in {name}" for name, share in report["coverage"].items())
    loss = f"Weighted quantile loss {report['quantile_loss']:.4f}"
    return f"{loss}; of the values that came, {inside} intervals." if inside else f"{loss}."
