"""The report on a tagger as exact text, and as a page that stands alone."""

import re
from pathlib import Path

import pytest

from elman.evaluation.tags import evaluate_tags
from elman.report.tags_page import tags_table, write_tags_page

WORDS = [["Ada", "<b>saw\x1b[31m", "Rome"]] * 40
TRUTH = [["B-person", "O", "B-place"]] * 40
FOUND = [["B-person", "O", "B-place"]] * 20 + [["B-person", "O", "I-place"]] * 10 + [["O", "O", "B-person"]] * 10


def example_report(*, scheme: str | None = "BIO") -> dict:
    return evaluate_tags(
        WORDS, TRUTH, FOUND, scheme=scheme, known={"Ada"}, rivals={"nobody": [["O"] * 3] * 40},
        probabilities=[[0.9, 0.8, 0.7]] * 40, model="lstm", signature="task:tag", resamples=100, shuffles=99,
    ).to_json()  # fmt: skip


def test_the_table_is_exact() -> None:
    verdict, scores, types, confusion, note, signature = tags_table(example_report()).split("\n\n")
    assert verdict.startswith("Better than nobody by 80.0 points of F1 (") and signature == "signature: task:tag"
    rows = {line[0]: line[1:] for line in (re.split(r" {2,}", row.strip()) for row in scores.splitlines()[1:])}
    # 60 of 80 spans are found, among 70; strictly 50 among 60.
    shown = {name: values[0].split()[0] for name, values in rows.items()}
    assert (shown["precision"], shown["recall"]) == ("85.7", "75.0")
    assert rows["F1 (as conlleval)"][1] == "0.0 (0.0 to 0.0)" and shown["F1 (as conlleval)"] == "80.0"
    assert shown["F1 (as seqeval, strict)"] == "71.4" and shown["tags of words"] == "75.0"
    assert shown["surface F1 (as WNUT-17)"] == "80.0"  # Ada and Rome, of three forms
    assert shown["difference in F1 (as conlleval)"] == "80.0" and shown["p-value of the difference"] == "0.010"
    assert types.splitlines() == [
        "type    precision  recall    F1  strict F1  spans  predicted",
        "person       75.0    75.0  75.0       75.0     40         40",
        "place       100.0    75.0  85.7       66.7     40         30",
    ]
    assert confusion.splitlines()[1:] == ["O                 40       0      0", "person            10      30      0",
                                          "place              0      10     30"]  # fmt: skip
    assert note.startswith("The predicted tags of 10 sentences break the rules of the scheme")


def test_tags_that_are_no_spans() -> None:
    report = example_report(scheme=None)
    _, scores, tags, _, _ = tags_table(report).split("\n\n")
    names = [line.split("  ")[0] for line in scores.splitlines()[1:]]
    assert names == ["accuracy", "accuracy on unknown words", "sentences without a mistake", "macro F1",
                     "difference in accuracy", "p-value of the difference"]  # fmt: skip
    assert tags.splitlines()[0].split() == ["tag", "precision", "recall", "F1", "words", "predicted"]


@pytest.mark.slow
def test_the_page_stands_alone(tmp_path: Path) -> None:
    curve = [
        {"examples": size, "accuracy": {"value": 0.5 + size / 100, "low": 0.4, "high": 0.9}} for size in (5, 10, 20)
    ]
    files = write_tags_page(tmp_path / "page", {**example_report(), "learning_curve": curve})
    assert {file.name for file in files} == {
        "report.html", "learning-curve.png", "learning-curve.svg", "confusion.png", "confusion.svg",
        "reliability.png", "reliability.svg",
    }  # fmt: skip
    page = files[0].read_text()
    assert "<b>saw" not in page and "&lt;b&gt;saw�[31m" in page and "http://www.w3.org" in page
    assert "https://" not in page and "The most confident mistakes" in page
    assert "20 sentences" in page and "70.0 (40.0 to 90.0)" in page and "2 of 3" not in page
    assert "Unknown are words that training did not have: 80 of 120." in page
