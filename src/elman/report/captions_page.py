"""A report on a captioner as a page: figures, pictures with captions, and where the model looked.

``report`` is what ``CaptionReport.to_json`` gives.
"""

import textwrap
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.report.labels_figures import short
from elman.report.labels_page import PAGE_FILE
from elman.report.page import Section, write_page
from elman.report.picture_attention import as_pixels, attention_size, draw_picture_attention
from elman.report.style import INK, OWN
from elman.report.translations_page import FIGURES, scores_rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_SHOWN = 20
_ACROSS = 4
_SIDE = 1.7
_LINE = 22
_LONGEST = 90


class ShownPicture(NamedTuple):
    """A picture of the page."""

    pixels: NDArray[Any]
    """``[H, W, 3]`` of bytes, or features ``[H, W, D]``."""
    predicted: str
    captions: Sequence[str]
    """What people said of it."""
    words: Sequence[str] = ()
    weights: NDArray[np.floating] | None = None
    """Where each word looked ``[T, R, C]``; None to draw no attention."""


def write_captions_page(
    folder: Path, report: Mapping[str, Any], shown: Sequence[ShownPicture], *, title: str = "How good the captions are"
) -> list[Path]:
    """Write ``report.html`` and its pictures into a folder; returns all files, the page first.

    Raises:
        StorageError: the folder cannot be written.
    """
    about = (
        "From 0 to 100, with 95% intervals of a bootstrap over pictures; differences are of the same resamples. "
        "BLEU and chrF are those of sacreBLEU, against all captions of a picture; an exact match is with any of them."
    )
    some = (
        "Drawn at random. Above each picture is what the model wrote; if nobody said that, below is what somebody said."
    )
    height = -(-len(shown) // _ACROSS) * (_SIDE + 0.75)
    sections = [
        Section("Verdict", [report["verdict"], *report["notes"]]),
        Section("Figures", [about], table=scores_rows(report)),
        Section(
            "Some pictures", [some], "pictures", partial(draw_captioned, shown=shown), height, width=_SIDE * _ACROSS
        ),
    ]
    looks = "The picture again for each word, bright where the network looked while it wrote the word."
    for number, each in enumerate((each for each in shown if each.weights is not None), start=1):
        assert each.weights is not None
        width, height = attention_size(len(each.words), height=each.pixels.shape[0], width=each.pixels.shape[1])
        draw = partial(draw_picture_attention, pixels=each.pixels, words=each.words, weights=each.weights)
        name = f"attention-{number}"
        sections.append(Section(f"Attention, picture {number}", [looks], name, draw, height, width=width))
    lines = "; ".join(f"{FIGURES[name]} {line}" for name, line in report["signatures"].items())
    head = f"{report['pictures']:,} pictures, {report['references']:,} captions. {report['signature']}. {lines}"
    return write_page(folder, PAGE_FILE, title=title, head=head, sections=sections)


def draw_captioned(figure: "Figure", shown: Sequence[ShownPicture]) -> None:
    """Pictures, above each the caption of the model, below what was expected instead."""
    axes = figure.subplots(-(-len(shown) // _ACROSS), _ACROSS, squeeze=False).ravel()
    for each in axes:
        each.set_axis_off()
    for each, picture in zip(axes, shown, strict=False):
        height, width = picture.pixels.shape[:2]
        each.imshow(as_pixels(picture.pixels), extent=(0, width, height, 0), interpolation="nearest")
        right = picture.predicted in picture.captions
        each.set_title(_wrapped(picture.predicted) or "(nothing)", color=INK if right else OWN, fontsize=8)
        if not right:
            expected = _wrapped(picture.captions[0])
            each.text(width / 2, 1.04 * height, expected, color=INK, fontsize=7, ha="center", va="top")


def _wrapped(text: str) -> str:
    # matplotlib reads what stands between dollars as mathematics.
    return textwrap.fill(short(text, longest=_LONGEST), _LINE).replace("$", r"\$")
