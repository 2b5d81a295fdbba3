"""The JSON of /v1/answer."""

from typing import Annotated

from pydantic import BaseModel, Field

from elman.serve.schemas import Body, Name


class AnswerBody(Body):
    """A question to a passage, or to the documents of an index."""

    question: Annotated[str, Field(max_length=10_000)] = Field(
        description="One sentence; in English where there is no reader."
    )
    passage: str | None = Field(None, description="The text that may answer it; by default documents of an index.")
    model: Name | None = Field(
        None, description="Which index, or with a passage which reader; by default the first one."
    )
    reader: Name | None = Field(
        None, description="Which reader reads the documents; by default the first one, or rules if none is served."
    )


class FoundAnswer(BaseModel):
    """An answer; text is null if the passage or the documents do not say."""

    model: str
    """The index, or the reader of a passage."""
    reader: str | None
    """Null where rules answered."""
    text: str | None
    document: str | None
    """Null in a passage."""
    sentence: str
    start: int
    """The first character of the answer in its text; of the sentence if there is no answer."""
    end: int
    score: float
    """A reader's: log-odds against "not in the text"."""
    parts: dict[str, float]
    reason: str
    probability: float | None
    """A reader's, that the first and the last word are right; null where rules answered."""
