"""AnswerPlan: how a reader is trained."""

import dataclasses

from elman.tasks.word_plan import WordPlan


@dataclasses.dataclass(frozen=True, kw_only=True)
class AnswerPlan(WordPlan):
    """A plan with the additional fields for words."""
