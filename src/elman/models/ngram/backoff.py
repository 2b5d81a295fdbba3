"""BackoffTables: an n-gram model as in ARPA files, the neutral form between files and query tables.

    log10 p(w | h) = log10_probs[hw]                              where hw is stored
                   = log10_backoffs[h] + log10 p(w | h')          elsewhere; h' is h without its first token

A context that is not stored has backoff 0. Logarithms to base 10 live here and in ARPA files only.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LARGEST_ORDER = 7
"""Tokens of the longest n-gram that is read or written."""
LARGEST_LOG10 = 1000.0
"""The largest size of a log10 in an ARPA file."""
LOG10_OF_NO_UNK = -100.0
"""What `<unk>` gets where a file has none: KenLM's figure, so that no probability is 0."""


@dataclass(frozen=True, kw_only=True, eq=False)
class BackoffTables:
    """Orders 1 to N of a back-off model; each n-gram is named by its index in the table of its
    order.

    V types can be predicted; `<s>` is not among them. It only begins n-grams, `</s>` only ends
    them.
    """

    keys: tuple[NDArray[np.int64], ...]
    """Orders 2 to N: ``context * V + word``, strictly rising; ``context`` is the index of the first
    n-1 tokens in the order below, at order 1 the token id, and V is `<s>`."""
    log10_probs: tuple[NDArray[np.float32], ...]
    """Orders 1 to N: the probability of each n-gram's last token after the others; order 1 has V
    entries."""
    log10_backoffs: tuple[NDArray[np.float32], ...]
    """Orders 1 to N-1, 0 where a file gives none; order 1 has V + 1 entries, `<s>` last."""

    @property
    def order(self) -> int:
        """N, the length of the longest n-gram."""
        return len(self.log10_probs)

    @property
    def vocab_size(self) -> int:
        """V."""
        return len(self.log10_probs[0])

    def tokens(self, order: int, indices: NDArray[np.integer]) -> NDArray[np.int64]:
        """The tokens of some n-grams, ``[len(places), order]``; V is `<s>`.

        >>> of = BackoffTables(
        ...     keys=(np.array([2, 8]),),
        ...     log10_probs=(np.zeros(3, np.float32), np.zeros(2, np.float32)),
        ...     log10_backoffs=(np.zeros(4, np.float32),),
        ... )
        >>> of.tokens(2, np.array([0, 1]))
        array([[0, 2],
               [2, 2]])
        """
        table = np.empty((len(indices), order), dtype=np.int64)
        nodes = np.asarray(indices, dtype=np.int64)
        for column in range(order - 1, 0, -1):
            nodes, table[:, column] = np.divmod(self.keys[column - 1][nodes], self.vocab_size)
        table[:, 0] = nodes
        return table
