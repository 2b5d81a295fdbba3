"""ClassifyPlan: how a text classifier is trained."""

import dataclasses
from typing import Literal

from elman.training.plan import Plan


@dataclasses.dataclass(frozen=True, kw_only=True)
class ClassifyPlan(Plan):
    """A plan with additional fields for labelled texts."""

    output_dropout: float = 0.5
    """Share of the pooled vector's numbers dropped before the labels."""
    class_weights: Literal["none", "balanced", "auto"] = "auto"
    """Whether examples of rare labels count more: balanced weighs labels by 1 / frequency, auto
    does so if the most frequent label has more than ten times the examples of the rarest one."""
    ngrams: bool = True
    """Whether logistic regression on n-grams of words and characters has a share in the answer; the
    share is fitted on the validation part."""
    frozen: float = 0.0
    """Share of the run in which pretrained embeddings stay fixed (default: all of it with word
    vectors, else none); a language model's layers are unfrozen one after the other, from the top
    (gradual unfreezing, Howard and Ruder 2018)."""
    lower_rate: float = 1.0
    """Factor of the learning rate from each layer to the one below it, if training starts from a
    language model."""

    SHARES = (*Plan.SHARES, "output_dropout")

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("frozen", 0 <= self.frozen <= 1, "between 0 and 1")
        self.require("lower_rate", 0 < self.lower_rate <= 1, "above 0 and at most 1")
