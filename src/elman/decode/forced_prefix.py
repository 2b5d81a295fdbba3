"""What may come next where the beginning of a text is given."""

from collections.abc import Callable

import numpy as np

from elman.decode.beam import Ids
from elman.decode.pieces import piece_index
from elman.errors import UsageError
from elman.notation import TokenIds
from elman.text.tokenizer import Tokenizer


def check_begin(begin: str) -> None:
    """See that a beginning is of one line.

    Raises:
        UsageError: it is not.
    """
    if "\n" in begin or "\r" in begin:
        raise UsageError("the beginning has more than one line; write it in one, without a line's end")


def forced_prefix(tokenizer: Tokenizer, begin: str) -> Callable[[Ids], TokenIds | None]:
    """A rule for the next token, as ``beam_search`` takes it: a line that begins with ``begin``.

    The last word may be half a word; every way to cut the beginning into tokens is allowed. Where
    words are tokens, the words of the beginning must be whole.

    Raises:
        UsageError: the beginning has several lines.

    >>> from elman.text.tokenizer import TokenizerConfig
    >>> tokenizer = Tokenizer.fit(["cat car dog"], config=TokenizerConfig(level="char", min_count=1))
    >>> rule = forced_prefix(tokenizer, "ca")
    >>> [tokenizer.tokens[token] for token in rule(())], rule(tuple(tokenizer.encode("ca").ids))
    (['c'], None)
    """
    check_begin(begin)
    if tokenizer.words is not None:
        ids = tokenizer.encode(begin).ids
        return lambda written: ids[len(written)][None] if len(written) < len(ids) else None
    index, pieces = piece_index(tokenizer), tokenizer.pieces
    whole = (b" " if tokenizer.leading_space and begin else b"") + begin.encode()

    def rule(written: Ids) -> TokenIds | None:
        left = whole[sum(len(pieces[token]) for token in written) :]
        if not left:
            return None
        shorter = [token for stop in range(1, len(left)) for token in index.equal_to(left[:stop])]
        return np.concatenate([np.array(shorter, np.int64), index.starting_with(left)])

    return rule
