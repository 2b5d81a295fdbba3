"""Several scores as one: a weighted sum of scores, each on a scale of its own for every query.

A score is brought to mean 0 and deviation 1 over the documents that any of the methods found; where
a method did not find a document, it gets the method's lowest score. Weights are fitted to the
highest mean average precision by coordinate ascent (Metzler and Croft 2007). What is reported is
cross-validated: no query is ranked by weights that its own judgements have fitted.
"""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.errors import UsageError
from elman.system.files import write_atomic

FOLDS = 5
_POOL = 100
"""Of each score, the first documents that fitting looks at."""
_FACTORS = (0.0, 0.5, 0.8, 1.25, 2.0)
_SUMMANDS = (0.1, 0.5)
_ROUNDS = 6
_WORTH = 1e-5
"""Mean average precision that a step must gain."""


def standardised(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scores ``[K]`` of one query with mean 0 and deviation 1; those that are -inf count as the
    lowest.

    >>> standardised(np.array([3.0, 1.0, -np.inf, -np.inf])).round(3).tolist()
    [1.732, -0.577, -0.577, -0.577]
    """
    found = np.isfinite(scores)
    if not found.any():
        return np.zeros(len(scores))
    filled = np.where(found, scores, scores[found].min())
    deviation = filled.std()
    return (filled - filled.mean()) / deviation if deviation > 1e-12 else np.zeros(len(scores))


class JudgedScores(NamedTuple):
    """The standardised scores of a query's documents, and what is known of them."""

    scores: NDArray[np.float64]
    """``[K, D]``"""
    relevant: NDArray[np.bool_]
    """``[K]``"""
    judged: int
    """How many relevant documents the query has, found or not."""


def fit_weights(queries: Sequence[JudgedScores]) -> NDArray[np.float64]:
    """Weights ``[D]``, none below 0, with the highest mean average precision that was found.

    The search starts from equal weights and from the best single score.
    """
    table = _Table.of(queries)
    methods = table.scores.shape[2]
    single = max(np.eye(methods), key=table.precision)
    found = [_ascend(table, start) for start in (np.full(methods, 1.0), single)]
    best = max(found, key=table.precision)
    return best / max(best.sum(), 1e-12)


def cross_validated(queries: Sequence[JudgedScores], *, folds: int = FOLDS, seed: int = 1) -> list[NDArray[np.float64]]:
    """For each query, weights fitted to the queries of the other folds."""
    order = np.random.default_rng(seed).permutation(len(queries))
    weights: dict[int, NDArray[np.float64]] = {}
    for fold in range(folds):
        held_out = order[fold::folds].tolist()
        rest = [query for place, query in enumerate(queries) if place not in set(held_out)]
        weights |= dict.fromkeys(held_out, fit_weights(rest)) if held_out else {}
    return [weights[place] for place in range(len(queries))]


def save_weights(path: Path, weights: Mapping[str, float]) -> None:
    """Write weights as a JSON object."""
    write_atomic(path, (json.dumps(dict(weights), indent=2) + "\n").encode())


def read_weights(path: Path) -> dict[str, float]:
    """Weights that ``save_weights`` wrote.

    Raises:
        UsageError: the file cannot be read, or is no JSON object of numbers.
    """
    try:
        found = json.loads(path.read_bytes())
        weights = {str(name): float(value) for name, value in found.items()}
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}; give a file of weights") from error
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError(f'{path} holds no weights; they are a JSON object such as {{"bm25": 0.5}}') from error
    if not weights or not all(map(math.isfinite, weights.values())):
        raise UsageError(f"{path}: weights must be finite numbers")
    return weights


class _Table(NamedTuple):
    """The first documents of all queries, filled up with such as come last."""

    scores: NDArray[np.float64]
    """``[Q, K, D]``"""
    relevant: NDArray[np.bool_]
    """``[Q, K]``"""
    judged: NDArray[np.int64]
    """``[Q]``"""

    @classmethod
    def of(cls, queries: Sequence[JudgedScores]) -> "_Table":
        kept = [_first(each.scores) for each in queries]
        longest = max(map(len, kept))
        scores = np.full((len(queries), longest, queries[0].scores.shape[1]), -1e3)
        relevant = np.zeros(scores.shape[:2], bool)
        for row, (query, places) in enumerate(zip(queries, kept, strict=True)):
            scores[row, : len(places)] = query.scores[places]
            relevant[row, : len(places)] = query.relevant[places]
        return cls(scores, relevant, np.array([max(each.judged, 1) for each in queries]))

    def precision(self, weights: NDArray[np.float64]) -> float:
        """Mean average precision."""
        order = np.argsort(-(self.scores @ weights), axis=1, kind="stable")
        relevant = np.take_along_axis(self.relevant, order, axis=1)
        precisions = np.cumsum(relevant, axis=1) / np.arange(1, relevant.shape[1] + 1)
        return float(((precisions * relevant).sum(axis=1) / self.judged).mean())


def _first(scores: NDArray[np.float64]) -> NDArray[np.int64]:
    """The documents that come first by any score."""
    order = np.argsort(-scores, axis=0, kind="stable")[:_POOL]
    return np.unique(order)


def _ascend(table: _Table, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    best = table.precision(weights)
    for _ in range(_ROUNDS):
        before = best
        for method in range(len(weights)):
            own = weights[method]
            for value in {*(own * factor for factor in _FACTORS), *(own + more for more in _SUMMANDS)} - {own}:
                tried = weights.copy()
                tried[method] = value
                if tried.any() and (found := table.precision(tried)) > best + _WORTH:
                    best, weights = found, tried
        if best == before:
            break
    return weights
