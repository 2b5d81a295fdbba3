"""The report on a captioner as a page that stands alone."""

import numpy as np
import pytest

from elman.data.captioned_pictures import CaptionedPictures
from elman.evaluation.captions import evaluate_captions
from elman.report.captions_page import ShownPicture, draw_captioned, write_captions_page
from elman.report.style import INK, OWN, new_figure

SAID = [("two <b>red</b> circles", "circles"), ("a blue square",), ("it costs $5 or $6",)]
WRITTEN = ["circles", "a red square", "it costs $5 or $6"]


def example(attention: bool = False) -> tuple[dict, list[ShownPicture]]:
    pixels = np.random.default_rng(1).integers(0, 256, (3, 8, 16, 3)).astype(np.uint8)
    pictures = CaptionedPictures(["a", "b", "c"], pixels, SAID)
    report = evaluate_captions(pictures, WRITTEN, rivals={"one": ["circles"] * 3}, notes=["a note"], resamples=50)
    shown = [ShownPicture(*each) for each in zip(pixels, WRITTEN, SAID, strict=True)]
    if attention:
        shown[0] = shown[0]._replace(words=["circles"], weights=np.ones((1, 2, 4)) / 8)
    return report.to_json(), shown


def test_wrong_captions_are_told_from_right_ones() -> None:
    figure, (_, shown) = new_figure(6.8, 3), example()
    draw_captioned(figure, [*shown, ShownPicture(np.ones((1, 2, 4), np.float32), "", ("x",))])
    found = [
        (axes.get_title(), axes.title.get_color(), [text.get_text() for text in axes.texts]) for axes in figure.axes
    ]
    assert found == [
        ("circles", INK, []),
        ("a red square", OWN, ["a blue square"]),
        (r"it costs \$5 or \$6", INK, []),
        ("(nothing)", OWN, ["x"]),
    ]


@pytest.mark.slow
def test_the_page_stands_alone(tmp_path) -> None:
    report, shown = example(attention=True)
    files = write_captions_page(tmp_path, report, shown)
    names = {"report.html", *(f"{name}.{kind}" for name in ("pictures", "attention-1") for kind in ("png", "svg"))}
    assert {file.name for file in files} == names
    page = files[0].read_text(encoding="utf-8")
    assert "https://" not in page and "3 pictures, 4 captions" in page and "nrefs:" in page and "a note" in page
    assert page.index("Figures") < page.index("Some pictures") < page.index("Attention, picture 1")
