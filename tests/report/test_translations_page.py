"""The report on a translator as exact text, and as a page that stands alone."""

import pytest

from elman.data.pairs import Pairs
from elman.evaluation.translations import evaluate_translations
from elman.report.style import new_figure
from elman.report.translations_page import draw_by_length, translations_table, write_translations_page

PAIRS = Pairs(
    [f"das <b>Haus</b> ist {number}" + " Jahre" * (number % 4) for number in range(40)],
    [f"the <b>house</b> is {number}" + " years" * (number % 4) for number in range(40)],
)


def example_report() -> dict:
    return evaluate_translations(
        PAIRS, PAIRS.target, rivals={"a copy": PAIRS.source}, model="gru", notes=["a note"], resamples=50
    ).to_json()


def test_the_table_is_exact() -> None:
    verdict, scores, lengths, note, signatures = translations_table(example_report()).split("\n\n")
    assert verdict.startswith("Better than a copy by 69.8 points of BLEU (") and note == "a note"
    rows = [line.split() for line in scores.splitlines()]
    assert rows[0] == ["gru", "a", "copy"]
    assert rows[1][:4] == ["BLEU", "100.0", "(100.0", "to"]
    assert [row[0] for row in rows[1:]] == ["BLEU", "BLEU,", "chrF", "exact", "difference"]
    assert lengths.splitlines()[0].split("  ")[-2:] == ["BLEU of gru", "BLEU of a copy"]
    # Four words and up to three years: 4 and 5 words, 6 and 7 words.
    assert [line.split()[:3] for line in lengths.splitlines()[1:]] == [["1-5", "20", "100.0"], ["6-10", "20", "100.0"]]
    assert "chrF: nrefs:1|case:mixed|" in signatures and "\nsignature: task:translate|" in signatures


def test_by_length_is_a_line_for_each_translator() -> None:
    report, figure = example_report(), new_figure(4.6, 3.4)
    draw_by_length(figure, report["by_length"])
    (axes,) = figure.axes
    drawn = {line.get_label(): list(line.get_ydata()) for line in axes.lines}
    assert drawn == {name: [group["bleu"][name] for group in report["by_length"]] for name in ("gru", "a copy")}
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1-5\n(20)", "6-10\n(20)"]


@pytest.mark.slow
def test_the_page_stands_alone(tmp_path) -> None:
    sentence = {"source": ["das"], "target": ["the"], "attention": [[1.0]]}
    files = write_translations_page(tmp_path, example_report(), attention=[sentence])
    names = {"report.html", *(f"{name}.{kind}" for name in ("by-length", "attention-1") for kind in ("png", "svg"))}
    assert {file.name for file in files} == names
    page = files[0].read_text(encoding="utf-8")
    assert "<b>Haus" not in page and "&lt;b&gt;Haus" in page and "https://" not in page
    assert page.index("Verdict") < page.index("Short and long sentences") < page.index("Attention, sentence 1")
    assert "100.0 (100.0 to 100.0)" in page and "nrefs:1" in page
