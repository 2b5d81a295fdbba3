"""The JSON of /v1/rank."""

from typing import Annotated

from pydantic import BaseModel, Field

from elman.apps.ranking.scoring import METHODS
from elman.serve.schemas import Body, Name


class RankBody(Body):
    """What to look for in the documents of an index."""

    query: Annotated[str, Field(max_length=10_000)] = Field(description="Words.")
    model: Name | None = Field(None, description="Which index; by default the first one.")
    method: Annotated[list[str], Field(min_length=1, max_length=len(METHODS))] = Field(
        ["bm25"], description=f"How documents are scored: {', '.join(METHODS)}; of several, the sum."
    )
    n: int = Field(10, ge=1, le=1_000_000, description="How many documents.")
    text: bool = Field(False, description="Whether to give the whole text of each document too.")


class MarkedText(BaseModel):
    """A part of a document; marks are the first character of each matched word, and the one after
    its last."""

    text: str
    marks: list[tuple[int, int]]


class RankedDocument(BaseModel):
    """A document that was found, with its score by each method that found it."""

    id: str
    score: float
    scores: dict[str, float]
    snippet: MarkedText
    text: str | None = None


class RankAnswer(BaseModel):
    """The documents, the best first."""

    model: str
    documents: list[RankedDocument]
