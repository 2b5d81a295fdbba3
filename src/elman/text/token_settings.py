"""TokenSettings: how the texts of labelled tasks are cut into tokens."""

import dataclasses
from collections.abc import Sequence
from typing import Literal

from elman.config import Config
from elman.text.level import choose_level
from elman.text.tokenizer import Tokenizer, TokenizerConfig
from elman.text.tokenizer_config import RULES

_SAMPLE_CHARS = 200_000


@dataclasses.dataclass(frozen=True, kw_only=True)
class TokenSettings(Config):
    """The settings of a tokenizer that is fitted on texts.

    >>> TokenSettings(min_count=1).fit(["A b", "b c"]).tokens[-3:]
    [' b', ' a', ' c']
    """

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

    def fit(self, texts: Sequence[str], *, more: Sequence[str] = ()) -> Tokenizer:
        """A tokenizer of these texts; at word level the words ``more`` are types however often they
        occur."""
        level = self.level
        if level == "auto":
            # Texts from all over the data, not only from its beginning.
            step = max(1, sum(map(len, texts)) // _SAMPLE_CHARS)
            level = choose_level("\n".join(texts[::step]))
        config = self.tokenizer(level, examples=len(texts))
        often = [*more] * (config.min_count or 1) if level == "word" else []
        return Tokenizer.fit([*texts, *often], config=config)

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
