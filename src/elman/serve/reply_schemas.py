"""The JSON of /v1/reply."""

from typing import Annotated

from pydantic import BaseModel, Field

from elman.serve.schemas import Body, Name

Text = Annotated[str, Field(max_length=10_000)]


class ReplyBody(Body):
    """A message to reply to."""

    message: Text = Field(description="The last turn of a conversation.")
    earlier: list[Text] = Field([], description="The turns before it, the oldest first.")
    replies: Annotated[list[Text], Field(min_length=1)] | None = Field(
        None, description="Replies to choose among; by default the most frequent ones of the training."
    )
    n: int = Field(3, ge=1, le=100, description="How many replies at most.")
    model: Name | None = Field(
        None, description="Which model of replies, or a language model with replies; by default the first of replies."
    )
    lm: Name | None = Field(None, description="A language model of dialogues that helps a model of replies.")
    lm_weight: float = Field(0.5, ge=0, le=1, description="Its weight; at 1 it ranks alone.")


class OfferedReply(BaseModel):
    """A reply, and those that say the same. Its score is the nats by which the message makes it
    likelier, of a language model for each token; of both, standard deviations above the mean
    candidate."""

    text: str
    score: float
    like: list[str]


class ReplyAnswer(BaseModel):
    """Replies with different meanings, the best first."""

    model: str
    lm: str | None = None
    """The language model that helped."""
    replies: list[OfferedReply]
