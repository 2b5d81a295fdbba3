"""Where a captioner looked, drawn: the picture once for each word, bright where the word looked."""

import math
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from elman.report.labels_figures import short
from elman.report.style import INK, drawn

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_WORDS = 30
"""A picture shows so many words; the rest is cut off."""
_ACROSS = 5
_SIDE = 1.25
_LONGEST = 16
_DIMMED = 0.82
"""Opacity of the cover over a patch without attention."""


def draw_picture_attention(
    figure: "Figure", pixels: NDArray[Any], words: Sequence[str], weights: NDArray[np.floating]
) -> None:
    """The picture, and it again for each word.

    Args:
        pixels: ``[H, W, 3]`` of bytes; of features, their lengths are shown in grey.
        weights: of each word over the patches ``[T, R, C]``; the patch that it looked at most is
            uncovered.
    """
    pixels = as_pixels(pixels)
    height, width = pixels.shape[:2]
    shown = [("", None), *zip(words[:MOST_WORDS], weights, strict=False)]
    across = min(_ACROSS, len(shown))
    axes = figure.subplots(-(-len(shown) // across), across, squeeze=False).ravel()
    for each in axes:
        each.set_axis_off()
    for each, (word, looked) in zip(axes, shown, strict=False):
        each.imshow(pixels, extent=(0, width, height, 0), interpolation="nearest")
        each.set_title(short(word, longest=_LONGEST) if word else "the picture", color=INK)
        each.add_patch(_frame(width, height))
        if looked is not None:
            cover = np.zeros((*looked.shape, 4))
            cover[..., 3] = _DIMMED * (1 - looked / max(float(looked.max()), 1e-9))
            each.imshow(cover, extent=(0, width, height, 0), interpolation="nearest")


def as_pixels(picture: NDArray[Any]) -> NDArray[np.uint8]:
    """A picture ``[H, W, 3]`` of bytes; of features their lengths in grey."""
    if picture.shape[2] == 3 and picture.dtype == np.uint8:
        return picture
    lengths = np.linalg.norm(picture, axis=2)
    return np.repeat((255 * lengths / max(float(lengths.max()), 1e-9)).astype(np.uint8)[..., None], 3, axis=2)


def attention_size(words: int, *, height: int, width: int) -> tuple[float, float]:
    """Width and height of a drawing of so many words and a picture of such a size (inches)."""
    count = min(words, MOST_WORDS) + 1
    ratio = min(max(height / width, 0.2), 5)
    across = min(_ACROSS, count)
    return _SIDE * across, math.ceil(count / across) * (_SIDE * ratio + 0.25)


def picture_attention_files(
    pixels: NDArray[Any], words: Sequence[str], weights: NDArray[np.floating]
) -> dict[str, bytes]:
    """``draw_picture_attention`` as ``png`` and ``svg``."""
    width, height = attention_size(len(words), height=pixels.shape[0], width=pixels.shape[1])
    draw = partial(draw_picture_attention, pixels=pixels, words=words, weights=weights)
    files = drawn("attention", draw, width=width, height=height)
    return {name.rpartition(".")[2]: data for name, data in files.items()}


def _frame(width: int, height: int) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((0, 0), width, height, fill=False, edgecolor=INK, lw=0.6)
