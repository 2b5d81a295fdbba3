"""Unknown words of a target: each is copied from where the decoder looked most."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from elman.text.tokenizer import UNK_ID, Tokenizer


def with_copies(target: Tokenizer, ids: Sequence[int], weights: NDArray[np.floating], words: Sequence[str]) -> str:
    """The text of a target in which words of the source stand for `<unk>`.

    Args:
        ids: its tokens, without `</s>`.
        weights: of attention before each of them ``[T, S]``.
        words: the texts of the source's tokens ``[S - 1]`` in the order of the weights, whose last
            column is `</s>`.

    >>> from elman.text.tokenizer import TokenizerConfig
    >>> words = Tokenizer.fit(["wir sehen"], config=TokenizerConfig(min_count=1))
    >>> ids = words.encode("wir sehen Otto").ids.tolist()
    >>> with_copies(words, ids, np.array([[0.9, 0, 0], [0, 0.9, 0], [0.3, 0.1, 0.6]]), ["Otto", "we"])
    'wir sehen Otto'
    """
    writer, text = target.writer(), b""
    for token, row in zip(ids, weights, strict=True):
        data = writer.write(token)
        if token == UNK_ID and words:
            data = words[int(row[: len(words)].argmax())].strip(" ").encode()
            data = b" " + data if text and target.leading_space else data
        text += data
    return text.decode(errors="replace")
