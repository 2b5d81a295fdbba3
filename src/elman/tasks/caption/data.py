"""The data of a captioner: read and split; tokens and usual values are fitted on the training part
only."""

import dataclasses
import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.captioned_pictures import CaptionedPictures, hold_out_pictures, read_captioned
from elman.data.padding import pad
from elman.data.picture_format import PictureFormat
from elman.models.captioner_config import CaptionerSizes
from elman.models.picture_batch import PictureBatch
from elman.progress import Progress, counted
from elman.tasks.caption.request import CaptionRequest
from elman.tasks.target_tokens import ended
from elman.text.tokenizer import EOS_ID, Tokenizer


@dataclasses.dataclass(frozen=True)
class CaptionData:
    """The parts of the data."""

    train: CaptionedPictures
    valid: CaptionedPictures
    test: CaptionedPictures | None
    shape: PictureFormat
    """The format of all pictures."""

    @property
    def parts(self) -> Mapping[str, CaptionedPictures]:
        """The parts that there are, by name."""
        return {"train": self.train, "valid": self.valid, **({"test": self.test} if self.test else {})}

    @property
    def hash(self) -> str:
        """16 hex digits that identify all parts."""
        return hashlib.sha256("|".join(part.hash for part in self.parts.values()).encode()).hexdigest()[:16]

    def about(self) -> dict[str, Any]:
        """For the model card."""
        facts = {
            name: {"pictures": len(part), "captions": sum(map(len, part.captions)), "hash": part.hash}
            for name, part in self.parts.items()
        }
        return {"hash": self.hash, **facts}


def read_data(request: CaptionRequest, progress: Progress) -> CaptionData:
    """Read the pictures and captions for a training.

    Raises:
        TextError: anything wrong with the data.
    """
    train, shape = read_captioned(request.sources, config=request.data, progress=progress)
    if request.valid:
        valid, _ = read_captioned(request.valid, config=request.data, shape=shape, progress=progress)
    else:
        train, valid = hold_out_pictures(train)
    test = None
    if request.test:
        test, _ = read_captioned(request.test, config=request.data, shape=shape, progress=progress)
    data = CaptionData(train, valid, test, shape.fit(train.pictures))
    counts = [f"{counted(len(part), 'picture')} to {name}" for name, part in data.parts.items()]
    progress.say(f"{', '.join(counts)} (hash {data.hash})".replace("to valid", "to validate"))
    return data


@dataclasses.dataclass(frozen=True)
class EncodedCaptions:
    """Captions as token ids, each ended by `</s>`, and the pictures that they are of."""

    pictures: NDArray[Any]
    """``[N, H, W, D]``."""
    shape: PictureFormat
    owner: NDArray[np.int64]
    """The number of each caption's picture."""
    target: list[NDArray[np.int64]]

    @classmethod
    def encode(cls, part: CaptionedPictures, shape: PictureFormat, tokenizer: Tokenizer) -> "EncodedCaptions":
        """Every caption of every picture."""
        texts = [caption for captions in part.captions for caption in captions]
        owner = np.repeat(np.arange(len(part)), [len(captions) for captions in part.captions])
        return cls(part.pictures, shape, owner, ended(tokenizer.encode_lines(texts)))

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens of each caption ``[N]``."""
        return np.array([len(ids) for ids in self.target], np.int64)

    def sources(self, rows: NDArray[np.int64]) -> list[NDArray[np.float32]]:
        """The patches of the pictures of some captions."""
        return list(self._patches(rows))

    def _patches(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        return self.shape.patches(self.pictures[self.owner[rows]])

    def batch(self, rows: NDArray[np.int64]) -> PictureBatch:
        """Some of the captions, by their numbers."""
        return PictureBatch(self._patches(rows), *pad([self.target[row] for row in rows.tolist()], fill=EOS_ID))


def sizes_of(shape: PictureFormat, tokenizer: Tokenizer) -> CaptionerSizes:
    """The sizes of a network for such pictures and tokens."""
    return CaptionerSizes(shape.patch, tokenizer.size)
