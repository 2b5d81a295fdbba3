"""What a page never offers: words that are blocked, and private ones, which do not even stand in
it."""

import dataclasses
from collections.abc import Collection

from elman.decode.offers import Offers, offers_from
from elman.decode.spelling import locale_of
from elman.export.private_types import private_types
from elman.text.tokenizer import EOS_ID, Tokenizer


@dataclasses.dataclass(frozen=True)
class PageWords:
    """The rules of a page, and the types that they hide."""

    offers: Offers
    private: frozenset[int]
    """Types that look private."""
    blocked: frozenset[int]
    """Other types that are blocked."""
    tokens: tuple[str, ...]
    """All types, with a text that nobody types for the private ones."""

    @property
    def rules(self) -> dict[str, object]:
        """What ``web/offers.js`` reads."""
        hidden = sorted(self.private | self.blocked)
        return {"hidden": hidden, "phrases": self.offers.block.phrases, "secrets": self.offers.secrets}

    @property
    def counts(self) -> dict[str, int]:
        """How many types are hidden, for messages."""
        return {"private": len(self.private), "blocked": len(self.blocked), "vocabulary": len(self.tokens)}


def page_words(tokenizer: Tokenizer, *, block: Collection[str] = (), secrets: bool = False) -> PageWords:
    """The rules of a page for one vocabulary.

    Args:
        block: words that are never offered (``elman.decode.blocklist``).
        secrets: whether to offer what looks private.
    """
    offers = offers_from(block, locale=locale_of(tokenizer), secrets=secrets)
    private = frozenset[int]() if offers.secrets else private_types(tokenizer)
    blocked, tokens = set[int](), list(tokenizer.tokens)
    for token in range(EOS_ID + 1, tokenizer.size):
        word = tokens[token].removeprefix(" ")
        if token in private:
            tokens[token] = f"{tokens[token][: -len(word)]}\0{token}"
        elif offers.block and offers.block.hides(word):
            blocked.add(token)
    return PageWords(offers, private, frozenset(blocked), tuple(tokens))
