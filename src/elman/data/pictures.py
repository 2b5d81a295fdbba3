"""Pictures as arrays, read by Pillow, and features that were computed elsewhere, read from ``.npy``
files.

A picture is ``[H, W, 3]``, red, green and blue from 0 to 255, the right way up, on white where it
is transparent. Features are ``[H, W, D]``; a list of N vectors is a row ``[1, N, D]``.
"""

import importlib
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from elman.errors import MissingExtra, TextError

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM")
"""What is read; Pillow knows more, some of which start other programs."""
MOST_PIXELS = 1 << 26
"""Of a picture; a small file may claim to be a picture that fills all memory."""
MOST_NUMBERS = 1 << 22
"""Of the features of one picture."""
FEATURES = ".npy"
"""The suffix of files with features."""


def read_picture(
    file: Path | BinaryIO,
    *,
    name: str,
    height: int,
    width: int,
    note: Callable[[str], None] = lambda _: None,
    most: int = MOST_PIXELS,
) -> NDArray[np.uint8]:
    """A picture ``[H, W, 3]``, stretched to a height and a width.

    Args:
        name: that of the file, for messages.
        most: pixels of a picture; larger ones are refused before they are decoded.
        note: what was left out is told to it.

    Raises:
        MissingExtra: Pillow is not installed.
        TextError: no picture, a broken one, or one that is too large.
    """
    _check_file(file, name)
    image_module, operations = _pillow("Image"), _pillow("ImageOps")
    too_large = TextError(f"{name}: a picture of more than {most:,} pixels; make it smaller")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with image_module.open(file, formats=FORMATS) as image:
                if image.width * image.height > most:
                    raise too_large
                if getattr(image, "is_animated", False):
                    note(f"{name} has several pictures; the first one is taken")
                upright = _in_8_bits(operations.exif_transpose(image), name)
                return _on_white(upright, image_module, height, width)
    except image_module.DecompressionBombError as error:
        raise too_large from error
    except image_module.UnidentifiedImageError as error:
        known = ", ".join(FORMATS)
        raise TextError(f"{name}: not a picture that can be read ({known}); convert it, or leave it out") from error
    except TextError:
        raise
    except FileNotFoundError as error:
        raise TextError(f"{name}: no such file; check its name and folder") from error
    except Exception as error:  # a decoder may stumble over a broken file in any way
        why = " ".join(str(error).split())[:100] or type(error).__name__
        raise TextError(f"{name}: the picture is broken ({why}); replace it, or leave it out") from error


def resized(picture: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """A picture ``[H, W, 3]``, stretched to a height and a width.

    Raises:
        MissingExtra: Pillow is not installed.
    """
    image_module = _pillow("Image")
    return np.asarray(image_module.fromarray(picture).resize((width, height), image_module.Resampling.BILINEAR))


def _check_file(file: Path | BinaryIO, name: str) -> None:
    """Refuse what may never end or never begin."""
    if isinstance(file, Path) and file.is_dir():
        raise TextError(f"{name}: a folder; name the files in it, such as {file / '*'}")
    if isinstance(file, Path) and file.exists() and not file.is_file():
        raise TextError(f"{name}: a pipe, a socket or a device; name a file")


def read_features(file: Path, *, name: str) -> NDArray[np.float32]:
    """The features of a picture ``[H, W, D]``; nothing in the file is executed.

    Raises:
        TextError: not an array of two or three axes of finite numbers, or too large.
    """
    _check_file(file, name)
    try:
        array = np.lib.format.open_memmap(file, mode="r")
    except FileNotFoundError as error:
        raise TextError(f"{name}: no such file; check its name and folder") from error
    except Exception as error:  # as above
        raise TextError(f"{name}: not an array that numpy.save wrote without objects; write it again") from error
    return checked_features(array, name=name)


def checked_features(array: NDArray[Any], *, name: str) -> NDArray[np.float32]:
    """Features as ``read_features`` gives them.

    >>> checked_features(np.zeros((4, 2)), name="a.npy").shape
    (1, 4, 2)
    """
    if array.ndim not in (2, 3) or array.dtype.kind not in "fiu" or not 0 < array.size <= MOST_NUMBERS:
        raise TextError(
            f"{name}: an array {list(array.shape)} of {array.dtype}; features are numbers [N, D] or [H, W, D], at most "
            f"{MOST_NUMBERS >> 20} million"
        )
    with np.errstate(over="ignore"):
        features = np.asarray(array, np.float32)
    if not np.isfinite(features).all():
        raise TextError(f"{name}: some of its numbers are not finite; compute it again")
    return features[None] if features.ndim == 2 else features


def _pillow(part: str) -> Any:
    try:
        return importlib.import_module(f"PIL.{part}")
    except ImportError as error:
        raise MissingExtra("pictures need Pillow; run: pip install 'elman[tasks]'") from error


def _in_8_bits(image: Any, name: str) -> Any:
    """The picture with at most 8 bits for a channel; Pillow would cut off all above 255."""
    if not image.mode.startswith(("I", "F")):
        return image
    values = np.asarray(image)
    if image.mode == "F" or values.min() < 0 or values.max() > 65535:
        raise TextError(f"{name}: a picture with more than 16 bits for a channel; convert it to 8 bits")
    return _pillow("Image").fromarray((values // 257).astype(np.uint8))


def _on_white(image: Any, module: Any, height: int, width: int) -> NDArray[np.uint8]:
    clear = image.has_transparency_data
    small = image.convert("RGBA" if clear else "RGB").resize((width, height), module.Resampling.BILINEAR)
    if clear:
        small = module.alpha_composite(module.new("RGBA", small.size, "white"), small).convert("RGB")
    return np.asarray(small, np.uint8)
