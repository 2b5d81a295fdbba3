"""WritesCaptions: a captioner at work."""

import dataclasses
import threading
from collections.abc import Iterable, Iterator
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np

from elman.data.picture_format import Picture, PictureFormat
from elman.serve.ability import Ability, ServedModel
from elman.serve.metrics import Metrics
from elman.tasks.caption.attention import PictureAttention
from elman.tasks.caption.caption import Caption


@runtime_checkable
class CaptionModel(ServedModel, Protocol):
    """A model that writes captions of pictures."""

    shape: PictureFormat
    """The format of the pictures, or of their features."""

    def predictions(self, pictures: Iterable[Picture], **options: Any) -> Iterator[Caption]:
        """Captions of pictures, in their order."""
        ...

    def picture_attention(self, picture: Picture, caption: str) -> PictureAttention:
        """Where it looks in a picture while it writes each word of a caption."""
        ...


@dataclasses.dataclass(frozen=True)
class WritesCaptions(Ability):
    """A captioner at work. Requests take turns, so that only one picture is decoded at a time."""

    verb = "writes captions"
    infinitive = "write captions"
    routes = ("caption",)
    views = ("caption",)

    name: str
    model: CaptionModel
    turn: threading.Lock

    @classmethod
    def of(cls, name: str, model: Any, metrics: Metrics) -> Self | None:
        if not isinstance(model, CaptionModel):
            return None
        shape = model.shape
        empty = np.zeros((shape.height, shape.width, shape.channels), np.float32 if shape.features else np.uint8)
        list(model.predictions([empty]))  # no first request waits for compilation
        return cls(name, model, threading.Lock())

    @property
    def own_views(self) -> tuple[str, ...]:
        # A browser has no features.
        return () if self.model.shape.features else self.views
