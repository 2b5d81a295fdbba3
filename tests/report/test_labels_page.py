"""The report on labelled examples as exact text, and as a page that stands alone."""

import re
from pathlib import Path

import numpy as np
import pytest

from elman.evaluation.labels import evaluate_labels
from elman.report.labels_page import labels_table, write_labels_page


def example_report(**more: object) -> dict:
    truth = np.repeat([0, 1], [60, 40])
    answers = np.where(np.arange(100) % 5 == 0, 1 - truth, truth)
    probabilities = np.where(answers[:, None] == [0, 1], 0.75, 0.25)
    rivals = {"the most frequent label": np.tile([0.6, 0.4], (100, 1))}
    texts = [f"<b>text {number}\x1b[31m" for number in range(100)]
    report = evaluate_labels(
        truth, probabilities, names=["bad", "good"], rivals=rivals, texts=texts, model="lstm", signature="task:classify"
    )
    return {**report.to_json(), **more}


def test_the_table_is_exact() -> None:
    report = example_report(notes=["A note."])
    shown = labels_table(report).split("\n\n")
    scores = report["scores"]
    low, high = (f"{100 * scores['accuracy'][bound]:.1f}" for bound in ("low", "high"))
    assert shown[0].startswith("Better than the most frequent label by 20.0 points of accuracy (")
    head, first, second = shown[1].splitlines()
    assert head.split("  ")[-1].strip() == "difference" and head.index("accuracy") > 20
    assert first.startswith("lstm ") and f"80.0 ({low} to {high})" in first
    # log loss: 80 times -log 0.75, 20 times -log 0.25; promised 75%, kept 80%.
    assert first.endswith("0.507                5.0")
    assert second.startswith("the most frequent label  60.0 (") and " 20.0 (" in second
    assert shown[2].splitlines() == [
        "label  precision  recall    F1  examples  predicted",
        "bad         85.7    80.0  82.8        60         56",
        "good        72.7    80.0  76.2        40         44",
    ]
    assert shown[3].splitlines() == [
        "true \\ predicted  bad  good",
        "bad                48    12",
        "good                8    32",
    ]
    assert shown[4:] == ["A note.", "signature: task:classify"]


def test_many_labels_are_cut_down_to_the_worst() -> None:
    truth = np.arange(600) % 60
    answers = np.where((truth >= 50) & (np.arange(600) % 7 == 0), (truth + 1) % 60, truth)
    probabilities = np.where(answers[:, None] == np.arange(60), 0.9, 0.1 / 59)
    report = evaluate_labels(truth, probabilities, names=[f"n{k}" for k in range(60)]).to_json()
    scores, labels, pairs = labels_table(report).split("\n\n")[1:4]
    # Of n56 two of ten are missed, and two of n55 are taken for it.
    assert len(labels.splitlines()) == 51
    assert labels.splitlines()[1].split() == ["n56", "80.0", "80.0", "80.0", "10", "10"]
    assert "difference" not in scores
    assert pairs.splitlines()[0].split() == ["true", "predicted", "examples", "of", "the", "true", "label's"]
    assert ["n56", "n57", "2", "20.0%"] in [row.split() for row in pairs.splitlines()]


@pytest.mark.slow
def test_several_labels_have_no_confusion_matrix(tmp_path: Path) -> None:
    truth = np.array([[1, 0], [0, 1], [1, 1]] * 20, bool)
    report = evaluate_labels(truth, truth * 0.8 + 0.1, names=["a", "b"], rivals={"r": truth * 0.3}).to_json()
    assert "micro F1" in labels_table(report) and "true \\ predicted" not in labels_table(report)
    page, *pictures = write_labels_page(tmp_path, report)
    assert {path.name for path in pictures} == {"reliability.png", "reliability.svg"}
    assert "whose labels are all correct" in page.read_text(encoding="utf-8")


def test_the_page_stands_alone_and_escapes(tmp_path: Path) -> None:
    page, *pictures = write_labels_page(tmp_path, example_report())
    text = page.read_text(encoding="utf-8")
    assert {path.name for path in pictures} == {
        "confusion.png", "confusion.svg", "reliability.png", "reliability.svg",
    }  # fmt: skip
    assert "&lt;b&gt;text 0�[31m" in text and "<b>" not in text and "\x1b" not in text and "<script" not in text
    assert "Better than the most frequent label by 20.0 points" in text and "task:classify" in text
    assert not re.findall(r"""(?:src|href)\s*=\s*["'](?!#)|url\((?!#)|@import""", text)
