"""Token ids back to bytes, one at a time."""

from typing import TYPE_CHECKING

from elman.text.word_types import After, WordWriter

if TYPE_CHECKING:
    from elman.text.tokenizer import Tokenizer

UNK_ID = 0
"""The id of `<unk>`, at every level."""
EOS_ID = 1
"""The id of `</s>`, the line end, at every level."""


class Writer:
    """Writes tokens as bytes, one after another.

    >>> from elman.text.tokenizer import Tokenizer, TokenizerConfig
    >>> tokenizer = Tokenizer.fit(["the cat"], config=TokenizerConfig(min_count=1))
    >>> writer = tokenizer.writer()
    >>> [writer.write(token) for token in (3, 2, 1, 2)]
    [b'the', b' cat', b'\\n', b'cat']
    """

    def __init__(self, tokenizer: "Tokenizer", after: After) -> None:
        self._tokenizer = tokenizer
        self._line_start = after == After.START
        self._words = WordWriter(after) if tokenizer.words else None

    def write(self, token_id: int) -> bytes:
        """The bytes that a token adds to the text."""
        piece = self._tokenizer.pieces[token_id]
        if self._words and token_id == EOS_ID:
            self._words = WordWriter(After.START)
        elif self._words and token_id != UNK_ID:
            return self._words.write(self._tokenizer.tokens[token_id]).encode()
        elif self._words:
            self._words = WordWriter(After.APART)
        elif self._line_start and self._tokenizer.leading_space and piece[:1] == b" ":
            piece = piece[1:]
        self._line_start = token_id == EOS_ID
        return piece
