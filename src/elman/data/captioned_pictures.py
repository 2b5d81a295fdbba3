"""Pictures with captions: each picture once, with all that is said of it."""

import dataclasses
import hashlib
import itertools
from collections.abc import Iterable
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.captions import CaptionsConfig, read_captions
from elman.data.example_splits import hold_out_tenth
from elman.data.picture_format import PictureFormat
from elman.data.pictures import FEATURES, read_features
from elman.errors import TextError
from elman.progress import Progress
from elman.text.corpus import Sources

_MOST_BYTES = 1 << 32
"""Of all pictures of one part as they are read."""


@dataclasses.dataclass(frozen=True, eq=False)
class CaptionedPictures:
    """N pictures, and what is said of each."""

    names: list[str]
    """Their files."""
    pictures: NDArray[Any]
    """``[N, H, W, D]``: bytes, or features as float32."""
    captions: list[tuple[str, ...]]
    """At least one of each, in normal form."""

    def __len__(self) -> int:
        return len(self.names)

    def take(self, rows: Iterable[int]) -> "CaptionedPictures":
        """Some of the pictures, by their numbers."""
        chosen = list(rows)
        return CaptionedPictures(
            [self.names[row] for row in chosen], self.pictures[chosen], [self.captions[row] for row in chosen]
        )

    @cached_property
    def digests(self) -> list[str]:
        """The SHA-256 of each picture, as 64 hex digits."""
        return [hashlib.sha256(picture.tobytes()).hexdigest() for picture in self.pictures]

    @cached_property
    def hash(self) -> str:
        """The SHA-256 of all pictures and captions, as 64 hex digits."""
        digest = hashlib.sha256()
        for picture, captions in zip(self.digests, self.captions, strict=True):
            digest.update("\0".join([picture, *captions, "\n"]).encode())
        return digest.hexdigest()


def hold_out_pictures(pictures: CaptionedPictures) -> tuple[CaptionedPictures, CaptionedPictures]:
    """A training part, and one picture in ten for validation; equal pictures stay together.

    Raises:
        TextError: too few pictures.
    """
    digests = pictures.digests
    parts = hold_out_tenth(range(len(pictures)), lambda row: digests[row], unit="pictures")
    return pictures.take(parts[0]), pictures.take(parts[1])


def read_captioned(
    sources: Sources, *, config: CaptionsConfig, shape: PictureFormat | None = None, progress: Progress | None = None
) -> tuple[CaptionedPictures, PictureFormat]:
    """The pictures of all sources with their captions, and their format.

    Args:
        shape: the format that they must have (default: as ``config`` says, or that of the first
            features).

    Raises:
        MissingExtra: Pillow is not installed.
        TextError: a file is in none of the formats, or a picture cannot be read.
    """
    progress = progress or Progress()
    captions = read_captions(sources, config=config, progress=progress)
    first = next(iter(captions))
    if shape is None:
        has_features = first.suffix.lower() == FEATURES
        size = read_features(first, name=str(first)).shape if has_features else (*config.size, 3)
        shape = PictureFormat.of(size, (1, 1) if has_features else config.patch, features=has_features)
    kept, arrays, broken, notes = [], [], [], dict[str, None]()
    with progress.stage("reading pictures", total=len(captions), unit="pictures") as advance:
        for path in captions:
            try:
                arrays.append(shape.read(path, note=lambda text: notes.setdefault(text)))
                kept.append(path)
            except TextError as error:
                if not config.skip_broken:
                    where = "" if path.exists() else "--images says where pictures are, "
                    raise TextError(f"{error} ({where}--skip-broken leaves such pictures out)") from error
                broken.append(str(error))
            if sum(array.nbytes for array in arrays[-1:]) * len(arrays) > _MOST_BYTES:
                raise TextError(f"more than {_MOST_BYTES >> 30} GiB of pictures; give fewer, or smaller ones")
            advance(1)
    for note in itertools.islice(notes, 3):
        progress.say(f"note: {note}" + (f" (and {len(notes) - 3} more like it)" if len(notes) > 3 else ""))
    if broken:
        progress.say(f"note: {len(broken):,} of {len(captions):,} pictures left out; {broken[0]}")
    if not kept:
        raise TextError(f"no picture is left; {broken[0]}")
    return CaptionedPictures([str(path) for path in kept], np.stack(arrays), [captions[path] for path in kept]), shape
