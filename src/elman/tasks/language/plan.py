"""LanguagePlan: how a language model is trained, by truncated backpropagation through time."""

import dataclasses
from typing import Literal

from elman.errors import UsageError
from elman.tasks.language.variable_bptt import MEAN_SHARE, SHORTEST
from elman.training.plan import Plan


@dataclasses.dataclass(frozen=True, kw_only=True)
class LanguagePlan(Plan):
    """A plan with additional fields for streams of text."""

    bptt: int = 35
    """Tokens of each row per update (T): how far gradients flow back."""
    vary_bptt: bool = False
    """Whether that length (--bptt) varies a little from update to update and is halved in one of
    twenty (mean: 0.975 of it)."""
    begin: Literal["counts", "random"] = "counts"
    """The first weights: from counts of types and of their neighbours, or random."""
    forget_bias: float | None = None
    """LSTM: begin with forget gates that remember for up to this many tokens (default: bias 1,
    which keeps 73% of the cell per token)."""
    activation_penalty: float = 0.0
    """Weight of the squared outputs of the last layer in the loss (AR)."""
    temporal_penalty: float = 0.0
    """Weight of their squared changes from token to token in the loss (TAR)."""
    line_resets: bool = True
    """Reset the state at random line starts, so that the model also copes with isolated lines."""

    COUNTS = (*Plan.COUNTS, "bptt")
    AMOUNTS = (*Plan.AMOUNTS, "activation_penalty", "temporal_penalty")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.forget_bias is not None and not 2 <= self.forget_bias <= 1e6:
            raise UsageError.of("forget_bias", self.forget_bias, "at least 2 and at most a million tokens")
        if self.vary_bptt and self.bptt < SHORTEST:
            raise UsageError(
                f"bptt is {self.bptt}; with vary_bptt, which halves it at times, it must be at least {SHORTEST}",
                field=("bptt", "vary_bptt"),
            )

    @property
    def mean_bptt(self) -> float:
        """Mean number of tokens of each row per update.

        >>> plan = LanguagePlan(updates=1, bptt=40)
        >>> plan.mean_bptt, plan.replace(vary_bptt=True).mean_bptt
        (40.0, 39.0)
        """
        return self.bptt * (MEAN_SHARE if self.vary_bptt else 1.0)
