"""TargetTokens: the unit of a token, for tasks that write texts."""

import dataclasses
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from elman.config import Config
from elman.text.tokenizer import EOS_ID
from elman.text.tokenizer_config import RULES, TokenizerConfig


@dataclasses.dataclass(frozen=True, kw_only=True)
class TargetTokens(Config):
    """Settings of tokenizers.

    >>> TargetTokens().tokenizer_config().vocab_size
    4000
    """

    level: Literal["word", "subword", "char", "byte"] = "subword"
    """The unit of a token: a word, a piece of a word, a character or a byte."""
    vocab_size: int | None = None
    """At most this many types, of source and target each where both are texts (default: subwords
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


def ended(rows: Sequence[NDArray[np.int64]]) -> list[NDArray[np.int64]]:
    """Rows of ids with `</s>` at their ends."""
    return [np.append(ids, EOS_ID) for ids in rows]


def frequencies(rows: Sequence[NDArray[np.int64]], size: int) -> NDArray[np.float64]:
    """The frequency of each type ``[V]``, one more than counted so that none is 0."""
    counts = np.bincount(np.concatenate(rows), minlength=size) + 1.0
    return counts / counts.sum()
