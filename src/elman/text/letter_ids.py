"""Ids of characters and of bytes without the tokenizers library, at a fraction of its cost."""

from collections.abc import Sequence

import numpy as np

from elman.notation import TokenIds
from elman.text.splitting import checked_line
from elman.text.token_writer import UNK_ID
from elman.text.tokenizer_json import SPECIALS


class LetterIds:
    """The tokens of lines at character or byte level.

    Args:
        tokens: the vocabulary of characters; None for bytes.

    >>> LetterIds(["<unk>", "</s>", "a", "b"]).read("abc")
    array([2, 3, 0])
    """

    def __init__(self, tokens: Sequence[str] | None) -> None:
        self._table = None
        if tokens is not None:
            points = np.array([ord(token) for token in tokens[len(SPECIALS) :]], dtype=np.int64)
            # The last row is for all code points beyond the largest known.
            self._table = np.full(points.max(initial=0) + 2, UNK_ID, dtype=np.int64)
            self._table[points] = np.arange(len(SPECIALS), len(tokens))

    def read(self, line: str) -> TokenIds:
        """The ids of a line.

        Raises:
            TextError: the line holds half of a surrogate pair, which is not Unicode text.
        """
        line = checked_line(line)
        if self._table is None:
            return np.frombuffer(line.encode(), dtype=np.uint8).astype(np.int64) + len(SPECIALS)
        points = np.frombuffer(line.encode("utf-32-le"), dtype=np.uint32)
        return self._table[np.minimum(points, len(self._table) - 1)]

    def spans(self, ids: TokenIds) -> TokenIds:
        """The characters ``[T, 2]`` of the line that the ids of a whole line stand for."""
        # Every byte except continuation bytes begins a character.
        begins = np.ones(len(ids), bool) if self._table is not None else (ids - len(SPECIALS)) & 0xC0 != 0x80
        ends = np.cumsum(begins)
        return np.stack([ends - 1, ends], axis=1)
