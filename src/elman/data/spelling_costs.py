"""What a text costs beside its tokens: the letters of unknown words, and the signs of
apostrophes."""

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.data.oov import Unknown
from elman.notation import TokenIds
from elman.text.apostrophes import sign_nats
from elman.text.speller import Speller
from elman.text.tokenizer import Tokenizer


def signs_of_tokens(tokenizer: Tokenizer, line: str) -> str:
    """The apostrophes of a line as it types them, in the order of its tokens."""
    signs = tokenizer.spelling.signs(line)
    return signs[::-1] if tokenizer.config.is_backward else signs


def spelling_nats(
    tokenizer: Tokenizer, speller: Speller, ids: TokenIds, unknown: Iterable[Unknown], signs: str
) -> NDArray[np.float64]:
    """What each token costs beside its prediction (nats), ``[n]``.

    Args:
        unknown: the unknown ones of ``ids``.
        signs: the apostrophes of all, in their order; an empty text if they are not counted.

    >>> from elman.text.tokenizer import TokenizerConfig
    >>> tokenizer = Tokenizer.fit(["it's"] * 300, config=TokenizerConfig(rules=3))
    >>> ids, _, signs = tokenizer.encode("it’s it's")
    >>> spelling_nats(tokenizer, Speller.fit({}), ids, [], signs).round(2)
    array([5.3 , 0.01])
    """
    nats = np.zeros(len(ids))
    strangers = [*unknown]
    for place, spelled in strangers:
        nats[place] += speller.nats(spelled)
    if signs:
        kept = _kept(tokenizer)
        counts = kept.counts[ids]
        for place, spelled in strangers:
            counts[place] = spelled.count(tokenizer.config.apostrophe)
        costs = np.array([kept.nats[sign] for sign in signs])
        np.add.at(nats, np.repeat(np.arange(len(ids)), counts), costs)
    return nats


def total_sign_nats(tokenizer: Tokenizer, line: str) -> float:
    """What the apostrophes of a line cost (nats)."""
    signs = tokenizer.spelling.signs(line)
    return sum(signs.count(sign) * nats for sign, nats in _kept(tokenizer).nats.items()) if signs else 0.0


class _Kept(NamedTuple):
    counts: NDArray[np.int64]
    """How many apostrophes each type has, ``[V]``."""
    nats: dict[str, float]
    """What each sign costs."""


@lru_cache(maxsize=8)
def _kept(tokenizer: Tokenizer) -> _Kept:
    usual, share = tokenizer.config.apostrophe, tokenizer.config.apostrophe_share
    counts = np.array([token.count(usual) for token in tokenizer.tokens], dtype=np.int64)
    assert share is not None  # of every tokenizer that keeps signs and has read a text
    return _Kept(counts, sign_nats(usual, share))
