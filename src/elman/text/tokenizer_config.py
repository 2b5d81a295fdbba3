"""How text is cut into tokens: the configuration of a tokenizer."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from elman.config import Config
from elman.errors import UsageError
from elman.text.letter_case import CaseLocale
from elman.text.splitting import Level
from elman.text.tokenizer_json import SPECIALS
from elman.text.word_types import ALWAYS_KNOWN

Tokens = TypeVar("Tokens", NDArray[np.int64], list[Any])
RULES = 3
"""The rules of new vocabularies. Models keep theirs: 1 were those of elman 0.1; under 2, a marker
before a word says that its apostrophe is not the usual one."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class TokenizerConfig(Config):
    """How text is split into tokens, and which tokens become types.

    >>> TokenizerConfig(level="char", pretokenized=True)
    Traceback (most recent call last):
    ...
    elman.errors.UsageError: pretokenized text is made of words; level is 'char'; use level 'word'
    """

    level: Level = "word"
    """The unit of a token: a word, a piece of a word, a character or a byte."""
    pretokenized: bool = False
    """The text is split already, by spaces, with rare words replaced by <unk> (PTB, WikiText)."""
    lowercase: bool = False
    """Read all text as lower case."""
    locale: CaseLocale | None = None
    """The language whose rules lower case follows where they differ: the i of Turkish and Azeri."""
    compatibility: bool = False
    """Read full-width letters, ligatures and other compatible forms as the plain ones (NFKC)."""
    apostrophe: Literal["'", "\u2019", "\u02bc"] = "'"
    """How types of words spell an apostrophe, however a text types it: as the training text
    does."""
    apostrophe_share: float | None = None
    """The probability that a text's apostrophe is that one (from rules 3 on)."""
    rules: int = 1
    """The version of the rules that split text into words and lower-case it."""
    direction: Literal["forward", "backward"] = "forward"
    """The order of a line's tokens: from its start to its end, or from its end to its start."""
    min_count: int | None = None
    """How often a type (subword: a merge) must occur to be kept; default 2, so that <unk> is
    learned from words seen once (pretokenized: 1)."""
    vocab_size: int | None = None
    """At most this many types, <unk> and </s> included; default: no limit (subword: 8000, fewer on
    small text)."""

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Rebuild from ``settings``, those of a tokenizer that has read its training text.

        Raises:
            UsageError: what a vocabulary of words learned of apostrophes is missing, or as
                ``Config``.
        """
        config = super().from_json(values)
        if config.parts_words and config.rules > 2 and config.apostrophe_share is None:
            raise UsageError("apostrophe_share is missing; words under rules 3 need one, above 0 and below 1")
        return config

    @property
    def is_backward(self) -> bool:
        """Whether a line's tokens come from its end to its start, its `</s>` still last."""
        return self.direction == "backward"

    def in_reading_order(self, tokens: Tokens) -> Tokens:
        """The tokens of one line in the order of reading, from that of the text, or the other
        way."""
        return tokens[::-1] if self.is_backward else tokens

    def settings(self) -> dict[str, Any]:
        """As JSON. What earlier versions did not have is left out, so that their files and hashes
        stay the same."""
        later = {"direction": self.is_backward, "apostrophe_share": self.apostrophe_share is not None}
        return {name: value for name, value in self.to_json().items() if later.get(name, True)}

    @property
    def parts_words(self) -> bool:
        """Whether what stands between words has tokens of its own (``elman.text.word_types``)."""
        return self.level == "word" and not self.pretokenized and self.rules > 1

    @property
    def by_spaces(self) -> bool:
        """Whether words are what stands between spaces."""
        return self.pretokenized and not self.compatibility and (not self.lowercase or self.rules > 1)

    @property
    def counts_types(self) -> bool:
        """Whether the vocabulary follows from counts that can be added up over parts of a text."""
        return self.level == "char" or self.parts_words or self.by_spaces

    @property
    def least_count(self) -> int:
        """The smallest count of a type that is kept: ``min_count``, or what it is by default."""
        return self.min_count or (1 if self.pretokenized else 2)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("rules", 1 <= self.rules <= RULES, f"1 to {RULES}; a newer elman has more")
        if self.pretokenized and self.level != "word":
            raise UsageError(f"pretokenized text is made of words; level is {self.level!r}; use level 'word'")
        for name in ("min_count", "vocab_size"):
            if self.level == "byte" and getattr(self, name) is not None:
                raise UsageError(f"level 'byte' always has its 256 bytes; {name} does not apply to it; leave it out")
        self.require("min_count", self.min_count is None or self.min_count >= 1, "1 or more")
        share = self.apostrophe_share
        if share is not None and not 0 < share < 1:
            raise UsageError.of("apostrophe_share", share, "above 0 and below 1")
        least = len(SPECIALS) + (256 if self.level == "subword" else 1)
        least += len(ALWAYS_KNOWN) if self.parts_words else 0
        if self.vocab_size is not None and self.vocab_size < least:
            raise UsageError(
                f"vocab_size is {self.vocab_size}; level {self.level!r} needs {least} or more", field="vocab_size"
            )
