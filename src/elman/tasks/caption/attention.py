"""Where a captioner looks in a picture while it writes a caption, word by word."""

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from elman.data.picture_format import Picture
from elman.errors import UsageError
from elman.evaluation.alignments import word_attention, words_of_pieces

if TYPE_CHECKING:
    from elman.tasks.caption.model import Captioner

_DIGITS = 4


@dataclasses.dataclass(frozen=True, eq=False)
class PictureAttention:
    """A picture, its caption, and how much each word looked at each patch.

    >>> looked = np.array([[[0.1, 0.9]], [[0.7, 0.3]]])
    >>> print(PictureAttention(np.zeros((4, 8, 3), np.uint8), ("red", "circle"), looked))
    red circle
    red     row 1, column 2  0.90
    circle  row 1, column 1  0.70
    """

    pixels: NDArray[Any]
    """The picture as the model reads it ``[H, W, D]``."""
    words: tuple[str, ...]
    """What stands between blanks."""
    weights: NDArray[np.float64]
    """``[T, R, C]``, from 0 to 1."""

    def to_json(self) -> dict[str, Any]:
        """Words and weights."""
        return {"words": list(self.words), "attention": self.weights.round(_DIGITS).tolist()}

    def __str__(self) -> str:
        """The caption, and a line for each of its words with the patch that it looked at most."""
        width = max(map(len, self.words), default=0)
        lines = [" ".join(self.words)]
        for word, weights in zip(self.words, self.weights, strict=True):
            row, column = np.unravel_index(int(weights.argmax()), weights.shape)
            lines.append(f"{word:{width}}  row {row + 1}, column {column + 1}  {weights.max():.2f}")
        return "\n".join(lines)


def picture_attention(model: "Captioner", picture: Picture, caption: str) -> PictureAttention:
    """The attention of a model on a picture, the caption being given.

    Raises:
        UsageError: the model has no attention.
    """
    if not model.config.attends:
        raise UsageError("this captioner has no attention (it was trained with --attention none); train one that has")
    pixels, written = model.shape.read(picture), model.tokenizer.encode(caption)
    (weights,) = model.reading([pixels]).attention([written.ids])
    places, words = np.arange(weights.shape[1]), words_of_pieces(caption, written.spans)
    by_word = word_attention(weights, places, words)
    return PictureAttention(pixels, tuple(caption.split()), by_word.reshape(-1, model.shape.rows, model.shape.columns))
