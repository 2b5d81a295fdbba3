"""The drawn confusion matrix and reliability diagram hold the numbers of the report."""

from typing import Any

import numpy as np
import pytest

from elman.report.labels_figures import (
    MOST_LABELS,
    confused_pairs,
    confusion_size,
    draw_confusion,
    draw_reliability,
    most_confused,
    short,
)
from elman.report.style import drawn, new_figure


def report_of(confusion: list[list[int]] | np.ndarray, **more: Any) -> dict[str, Any]:
    labels = [f"name {number}" for number in range(len(confusion))]
    return {"labels": labels, "confusion": np.asarray(confusion).tolist(), "multilabel": False, **more}


def test_every_count_stands_in_its_cell() -> None:
    figure = new_figure(4, 4)
    draw_confusion(figure, report_of([[5, 0, 2], [1, 7, 0], [0, 0, 12_345]]))
    (axes,) = figure.axes
    cells = {text.get_position(): text.get_text() for text in axes.texts}
    # Columns are predictions; a cell without examples is blank.
    assert cells == {(0, 0): "5", (2, 0): "2", (0, 1): "1", (1, 1): "7", (2, 2): "12k"}
    assert [label.get_text() for label in axes.get_yticklabels()] == ["name 0", "name 1", "name 2"]
    shades = axes.collections[0].get_array()
    assert shades is not None and np.ravel(shades)[2] == pytest.approx(np.sqrt(2 / 7))
    assert axes.yaxis_inverted()  # the first label is on top


@pytest.mark.slow
def test_of_many_labels_the_most_confused_are_drawn() -> None:
    confusion = np.diag(np.full(60, 9))
    # Labels 3 and 57 are confused most, 10 and 20 a little, nobody else.
    confusion[57, 3], confusion[10, 20] = 4, 1
    kept = most_confused(report_of(confusion), most=4)
    assert kept.names == ["name 3", "name 10", "name 20", "name 57"]
    assert kept.counts.tolist() == [[9, 0, 0, 0], [0, 9, 1, 0], [0, 0, 9, 0], [4, 0, 0, 9]]
    assert kept.support.tolist() == [9, 10, 9, 13]
    figure = new_figure(*confusion_size(60))
    draw_confusion(figure, report_of(confusion))
    assert len(figure.axes[0].get_xticklabels()) == MOST_LABELS
    assert figure.axes[0].get_xlabel() == "predicted (10 labels with fewer mistakes are left out)"


@pytest.mark.slow
def test_the_numbers_of_fifty_labels_do_not_overlap() -> None:
    confusion = np.zeros((50, 50), int)
    confusion[0] = 8888
    figure = new_figure(*confusion_size(50), dpi=72)
    draw_confusion(figure, report_of(confusion))
    figure.canvas.draw()
    axes = figure.axes[0]
    boxes = [text.get_window_extent() for text in axes.texts[:3]]
    assert boxes[0].x1 < boxes[1].x0 and boxes[1].x1 < boxes[2].x0
    names = [label.get_window_extent() for label in axes.get_yticklabels()]
    assert all(below.y1 < above.y0 for above, below in zip(names, names[1:], strict=False))


def test_reliability_shows_each_filled_bin() -> None:
    rows = [
        {"above": 0.0, "up_to": 0.5, "count": 0, "confidence": None, "accuracy": None},
        {"above": 0.5, "up_to": 1.0, "count": 40, "confidence": 0.9, "accuracy": 0.7},
    ]
    report = report_of([[1]], reliability={"expected_calibration_error": 0.2, "bins": rows})
    for multilabel in (False, True):
        figure = new_figure(4, 4)
        draw_reliability(figure, {**report, "multilabel": multilabel})
        upper, lower = figure.axes
        assert np.asarray(upper.lines[1].get_xydata()).tolist() == [[0.9, 0.7]]
        assert [bar.get_height() for bar in lower.patches] == [0, 40]
        assert upper.get_title(loc="right") == "expected calibration error 20.0%"
    assert "share that is true" in upper.get_ylabel()


def test_commonest_mistakes_by_hand() -> None:
    report = report_of([[5, 0, 2], [1, 7, 0], [3, 0, 1]])
    assert confused_pairs(report, most=9) == [
        ("name 2", "name 0", 3, 3 / 4),
        ("name 0", "name 2", 2, 2 / 7),
        ("name 1", "name 0", 1, 1 / 8),
    ]
    assert len(confused_pairs(report, most=2)) == 2


def test_names_cannot_write_to_the_terminal_or_as_mathematics() -> None:
    assert short("\x1b[2J\u202e" + "x" * 30) == "�[2J�" + "x" * 18 + "…"
    report = report_of([[1, 1], [0, 1]])
    report["labels"] = ["$\\frac{$", "<script>"]
    files = drawn("confusion", lambda figure: draw_confusion(figure, report))
    assert b"$\\frac{$" in files["confusion.svg"] and b"<script>" not in files["confusion.svg"]


def test_pictures_have_paper_and_pages_show_through() -> None:
    import io

    from PIL import Image

    files = drawn("confusion", lambda figure: draw_confusion(figure, report_of([[1, 1], [0, 1]])))
    assert Image.open(io.BytesIO(files["confusion.png"])).getpixel((0, 0)) == (255, 255, 255, 255)
    assert b"<image" not in files["confusion.svg"]
