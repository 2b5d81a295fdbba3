"""AnswerRequest: a user's request to train a reader."""

import dataclasses

from elman.config import Config
from elman.tasks.request import Request


@dataclasses.dataclass(frozen=True, kw_only=True)
class AnswerDataConfig(Config):
    """How questions are prepared."""

    min_count: int | None = None
    """Words seen less often are read by their characters alone; default 1, of more than a million
    words 2."""
    unanswerable_share: float = 0.0
    """Share of the questions that are also asked of another paragraph, which does not answer them,
    so that "not in the text" is learned from data without such questions."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("min_count", self.min_count is None or self.min_count >= 1, "at least 1")
        self.require("unanswerable_share", 0 <= self.unanswerable_share <= 1, "0 to 1")


@dataclasses.dataclass(frozen=True, kw_only=True)
class AnswerRequest(Request):
    """What the user asked for."""

    task = "answer"
    data_config = AnswerDataConfig
    PATHS = (*Request.PATHS, "vectors")

    data: AnswerDataConfig = AnswerDataConfig()
    vectors: str | None = None
    """Initial word vectors (a folder of elman's, or a file of word2vec, fastText or GloVe)."""
    rival: bool = True
    """Whether the rules of `elman answer` are compared."""

    def other_files(self) -> list[str]:
        return [] if self.vectors is None else [self.vectors]
