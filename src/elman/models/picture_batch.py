"""A batch of pictures with captions as a captioner's network reads it, without torch."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.data.part import Part


class PictureBatch(NamedTuple):
    """B pictures, each with a caption that `</s>` ends."""

    patches: NDArray[np.float32]
    """``[B, R, C, P]``: R rows of C patches."""
    target: NDArray[np.int64]
    """``[B, T]``; any ids at padding."""
    target_lengths: NDArray[np.int64]
    """Real tokens ``[B]``, at least 1."""

    @property
    def rows(self) -> int:
        """B."""
        return len(self.patches)

    def part(self, part: Part) -> "PictureBatch":
        """Some of the pictures, their captions padded as all of them."""
        some = part.slice
        return PictureBatch(self.patches[some], self.target[some], self.target_lengths[some])
