"""TagPlan: how a tagger is trained."""

import dataclasses
from typing import Literal

from elman.tasks.word_plan import WordPlan


@dataclasses.dataclass(frozen=True, kw_only=True)
class TagPlan(WordPlan):
    """A plan with additional fields for tagged sentences."""

    output_dropout: float = 0.3
    """Share of the units of each word's output dropped before the tags, locked over the sentence."""
    subword_dropout: float = 0.3
    class_weights: Literal["none", "balanced"] = "none"
    """Whether words of rare tags count more in the loss of a softmax: balanced weighs tags by
    1 / frequency."""

    SHARES = (*WordPlan.SHARES, "output_dropout")
