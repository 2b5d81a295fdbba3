"""The JSON of /v1/summarize."""

from pydantic import BaseModel, Field

from elman.serve.schemas import Body, Name


class SummarizeBody(Body):
    """A text to summarize by its own sentences."""

    text: str = Field(description="Sentences.")
    model: Name | None = Field(
        None, description="Word vectors or a model of replies whose vectors compare sentences; by default their words."
    )
    sentences: int | None = Field(None, ge=1, le=4000, description="How many sentences; by default 3.")
    words: int | None = Field(None, ge=1, le=1_000_000, description="Instead: how many words at most.")
    diversity: float = Field(0.3, ge=0, le=1, description="What a sentence loses for being like those already taken.")


class ChosenSentence(BaseModel):
    """A sentence of the text with its first character, the one after its last, and its share of all
    centrality."""

    text: str
    start: int
    end: int
    centrality: float


class SummarizeAnswer(BaseModel):
    """The sentences, in the order of the text; ``model`` is null if they were compared by their
    words."""

    model: str | None
    sentences: list[ChosenSentence]
