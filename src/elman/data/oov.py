"""The out-of-vocabulary words of a line, spelled exactly as a speller has to spell them."""

from typing import NamedTuple

from elman.text.tokenizer import UNK_ID, Encoded, Tokenizer

# One token in pretokenized text only; elsewhere its letters and brackets are tokens of their own.
_WRITTEN_UNK = " <unk>"


class Unknown(NamedTuple):
    """A token that the vocabulary does not have."""

    place: int
    """Which token of the line."""
    spelled: str
    """All that it stands for, its leading space included."""

    @property
    def word(self) -> str:
        """The word as people read it."""
        return self.spelled.strip()


def unknown_tokens(tokenizer: Tokenizer, line: str, encoded: Encoded) -> list[Unknown]:
    """What stands in a normalised line where the tokenizer has no type, in order.

    The leading space belongs to it (a line's first token has one too, at the levels where every
    token has), so that spelling it loses nothing. A literal ``<unk>`` in pretokenized text is an
    ordinary type and not among them.

    >>> from elman.text.tokenizer import TokenizerConfig
    >>> tokenizer = Tokenizer.fit(["the cat sat"], config=TokenizerConfig(min_count=1))
    >>> unknown_tokens(tokenizer, "A cat sat, the", tokenizer.encode("A cat sat, the"))
    [Unknown(place=0, spelled=' A'), Unknown(place=3, spelled=',')]
    """
    config = tokenizer.config
    found = []
    for place in (encoded.ids == UNK_ID).nonzero()[0].tolist():
        start, end = encoded.spans[place].tolist()
        string = line[start:end]
        if config.pretokenized:
            string = " " + string.strip(" ")
        elif tokenizer.leading_space and place == 0:
            string = " " + string
        if config.lowercase:
            string = string.lower()
        if string != _WRITTEN_UNK:
            found.append(Unknown(place, string))
    return found
