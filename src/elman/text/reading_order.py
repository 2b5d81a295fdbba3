"""Tokens of lines from the end of each line to its start."""

import numpy as np

from elman.notation import TokenIds
from elman.text.token_writer import EOS_ID


def reversed_lines(ids: TokenIds) -> TokenIds:
    """The tokens of each line from its last to its first; its `</s>` stays behind them. The last
    line may be open.

    >>> reversed_lines(np.array([5, 6, 7, EOS_ID, EOS_ID, 8, 9])).tolist()
    [7, 6, 5, 1, 1, 9, 8]
    """
    lines = np.split(ids, np.flatnonzero(ids == EOS_ID) + 1)
    ended = [len(line) - (line[-1:] == EOS_ID).sum() for line in lines]
    return np.concatenate(
        [part for line, end in zip(lines, ended, strict=True) for part in (line[:end][::-1], line[end:])]
    )
