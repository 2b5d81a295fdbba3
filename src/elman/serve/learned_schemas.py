"""The JSON of learned words."""

from typing import Annotated

from pydantic import BaseModel, Field

from elman.serve.schemas import Body, Name

Session = Annotated[str, Field(min_length=1, max_length=128)]


class LearnBody(Body):
    """A text that a user has finished."""

    text: str = Field(description="The text; its words that no model knows are learned.")
    model: Name | None = Field(None, description="Which model; by default the first one that continues text.")
    also: list[Name] = Field([], max_length=3, description="Models whose words are known, too.")
    session: Session | None = Field(None, description="The session that learns, if the server has no file for it.")


class LearnAnswer(BaseModel):
    """What was learned."""

    learned: list[str]
    """The unknown words of the text."""
    words: int
    """How many words there are now."""


class LearnedFacts(BaseModel):
    """A learned word, how often it was typed, and what came before and after it."""

    word: str
    count: int
    after: dict[str, int] | None = None
    before: dict[str, int] | None = None


class LearnedAnswer(BaseModel):
    """All learned words, the most frequent first."""

    words: list[LearnedFacts]


class ForgottenWords(BaseModel):
    """How many words were erased."""

    forgotten: int
