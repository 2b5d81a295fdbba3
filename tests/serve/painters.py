"""A captioner that names the brightest colour of each half of a picture."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from elman.data.picture_format import Picture, PictureFormat
from elman.errors import UsageError
from elman.tasks.caption.attention import PictureAttention
from elman.tasks.caption.caption import Caption

COLOURS = ("red", "green", "blue")


class Painter:
    """Stands for a ``Captioner`` of pictures of 4 x 8 pixels in patches of 4 x 4: "red on blue"
    looks left at "red", right at "blue".

    Args:
        features: whether it reads vectors of three numbers, ``[1, 2, 3]``, instead of pictures.
        attends: whether it has attention.
    """

    model_hash = "painter"

    def __init__(self, *, features: bool = False, attends: bool = True) -> None:
        shape, patch = ((1, 2, 3), (1, 1)) if features else ((4, 8, 3), (4, 4))
        self.shape = PictureFormat.of(shape, patch, features=features)
        self.attends = attends

    def predictions(self, pictures: Iterable[Picture], *, begin: str = "", **options: Any) -> Iterator[Caption]:
        for picture in map(self.shape.read, pictures):
            half = self.shape.width // 2
            left, right = (COLOURS[int(side.mean((0, 1)).argmax())] for side in (picture[:, :half], picture[:, half:]))
            best = range(options.get("n_best", 1))
            texts = tuple(f"{begin}{left} on {right}" + "!" * number for number in best)
            yield Caption("", texts, tuple(-0.5 * (number + 1) for number in best))

    def picture_attention(self, picture: Picture, caption: str) -> PictureAttention:
        if not self.attends:
            raise UsageError("this captioner has no attention")
        words = tuple(caption.split())
        share = np.linspace(0, 1, len(words))
        return PictureAttention(self.shape.read(picture), words, np.stack([1 - share, share], 1)[:, None, :])

    def describe(self) -> dict[str, Any]:
        patches = [self.shape.rows, self.shape.columns]
        return {"name": "painter", "attention": "dot" if self.attends else "none", "patches": patches}
