"""TagPlan: how a tagger is trained."""

import dataclasses
from typing import Literal

from elman.tasks.word_plan import WordPlan


@dataclasses.dataclass(frozen=True, kw_only=True)
class TagPlan(WordPlan):
    """A plan with additional fields for tagged sentences."""

    output_dropout: float = 0.3
    """Share of the units of each word's output dropped before the tags, locked over the
    sentence."""
    subword_dropout: float = 0.3
    ngrams: bool = True
    """Whether logistic regression on words, their n-grams and their neighbours has a share in the
    answer; the share is fitted on the validation part."""
    class_weights: Literal["none", "balanced"] = "none"
    """Whether words of rare tags count more in the loss of a softmax: balanced weighs tags by
    1 / frequency."""

    SHARES = (*WordPlan.SHARES, "output_dropout")
