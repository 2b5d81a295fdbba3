"""ClassifyRequest: a user's request to train a text classifier."""

import dataclasses
from typing import Any

from elman.data.example_splits import ExampleSplits
from elman.data.examples import ExamplesConfig
from elman.tasks.request import Request
from elman.text.token_settings import TokenSettings


@dataclasses.dataclass(frozen=True, kw_only=True)
class LabelledTextConfig(ExamplesConfig, TokenSettings):
    """How labelled texts are read and cut into tokens."""

    max_tokens: int = 400
    """The most tokens read from a text; of a longer one, three quarters of them from its start and
    one quarter from its end."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("max_tokens", 8 <= self.max_tokens <= 1 << 20, "at least 8 and at most a million")


@dataclasses.dataclass(frozen=True, kw_only=True)
class ClassifyRequest(Request):
    """What the user asked for."""

    task = "classify"
    data_config = LabelledTextConfig
    PATHS = (*Request.PATHS, "vectors")

    data: LabelledTextConfig = LabelledTextConfig()
    vectors: str | None = None
    """Initial word vectors: a folder, or a file of word2vec, GloVe or fastText."""
    rival: bool = True
    """Whether TF-IDF with logistic regression is trained for comparison."""

    examples: ExampleSplits | None = None
    """Examples in memory, in place of ``sources``. Not saved: such a training cannot be resumed."""

    def other_files(self) -> list[str]:
        return [] if self.vectors is None else [self.vectors]

    def to_json(self) -> dict[str, Any]:
        return {name: value for name, value in super().to_json().items() if name != "examples"}
