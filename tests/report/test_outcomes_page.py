"""The report on a model of outcomes as a page that stands alone."""

import numpy as np
import pytest

from elman.evaluation.outcomes import evaluate_outcomes
from elman.report.outcomes_page import draw_log_losses, write_outcomes_page
from elman.report.style import new_figure


def example_report() -> dict:
    truth = np.arange(40) % 2
    sure, coin = np.where(np.arange(2) == truth[:, None], 0.75, 0.25), np.full((40, 2), 0.5)
    return evaluate_outcomes(
        truth, sure, names=["<b>won", "lost"], rivals={"a coin": coin}, model="gru", notes=["a note"], resamples=50
    ).to_json()


def test_log_losses_are_drawn_with_their_intervals() -> None:
    report, figure = example_report(), new_figure(4.6, 2)
    draw_log_losses(figure, report)
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["gru", "a coin"]
    assert [np.asarray(line.get_xdata()).item() for line in axes.lines] == pytest.approx([np.log(4 / 3), np.log(2)])
    assert axes.get_ylim()[0] > axes.get_ylim()[1]  # the model is on top


@pytest.mark.slow
def test_the_page_stands_alone(tmp_path) -> None:
    files = write_outcomes_page(tmp_path, example_report())
    names = {"report.html", *(f"{name}.{kind}" for name in ("log-loss", "reliability") for kind in ("png", "svg"))}
    assert {file.name for file in files} == names
    page = files[0].read_text(encoding="utf-8")
    assert "<b>won" not in page and "&lt;b&gt;won" in page and "https://" not in page
    assert "Better than a coin by 0.405 nats" in page and "a note" in page and "0.2877 (0.288 to 0.288)" in page
