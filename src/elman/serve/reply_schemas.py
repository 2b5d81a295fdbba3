"""The JSON of /v1/reply."""

from typing import Annotated

from pydantic import BaseModel, Field

from elman.serve.schemas import Body, Name


class ReplyBody(Body):
    """A message to reply to."""

    message: str = Field(description="The last turn of a conversation.")
    earlier: list[str] = Field([], description="The turns before it, the oldest first.")
    replies: Annotated[list[str], Field(min_length=1)] | None = Field(
        None, description="Replies to choose among; by default the most frequent ones of the training."
    )
    n: int = Field(3, ge=1, le=100, description="How many replies at most.")
    model: Name | None = Field(None, description="Which model; by default the first one that chooses replies.")


class OfferedReply(BaseModel):
    """A reply with its score (nats by which the message makes it likelier), and those that say the same."""

    text: str
    score: float
    like: list[str]


class ReplyAnswer(BaseModel):
    """Replies with different meanings, the best first."""

    model: str
    replies: list[OfferedReply]
