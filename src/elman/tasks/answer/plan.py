"""AnswerPlan: how a reader is trained."""

import dataclasses

from elman.tasks.fitted_words import WordPlan


@dataclasses.dataclass(frozen=True, kw_only=True)
class AnswerPlan(WordPlan):
    """A plan with the additional fields for words."""
