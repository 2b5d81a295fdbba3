"""What is drawn of an x-ray lies inside the axes, and can be told apart."""

from typing import Any

import numpy as np
import pytest

from elman.report import xray_figures
from elman.report.style import new_figure

LAGS = np.arange(101)


def curve(name: str, pace: float, *, trained: bool = False, bound: float | None = None) -> dict[str, Any]:
    quarters = [(scale * pace**LAGS).tolist() for scale in (0.5, 1.0, 2.0)]
    return {
        "name": name, "trained": trained, "share": quarters, "weights": quarters,
        "bound": None if bound is None else (bound**LAGS).tolist(),
    }  # fmt: skip


def drawn(draw: Any, values: dict[str, Any]) -> tuple[Any, list[str]]:
    figure = new_figure(4.6, 3.4)
    draw(figure, values)
    axes = figure.axes[0]
    low, high = axes.get_ylim()
    for line in axes.get_lines():
        heights = np.asarray(line.get_ydata(), float)
        assert (heights >= low).all() and (heights <= high).all(), line.get_label()
    return axes, [text.get_text() for text in axes.texts] + [text.get_text() for text in figure.legends[0].get_texts()]


@pytest.mark.parametrize("bound", [1.05, 3.0])
@pytest.mark.parametrize("draw", [xray_figures.draw_gradient, xray_figures.draw_weights])
def test_curves_stay_inside_and_bounds_have_names(draw: Any, bound: float) -> None:
    curves = [curve("rnn", 0.9, trained=True, bound=bound), curve("gru", 0.5), curve("lstm", 0.99)]
    _, texts = drawn(draw, {"curves": curves})
    assert {"half of all places", "rnn, this model", "gru, fresh", "lstm, fresh"} <= set(texts)
    assert " 10⁻¹² and less" in texts  # the GRU's gradient is a thousandth of a thousandth of that at the end
    if draw is xray_figures.draw_gradient:
        assert "upper bound, σ(W_hh)·max f′ a step" in texts
        assert (" the bound continues to 10⁴⁸" in texts) == (bound == 3.0)


def test_cells_that_do_equally_well_are_told_apart() -> None:
    cells = ["rnn", "gru", "lstm", "minlstm", "lstm, forget bias 50"]
    scores = [{"lag": lag, "median": 1.0, "seeds": [1.0]} for lag in (5, 10, 20)]
    values = {
        "task": "recall", "seeds": [1], "solved": 0.95, "chance": 0.125, "lags": [5, 10, 20],
        "cells": [{"cell": cell, "scores": scores} for cell in cells],
    }  # fmt: skip
    axes, _ = drawn(xray_figures.draw_task, values)
    lines = [line for line in axes.get_lines() if line.get_label() in cells]
    assert all((line.get_ydata() == 1.0).all() for line in lines)
    assert len({float(line.get_xdata()[0]) for line in lines}) == len(cells)
    # Nearer to their lag than to the next one.
    assert all(abs(line.get_xdata()[0] / 5 - 1) < 0.2 for line in lines)
    widths = [line.get_linewidth() for line in lines]
    assert widths == sorted(set(widths), reverse=True)
    assert len({(line.get_color(), line.get_marker()) for line in lines}) == len(cells)
