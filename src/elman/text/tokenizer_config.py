"""How text is cut into tokens: the configuration of a tokenizer."""

import dataclasses

from elman.config import Config
from elman.errors import UsageError
from elman.text.splitting import Level
from elman.text.tokenizer_json import SPECIALS


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
    min_count: int | None = None
    """How often a type (subword: a merge) must occur to be kept; default 2, so that <unk> is
    learned from words seen once (pretokenized: 1)."""
    vocab_size: int | None = None
    """At most this many types, <unk> and </s> included; default: no limit (subword: 8000, fewer on
    small text)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.pretokenized and self.level != "word":
            raise UsageError(f"pretokenized text is made of words; level is {self.level!r}; use level 'word'")
        for name in ("min_count", "vocab_size"):
            if self.level == "byte" and getattr(self, name) is not None:
                raise UsageError(f"level 'byte' always has its 256 bytes; {name} means nothing there; leave it out")
        if self.min_count is not None and self.min_count < 1:
            raise UsageError(f"min_count is {self.min_count}; it must be 1 or more")
        least = len(SPECIALS) + (256 if self.level == "subword" else 1)
        if self.vocab_size is not None and self.vocab_size < least:
            raise UsageError(f"vocab_size is {self.vocab_size}; level {self.level!r} needs {least} or more")
