"""The JSON of /v1/correct."""

from typing import Annotated

from pydantic import BaseModel, Field

from elman.serve.schemas import Body, Name


class CorrectBody(Body):
    """A text whose spelling to correct."""

    text: str = Field(description="One or more lines.")
    model: Name | None = Field(None, description="Which model; by default the first one that continues text.")
    threshold: Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)] | None = Field(
        None, description="Bits by which a change must make its line more probable; by default 4."
    )
    protect: Annotated[list[str], Field(max_length=1000)] = Field([], description="Words to leave alone.")


class WeighedText(BaseModel):
    """Another word that was weighed, and by how many bits it makes the line more probable."""

    text: str
    bits: float


class Change(BaseModel):
    """A change: lines count from 1, offsets in characters of the line from 0."""

    line: int
    start: int
    end: int
    original: str
    text: str
    kind: str
    bits: float
    others: list[WeighedText]


class CorrectAnswer(BaseModel):
    """The corrected text, and each change."""

    model: str
    text: str
    changes: list[Change]
