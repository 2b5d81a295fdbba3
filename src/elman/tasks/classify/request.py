"""ClassifyRequest: a user's request to train a text classifier."""

import dataclasses
from typing import Any, Literal

from elman.data.example_splits import ExampleSplits
from elman.data.examples import ExamplesConfig
from elman.errors import UsageError
from elman.tasks.request import Request
from elman.text.tokenizer import TokenizerConfig
from elman.text.tokenizer_config import RULES


@dataclasses.dataclass(frozen=True, kw_only=True)
class LabelledTextConfig(ExamplesConfig):
    """How labelled texts are read and cut into tokens."""

    level: Literal["auto", "word", "subword", "char"] = "auto"
    """What a token is; auto takes words, or characters for scripts without spaces."""
    lowercase: bool = True
    """Whether case is ignored."""
    locale: Literal["tr", "az"] | None = None
    """The language whose lower case differs: tr or az, for the i of Turkish and Azeri."""
    compatibility: bool = False
    """Read full-width letters, ligatures and other compatible forms as the plain ones (NFKC)."""
    min_count: int | None = None
    """Words and characters seen less often become <unk>; default 2, of fewer than 2,000 examples 1.
    """
    vocab_size: int | None = None
    """At most this many types, the most frequent ones."""
    max_tokens: int = 400
    """The most tokens read from a text; of a longer one, three quarters of them from its start and
    one quarter from its end."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 8 <= self.max_tokens <= 1 << 20:
            raise UsageError(f"max_tokens is {self.max_tokens}; it must be at least 8 and at most a million")

    def tokenizer(self, level: Literal["word", "subword", "char"], *, examples: int) -> TokenizerConfig:
        """The configuration of the tokenizer."""
        fewest = self.min_count or (1 if examples < 2000 or level == "char" else 2)
        return TokenizerConfig(
            level=level,
            lowercase=self.lowercase,
            locale=self.locale,
            compatibility=self.compatibility,
            rules=RULES,
            min_count=None if level == "subword" else fewest,
            vocab_size=self.vocab_size,
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class ClassifyRequest(Request):
    """What the user asked for."""

    task = "classify"
    data_config = LabelledTextConfig

    data: LabelledTextConfig = LabelledTextConfig()
    vectors: str | None = None
    """Initial word vectors: a folder, or a file of word2vec, GloVe or fastText."""
    rival: bool = True
    """Whether TF-IDF with logistic regression is trained for comparison."""

    examples: ExampleSplits | None = None
    """Examples in memory, in place of ``sources``. Not saved: such a training cannot be resumed."""

    def to_json(self) -> dict[str, Any]:
        import os

        values = super().to_json()
        values.pop("examples")
        return {**values, "vectors": None if self.vectors is None else os.path.abspath(self.vectors)}
