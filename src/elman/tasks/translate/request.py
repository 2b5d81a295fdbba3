"""TranslateRequest: a user's request to train a translator."""

import dataclasses
from typing import Literal

from elman.data.pair_filters import FilterConfig
from elman.data.pairs import PairsConfig, named_files
from elman.errors import UsageError
from elman.tasks.request import Request
from elman.text.tokenizer_config import RULES, TokenizerConfig


@dataclasses.dataclass(frozen=True, kw_only=True)
class TranslateDataConfig(PairsConfig, FilterConfig):
    """How pairs of texts are read, and what their tokens are."""

    level: Literal["word", "subword", "char", "byte"] = "subword"
    """The unit of a token: a word, a piece of a word, a character or a byte."""
    vocab_size: int | None = None
    """At most this many types of source and target each, or of both with a joint vocabulary (default: subwords
    4000)."""
    min_count: int | None = None
    """How often a type (subword: a merge) must occur to be kept (default: 2)."""

    def tokenizer_config(self) -> TokenizerConfig:
        """The settings of the tokenizers."""
        size = 4000 if self.vocab_size is None and self.level == "subword" else self.vocab_size
        return TokenizerConfig(level=self.level, vocab_size=size, min_count=self.min_count, rules=RULES)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.tokenizer_config()


@dataclasses.dataclass(frozen=True, kw_only=True)
class TranslateRequest(Request):
    """What the user asked for."""

    task = "translate"
    data_config = TranslateDataConfig

    data: TranslateDataConfig = TranslateDataConfig()

    def __post_init__(self) -> None:
        super().__post_init__()
        sources, data = named_files(self.sources, self.data)
        if not sources:
            raise UsageError("no pairs were given; name a file of pairs, or --source FILE --target FILE")
        object.__setattr__(self, "sources", sources)
        object.__setattr__(self, "data", data)
