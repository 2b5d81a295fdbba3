"""PictureFormat: size, patches and normalisation of pictures."""

import dataclasses
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.config import Config
from elman.data.pictures import FEATURES, checked_features, read_features, read_picture, resized
from elman.errors import TextError, UsageError

Picture = str | Path | NDArray[Any]
"""A file, or an array: ``[H, W, 3]`` of bytes, or features."""
_LARGEST = 4096
_MOST_PATCHES = 4096


@dataclasses.dataclass(frozen=True, kw_only=True)
class PictureFormat(Config):
    """A size, the patches it is cut into, and the usual values of its channels.

    >>> shape = PictureFormat.of((4, 6, 3), (2, 2), features=False)
    >>> shape.rows, shape.columns, shape.patch, shape.patches(np.full((1, 4, 6, 3), 9, np.uint8)).shape
    (2, 3, 14, (1, 2, 3, 14))
    """

    height: int
    """Rows of pixels, or of features."""
    width: int
    """Pixels, or vectors of features, in a row."""
    channels: int
    """Numbers of a pixel, or size of a vector of features."""
    patch_height: int
    """Rows of pixels in a patch."""
    patch_width: int
    """Pixels in each of them."""
    features: bool = False
    """Whether arrays of features are read instead of pictures."""
    mean: list[float]
    """The mean of each channel in the training part."""
    scale: list[float]
    """Its standard deviation there."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, most in (("height", _LARGEST), ("width", _LARGEST), ("channels", 1 << 20)):
            self.require(name, 1 <= getattr(self, name) <= most, f"at least 1 and at most {most}")
        whole = f"{self.height}x{self.width}"
        patch = f"{self.patch_height}x{self.patch_width}"
        if (
            min(self.patch_height, self.patch_width) < 1
            or self.height % self.patch_height
            or (self.width % self.patch_width)
        ):
            raise UsageError(f"a picture of {whole} cannot be cut into patches of {patch}; they must divide it")
        if self.rows * self.columns > _MOST_PATCHES:
            raise UsageError(f"{whole} in patches of {patch} are more than {_MOST_PATCHES} patches; choose larger ones")
        if (
            not len(self.mean) == len(self.scale) == self.channels
            or not all(isinstance(value, (int, float)) and abs(value) < 1e30 for value in [*self.mean, *self.scale])
            or min(self.scale) <= 0
        ):
            raise UsageError("mean and scale must have a number for each channel")

    @property
    def rows(self) -> int:
        """Rows of patches (R)."""
        return self.height // self.patch_height

    @property
    def columns(self) -> int:
        """Patches in a row (C)."""
        return self.width // self.patch_width

    @property
    def patch(self) -> int:
        """Numbers of a patch (P): its pixels, and where it is."""
        return self.patch_height * self.patch_width * self.channels + 2

    @classmethod
    def of(cls, shape: Sequence[int], patch: tuple[int, int], *, features: bool) -> "PictureFormat":
        """That of pictures ``[H, W, D]``, before their usual values are known."""
        height, width, channels = shape
        return cls(
            height=height, width=width, channels=channels, patch_height=patch[0], patch_width=patch[1],
            features=features, mean=[0.0] * channels, scale=[1.0] * channels,
        )  # fmt: skip

    def fit(self, pictures: NDArray[Any]) -> "PictureFormat":
        """With the usual values of pictures ``[N, H, W, D]``."""
        count, total, squares = 0, np.zeros(self.channels), np.zeros(self.channels)
        for picture in pictures:
            values = picture.reshape(-1, self.channels).astype(np.float64)
            count, total, squares = count + len(values), total + values.sum(0), squares + (values**2).sum(0)
        mean = total / count
        deviation = np.sqrt(np.maximum(squares / count - mean**2, 0))
        scale = np.where(deviation > 1e-6, deviation, 1.0)
        return self.replace(mean=mean.tolist(), scale=scale.tolist())

    def read(self, picture: Picture, *, note: Callable[[str], None] = lambda _: None) -> NDArray[Any]:
        """A picture ``[H, W, D]`` of this size, or its features.

        Raises:
            TextError: it cannot be read, or has features of another shape.
        """
        if isinstance(picture, np.ndarray):
            return self._of_array(picture)
        path, name = Path(picture), str(picture)
        if (path.suffix.lower() == FEATURES) != self.features:
            wanted = f"files of features ({FEATURES})" if self.features else "pictures"
            raise TextError(f"{name}: the model was trained on {wanted}; give one of these")
        if self.features:
            return self._shaped(read_features(path, name=name), name)
        return read_picture(path, name=name, height=self.height, width=self.width, note=note)

    def _of_array(self, array: NDArray[Any]) -> NDArray[Any]:
        if self.features:
            return self._shaped(checked_features(array, name="an array"), "an array")
        if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3 or not array.size:
            raise TextError(f"an array {list(array.shape)} of {array.dtype} is no picture; give [H, W, 3] of uint8")
        if array.shape[:2] == (self.height, self.width):
            return array
        return resized(array, self.height, self.width)

    def _shaped(self, features: NDArray[np.float32], name: str) -> NDArray[np.float32]:
        wanted = (self.height, self.width, self.channels)
        if features.shape != wanted:
            raise TextError(f"{name}: features {list(features.shape)}, not {list(wanted)} as all others")
        return features

    def patches(self, pictures: NDArray[Any]) -> NDArray[np.float32]:
        """The patches ``[N, R, C, P]`` of pictures ``[N, H, W, D]``.

        The last two numbers of a patch say where it is: from -1, top and left, to 1, bottom and
        right.
        """
        values = (pictures.astype(np.float32) - np.array(self.mean, np.float32)) / np.array(self.scale, np.float32)
        cut = values.reshape(
            len(pictures), self.rows, self.patch_height, self.columns, self.patch_width, self.channels
        ).transpose(0, 1, 3, 2, 4, 5)
        flat = cut.reshape(len(pictures), self.rows, self.columns, -1)
        place = np.stack(np.meshgrid(_places(self.rows), _places(self.columns), indexing="ij"), -1)
        return np.concatenate([flat, np.broadcast_to(place, (*flat.shape[:3], 2))], 3, dtype=np.float32)


def parse_size(text: str, *, name: str) -> tuple[int, int]:
    """Height and width of a size as flags have it.

    >>> parse_size("64", name="picture_size"), parse_size("1x8", name="patch_size")
    ((64, 64), (1, 8))

    Raises:
        UsageError: it is neither a number nor two.
    """
    if not (match := re.fullmatch(r"(\d{1,4})(?:x(\d{1,4}))?", text)) or not int(match[1]) or match[2] == "0":
        raise UsageError.of(name, text, "a number of pixels such as 64, or HEIGHTxWIDTH such as 48x64")
    return int(match[1]), int(match[2] or match[1])


def _places(count: int) -> NDArray[np.float32]:
    return np.linspace(-1, 1, count, dtype=np.float32) if count > 1 else np.zeros(1, np.float32)
