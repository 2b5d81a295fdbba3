"""The JSON of /v1/caption."""

from typing import Annotated

from pydantic import BaseModel, Field

from elman.serve.schemas import Body, Name

Vector = list[float]


class CaptionBody(Body):
    """Pictures to write captions of, or features of one."""

    input: str | Annotated[list[str], Field(min_length=1)] | None = Field(
        None, description="A picture in base64 or as a data URL, or a list of pictures: PNG, JPEG, GIF, BMP, TIFF, "
        "WEBP or PPM.",
    )  # fmt: skip
    features: list[Vector] | list[list[Vector]] | None = Field(
        None, description="Instead: the features of one picture, [N, D] or [H, W, D], for a model trained on them."
    )
    model: Name | None = Field(None, description="Which model; by default the first one that writes captions.")
    beam_size: int | None = Field(None, ge=1, le=64, description="Hypotheses kept at each step; by default n_best.")
    n_best: int = Field(1, ge=1, le=64, description="Captions of each picture, no more than the beam.")
    begin: str = Field("", description="How every caption begins; its last word may be half a word.")
    attention: bool = Field(False, description="Whether to say where the model looked.")


class WrittenCaption(BaseModel):
    """A caption and its log-probability (nats)."""

    text: str
    log_prob: float


class PictureAttentionFacts(BaseModel):
    """Words between blanks; ``attention`` has for each of them the rows of patches, from the top,
    with a share for each patch, from the left."""

    words: list[str]
    attention: list[list[list[float]]]


class CaptionFacts(BaseModel):
    """The best caption of a picture; all of them, if more than one was requested."""

    caption: str
    log_prob: float
    captions: list[WrittenCaption] | None = None
    attention: PictureAttentionFacts | None = None


class CaptionAnswer(BaseModel):
    """The captions, in the order of the pictures."""

    model: str
    captions: list[CaptionFacts]
