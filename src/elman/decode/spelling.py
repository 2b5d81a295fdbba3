"""Looking up words of a vocabulary without regard to case and sign of apostrophe."""

from bisect import bisect_left, bisect_right
from functools import lru_cache

from elman.data.oov import unknown_tokens
from elman.notation import TokenIds
from elman.text.casing import fold
from elman.text.letter_case import CaseLocale
from elman.text.tokenizer import EOS_ID, Encoded, Tokenizer


class FoldIndex:
    """The types of a vocabulary of words, in the order of their folds.

    >>> from elman.text.tokenizer import TokenizerConfig
    >>> tokenizer = Tokenizer.fit(["Can we'll CAR"], config=TokenizerConfig(min_count=1))
    >>> [tokenizer.tokens[token] for token in FoldIndex(tokenizer).starting_with(" cA")]
    [' CAR', ' Can']
    >>> FoldIndex(tokenizer).same_as(" WE\u2019LL") == tokenizer.tokens.index(" we'll")
    True
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.locale: CaseLocale | None = locale_of(tokenizer)
        texts = (piece.decode("utf-8", "replace") for piece in tokenizer.pieces)
        self.folds = [fold(text, self.locale) for text in texts]
        """The fold of each token by id, its leading space included."""
        self._sorted = sorted(range(EOS_ID + 1, tokenizer.size), key=self.folds.__getitem__)
        self._keys = [self.folds[token] for token in self._sorted]

    def starting_with(self, prefix: str) -> list[int]:
        """Tokens that begin with a text, in the order of their ids."""
        key = fold(prefix, self.locale)
        low = bisect_left(self._keys, key)
        end = low
        while end < len(self._keys) and self._keys[end].startswith(key):
            end += 1
        return sorted(self._sorted[low:end])

    def all_same_as(self, text: str) -> list[int]:
        """The tokens that a text is in any spelling."""
        key = fold(text, self.locale)
        low = bisect_left(self._keys, key)
        return self._sorted[low : bisect_right(self._keys, key, lo=low)]

    def same_as(self, text: str) -> int | None:
        """The token that a text is in another spelling; of several the one with the lowest id,
        which is the most frequent."""
        return min(self.all_same_as(text), default=None)


@lru_cache(maxsize=8)
def fold_index(tokenizer: Tokenizer) -> FoldIndex:
    """The index of a tokenizer; built once."""
    return FoldIndex(tokenizer)


def locale_of(tokenizer: Tokenizer) -> CaseLocale | None:
    """The language whose rules of upper and lower case a tokenizer follows; None: Unicode's."""
    return tokenizer.config.locale


def known_ids(tokenizer: Tokenizer, line: str, encoded: Encoded) -> TokenIds:
    """The ids of a line in which a word has the id of its other spelling if only that is known.

    >>> from elman.text.tokenizer import TokenizerConfig
    >>> words = Tokenizer.fit(["Can don't"], config=TokenizerConfig(min_count=1))
    >>> line = "can don\u2019t cat"
    >>> words.decode(known_ids(words, line, words.encode(line)))
    "Can don't\ufffd"
    """
    if tokenizer.config.level != "word":
        return encoded.ids
    ids = encoded.ids.copy()
    for token in unknown_tokens(tokenizer, line, encoded):
        same = fold_index(tokenizer).same_as(token.spelled)
        if same is not None:
            ids[token.place] = same
    return ids
