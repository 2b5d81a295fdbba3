"""LineNats: the losses of single lines, collected while a text is scored token by token."""

from array import array

import numpy as np
from numpy.typing import NDArray

from elman.notation import LogProbs


class LineNats:
    """Nats of each line with its `</s>`, the spelling of unknown words included.

    Lines are announced in order before their scores come, in arrays that may end inside a line.

    >>> lines = LineNats()
    >>> lines.expect(tokens=2, spelling=0.5)
    >>> lines.expect(tokens=1, spelling=0.0)
    >>> lines.add(np.array([-1.0]))
    >>> lines.add(np.array([-2.0, -4.0]))
    >>> lines.values.tolist()
    [3.5, 4.0]
    """

    def __init__(self) -> None:
        self._tokens, self._nats = array("q"), array("d")
        self._done = 0
        self._left = np.empty(0)

    def expect(self, *, tokens: int, spelling: float) -> None:
        """Announce the next line, of at least one token."""
        self._tokens.append(tokens)
        self._nats.append(spelling)

    def add(self, log_probs: LogProbs) -> None:
        """Take the log-probabilities of the next tokens."""
        left = np.concatenate([self._left, np.negative(log_probs, dtype=np.float64)])
        ends = np.cumsum(np.array(self._tokens[self._done :], np.int64))
        whole = int(np.searchsorted(ends, len(left), side="right"))
        if whole:
            sums = np.add.reduceat(left[: ends[whole - 1]], [0, *ends[: whole - 1]])
            for line, nats in enumerate(sums.tolist(), self._done):
                self._nats[line] += nats
            left = left[ends[whole - 1] :]
            self._done += whole
        self._left = left

    @property
    def values(self) -> NDArray[np.float64]:
        """Nats of all lines ``[lines]``."""
        assert self._done == len(self._nats) and not len(self._left), "some tokens have no score yet"
        return np.array(self._nats)
