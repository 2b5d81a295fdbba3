"""The out-of-vocabulary words of a line, with the exact text for the speller."""

from typing import NamedTuple

from elman.text.tokenizer import UNK_ID, Encoded, Tokenizer

# One token in pretokenized text only; elsewhere its letters and brackets are tokens of their own.
_WRITTEN_UNK = " <unk>"


class Unknown(NamedTuple):
    """A token that is not in the vocabulary."""

    place: int
    """The index of the token in the line."""
    spelled: str
    """Its text, with the leading space."""

    @property
    def word(self) -> str:
        """The word as people read it."""
        return self.spelled.strip()


def unknown_tokens(tokenizer: Tokenizer, line: str, encoded: Encoded) -> list[Unknown]:
    """The unknown tokens of a normalised line, in the order of its tokens.

    The leading space belongs to the token (at word and subword level also for a line's first
    token), so that spelling it is lossless. A literal ``<unk>`` in pretokenized text is an ordinary
    type and not among them.

    >>> from elman.text.tokenizer import TokenizerConfig
    >>> tokenizer = Tokenizer.fit(["the cat sat"], config=TokenizerConfig(min_count=1))
    >>> unknown_tokens(tokenizer, "A cat sat, the", tokenizer.encode("A cat sat, the"))
    [Unknown(place=0, spelled=' A'), Unknown(place=3, spelled=',')]
    """
    config = tokenizer.config
    if tokenizer.words:
        last = len(encoded.ids) - 1
        found = [Unknown(last - at if config.is_backward else at, token) for at, token in tokenizer.words.unknown(line)]
        return config.in_reading_order(found)
    unknown = []
    first = len(encoded.ids) - 1 if config.is_backward else 0
    for index in (encoded.ids == UNK_ID).nonzero()[0].tolist():
        start, end = encoded.spans[index].tolist()
        string = line[start:end]
        if config.pretokenized:
            string = " " + string.strip(" ")
        elif tokenizer.leading_space and index == first:
            string = " " + string
        string = tokenizer.lowered(string)
        if string != _WRITTEN_UNK:
            unknown.append(Unknown(index, string))
    return unknown
