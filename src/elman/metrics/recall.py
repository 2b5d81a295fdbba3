"""Recall at k among N: how often the right candidate is one of the first k of N, the others drawn
at random.

The mean over all draws follows in closed form: of M - 1 others, r are better than the right one. In
a draw of N - 1 the number of better ones is hypergeometric, and fewer than k must be among them.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def recall_of_ranks(
    better: NDArray[np.integer], equal: NDArray[np.integer], others: NDArray[np.integer], *, k: int, among: int
) -> NDArray[np.float64]:
    """The recall at ``k`` of each example ``[n]``, in the mean over draws; equal scores are put in
    random order.

    Args:
        better: how many of the other candidates have a higher score than the right one ``[n]``.
        equal: how many have the same ``[n]``.
        others: how many there are ``[n]``; where fewer than ``among - 1``, all are drawn.
        among: N, the right one included.

    >>> recall_of_ranks(np.array([1]), np.array([0]), np.array([3]), k=1, among=3).round(4).tolist()
    [0.3333]
    """
    found = np.empty(len(better))
    for count in np.unique(others).tolist():
        rows = others == count
        sums = np.concatenate([[0.0], np.cumsum(_shares(count, k=k, drawn=min(among - 1, count)))])
        above, same = better[rows], equal[rows]
        found[rows] = (sums[above + same + 1] - sums[above]) / (same + 1)
    return found


def _shares(others: int, *, k: int, drawn: int) -> NDArray[np.float64]:
    """The probability that fewer than k of the drawn ones are better, for 0, 1, .. better ones
    ``[others + 1]``."""
    factorials = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, others + 1)))])

    def ways(total: NDArray[np.int64], chosen: int) -> NDArray[np.float64]:
        """Natural logarithms of binomial coefficients."""
        left = total - chosen
        found = factorials[total] - factorials[chosen] - factorials[np.maximum(left, 0)]
        return np.where(left < 0, -np.inf, found)

    better = np.arange(others + 1)
    every = ways(np.array([others]), drawn)
    return sum(
        (np.exp(ways(better, each) + ways(others - better, drawn - each) - every) for each in range(min(k, drawn + 1))),
        np.zeros(others + 1),
    )


def ranks_of(
    scores: NDArray[Any], same: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """How many other candidates are better and equal, and how many there are, for each row.

    Args:
        scores: of all candidates ``[n, n]``; row i's right one is candidate i.
        same: which candidates say the same as row i's right one ``[n, n]``, which are no others.

    >>> [each.tolist() for each in ranks_of(np.array([[2.0, 3.0], [1.0, 1.0]]), np.eye(2, dtype=bool))]
    [[1, 0], [0, 1], [1, 1]]
    """
    right = np.diagonal(scores)[:, None]
    return (
        ((scores > right) & ~same).sum(axis=1),
        ((scores == right) & ~same).sum(axis=1),
        (~same).sum(axis=1),
    )
