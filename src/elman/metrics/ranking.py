"""Figures of rankings, as trec_eval defines them: average precision, nDCG, recall, precision,
reciprocal rank.

A ranking is given by the grades of its documents, the best document first. A grade above 0 is
relevant. Figures are those of one query; a system's figure is their mean over all judged queries,
where a query without any retrieved or any relevant document counts as 0.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Grades = NDArray[np.int64]
RankFigure = Callable[[Grades, Grades], float]
"""From the grades of a ranking ``[K]`` and those of all judged documents of the query ``[J]`` to
the figure."""


def average_precision(ranked: Grades, judged: Grades) -> float:
    """The mean, over relevant documents, of the precision at their ranks; those not retrieved count
    0.

    >>> average_precision(np.array([1, 0, 2]), np.array([1, 2, 1, 0]))  # (1/1 + 2/3 + 0) / 3
    0.5555555555555555
    """
    relevant = ranked > 0
    precision = np.cumsum(relevant) / np.arange(1, len(ranked) + 1)
    return float(precision[relevant].sum()) / max(int((judged > 0).sum()), 1)


def ndcg(ranked: Grades, judged: Grades, *, depth: int = 10) -> float:
    """Discounted cumulative gain of the first documents, divided by that of the ideal ranking: the
    gain is the grade, the discount log2(1 + rank) (Järvelin and Kekäläinen 2002).

    >>> round(ndcg(np.array([0, 2]), np.array([2, 1]), depth=2), 4)  # 2/log2(3) / (2 + 1/log2(3))
    0.4796
    """
    ideal = _gain(np.sort(judged)[::-1], depth)
    return _gain(ranked, depth) / ideal if ideal else 0.0


def recall(ranked: Grades, judged: Grades, *, depth: int = 100) -> float:
    """The share of the relevant documents among the first ones.

    >>> recall(np.array([0, 2, 1]), np.array([2, 1]), depth=2)
    0.5
    """
    return int((ranked[:depth] > 0).sum()) / max(int((judged > 0).sum()), 1)


def precision(ranked: Grades, judged: Grades, *, depth: int = 10) -> float:
    """The share of relevant documents among the first ones; a shorter ranking is filled up with
    others.

    >>> precision(np.array([0, 2]), np.array([2, 1]))
    0.1
    """
    return int((ranked[:depth] > 0).sum()) / depth


def reciprocal_rank(ranked: Grades, judged: Grades) -> float:
    """One by the rank of the first relevant document; 0 if there is none.

    >>> reciprocal_rank(np.array([0, 2, 1]), np.array([2, 1]))
    0.5
    """
    places = np.flatnonzero(ranked > 0)
    return 1 / (int(places[0]) + 1) if len(places) else 0.0


def ndcg_at_10(ranked: Grades, judged: Grades) -> float:
    """nDCG of the first ten."""
    return ndcg(ranked, judged, depth=10)


def recall_at_100(ranked: Grades, judged: Grades) -> float:
    """Recall of the first hundred."""
    return recall(ranked, judged, depth=100)


FIGURES: dict[str, RankFigure] = {
    "map": average_precision,
    "ndcg@10": ndcg_at_10,
    "recall@100": recall_at_100,
    "p@10": precision,
    "mrr": reciprocal_rank,
}
"""Figures by their lasting JSON names; ``map`` and ``mrr`` are means over queries."""


def query_figures(
    run: Mapping[str, Sequence[str]], qrels: Mapping[str, Mapping[str, int]]
) -> dict[str, NDArray[np.float64]]:
    """The figures of every judged query ``[Q]``, in the order of ``qrels``.

    Args:
        run: the documents of each query, the best first.
        qrels: grades by query and document; an unjudged document has grade 0.
    """
    values: dict[str, list[float]] = {name: [] for name in FIGURES}
    for query, grades in qrels.items():
        judged = np.maximum(np.fromiter(grades.values(), np.int64, len(grades)), 0)
        ranked = np.array([max(grades.get(document, 0), 0) for document in run.get(query, ())], np.int64)
        for name, figure in FIGURES.items():
            values[name].append(figure(ranked, judged))
    return {name: np.array(each, np.float64) for name, each in values.items()}


def _gain(grades: Grades, depth: int) -> float:
    first = grades[:depth]
    return float((first / np.log2(np.arange(2, len(first) + 2))).sum())
