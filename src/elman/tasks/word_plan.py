"""WordPlan: how the words of taggers and readers are trained."""

import dataclasses

from elman.training.plan import Plan


@dataclasses.dataclass(frozen=True, kw_only=True)
class WordPlan(Plan):
    """A plan with additional fields for words."""

    word_dropout: float = 0.5
    """How readily words are read as unknown, so that unknown words are learned: a word seen n times
    with probability a / (a + n) (Kiperwasser and Goldberg 2016)."""
    subword_dropout: float = 0.2
    """Share of the n-grams of characters that are left out."""
    frozen: float = 0.0
    """Share of the run in which pretrained embeddings stay fixed."""

    SHARES = (*Plan.SHARES, "subword_dropout", "frozen")
    AMOUNTS = (*Plan.AMOUNTS, "word_dropout")

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("word_dropout", self.word_dropout <= 1000, "at most 1000")
