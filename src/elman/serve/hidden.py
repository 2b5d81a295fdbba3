"""Words that a server shows to nobody: its own list, and what looks private."""

from collections.abc import Collection, Iterable
from functools import lru_cache

from elman.data.tagged_text import split_text
from elman.decode.blocklist import Blocklist
from elman.decode.masking import Mask
from elman.decode.offers import Offers
from elman.decode.spelling import locale_of
from elman.text.letter_case import CaseLocale
from elman.text.tokenizer import Tokenizer

_HIDDEN = "…"


class Hidden:
    """What a server hides, for each tokenizer.

    Args:
        block: entries of a block list.
        secrets: whether to show what looks private.

    Raises:
        UsageError: an entry is no pattern.
    """

    def __init__(self, block: Collection[str] = (), *, secrets: bool = True) -> None:
        self.secrets = secrets
        self._entries = tuple(block)
        self._lists: dict[CaseLocale | None, Blocklist] = {None: Blocklist(self._entries)}
        self._masks: dict[Tokenizer, Mask] = {}

    def offers(self, tokenizer: Tokenizer, more: Iterable[str] = (), *, secrets: bool = True) -> Offers:
        """The rules for a model, with the words that a request blocks.

        Raises:
            UsageError: an entry of the request is no word or stem.
        """
        locale = locale_of(tokenizer)
        if locale not in self._lists:
            self._lists[locale] = Blocklist(self._entries, locale=locale)
        return Offers(block=self._lists[locale] | _words(tuple(more), locale), secrets=self.secrets and secrets)

    def hides(self, word: str) -> bool:
        """Whether a word must not be shown, whatever stands before it."""
        return Offers(block=self._lists[None], secrets=self.secrets).hides(word)

    def masked(self, text: str) -> str:
        """A text with ``…`` for each hidden word."""
        parts, end, sentence = [], 0, split_text(text)
        for word, (start, last) in zip(sentence.words, sentence.offsets, strict=True):
            parts += [text[end:start], _HIDDEN if self.hides(word) else text[start:last]]
            end = last
        return "".join([*parts, text[end:]])

    def mask(self, tokenizer: Tokenizer) -> Mask | None:
        """What keeps hidden words out of texts that a model writes; None if nothing is hidden."""
        offers = self.offers(tokenizer)
        if not offers.forbids:
            return None
        if tokenizer not in self._masks:
            self._masks[tokenizer] = Mask(tokenizer, offers)
        return self._masks[tokenizer]


@lru_cache(maxsize=64)
def _words(entries: tuple[str, ...], locale: CaseLocale | None) -> Blocklist:
    # An expression of a stranger's could take for ever.
    return Blocklist(entries, locale=locale, expressions=False)
