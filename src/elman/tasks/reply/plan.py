"""ReplyPlan: how a dual encoder of messages and replies is trained."""

import dataclasses

from elman.errors import UsageError
from elman.training.plan import Plan


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReplyPlan(Plan):
    """A plan with additional fields for dialogues."""

    output_dropout: float = 0.3
    """Share of the pooled vector's numbers dropped before the vectors of messages and replies."""
    token_dropout: float = 0.4
    """Share of tokens left out of a text in training."""
    similarity_temperature: float = 0.08
    """What the cosine of a message and a reply is divided by before the softmax of a batch."""

    SHARES = (*Plan.SHARES, "output_dropout", "token_dropout")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0.005 <= self.similarity_temperature <= 10:
            raise UsageError.of("similarity_temperature", self.similarity_temperature, "at least 0.005 and at most 10")
