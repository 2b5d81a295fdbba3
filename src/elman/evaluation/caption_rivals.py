"""The simple rivals of a captioner: the most frequent caption, and that of the nearest training
picture."""

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from elman.data.captioned_pictures import CaptionedPictures
from elman.data.picture_format import PictureFormat

_AT_ONCE = 256


def most_frequent_caption(train: CaptionedPictures) -> str:
    """The caption that occurs most often; of equal ones the first.

    >>> most_frequent_caption(CaptionedPictures(["a", "b"], np.zeros((2, 1, 1, 3)), [("x", "y"), ("y",)]))
    'y'
    """
    return Counter(caption for captions in train.captions for caption in captions).most_common(1)[0][0]


def nearest_captions(train: CaptionedPictures, shape: PictureFormat, pictures: NDArray) -> list[str]:
    """For each of ``pictures[N, H, W, D]`` the first caption of the training picture whose numbers
    are nearest.

    The distance is Euclidean, of pixels or features as the network reads them.
    """
    nearest = np.full(len(pictures), np.inf, np.float32)
    found = np.zeros(len(pictures), np.int64)
    for start in range(0, len(train), _AT_ONCE):
        known = _flat(shape, train.pictures[start : start + _AT_ONCE])
        for first in range(0, len(pictures), _AT_ONCE):
            some = slice(first, first + _AT_ONCE)
            rows = _flat(shape, pictures[some])
            distances = (rows**2).sum(1)[:, None] - 2 * rows @ known.T + (known**2).sum(1)
            best = distances.argmin(1)
            least = distances[np.arange(len(rows)), best]
            closer = least < nearest[some]
            nearest[some][closer], found[some][closer] = least[closer], start + best[closer]
    return [train.captions[row][0] for row in found.tolist()]


def _flat(shape: PictureFormat, pictures: NDArray) -> NDArray[np.float32]:
    return shape.patches(pictures).reshape(len(pictures), -1)
