"""Whether two systems differ beyond chance, by approximate randomisation.

If there were no difference, the two answers to a sentence could be swapped. The figure is computed
for many random swaps of whole sentences; the p-value is the share of swaps whose difference is at
least as large as the observed one (Noreen, Computer-Intensive Methods for Testing Hypotheses, 1989;
Yeh, "More accurate tests for the statistical significance of result differences", 2000).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.metrics.tags import SentenceFigure

SHUFFLES = 1000
_CHUNK = 1 << 22
_EQUAL = 1e-12
"""Differences of figures that are this close are equal: sums round differently."""


def approximate_randomisation(
    figure: SentenceFigure, *, sentences: int, shuffles: int = SHUFFLES, seed: int = 1
) -> float:
    """The two-sided p-value of the difference between two systems.

    With R shuffles the smallest value is 1 / (R + 1).

    Args:
        figure: of both systems' answers together: maps weights ``[.., 2 S]``, the first system's
            sentences before the second's, to values ``[..]``.
        sentences: S.
        shuffles: R.

    >>> from elman.metrics.tags import ratio
    >>> correct, words = np.array([1] * 9 + [0] + [0] * 10), np.ones(20)
    >>> approximate_randomisation(ratio(correct, words), sentences=10) < 0.01
    True
    """
    rng = np.random.default_rng(seed)
    first = np.concatenate([np.ones(sentences, bool), np.zeros(sentences, bool)])
    observed = np.abs(_difference(figure, first[None]))[0]
    as_large = 0
    for begin in range(0, shuffles, step := max(1, _CHUNK // max(sentences, 1))):
        swap = rng.integers(2, size=(min(step, shuffles - begin), sentences), dtype=np.int8).astype(bool)
        differences = _difference(figure, np.concatenate([~swap, swap], axis=1))
        as_large += int((np.abs(differences) >= observed - _EQUAL).sum())
    return (as_large + 1) / (shuffles + 1)


def _difference(figure: SentenceFigure, chosen: NDArray[np.bool_]) -> NDArray[Any]:
    return figure(chosen.astype(np.int64)) - figure((~chosen).astype(np.int64))
