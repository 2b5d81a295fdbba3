"""How good rankings are: figures of each method and of their sum, next to a baseline."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from elman.apps.rank import FUSION, Candidates, Ranker
from elman.apps.ranking.build import IndexedDocument
from elman.apps.ranking.fusion import FOLDS, JudgedScores, cross_validated, fit_weights
from elman.apps.ranking.trec import Qrels, Run, ordered
from elman.errors import TextError, UsageError
from elman.metrics.randomisation import approximate_randomisation
from elman.metrics.ranking import FIGURES, query_figures
from elman.metrics.tags import ratio
from elman.metrics.text_intervals import mean_with_interval
from elman.progress import Progress
from elman.text.readers.record import listed

SHUFFLES = 10_000
TESTED = ("map", "ndcg@10")
"""Figures whose differences are tested."""


class RankedQueries(NamedTuple):
    """The rankings of many queries."""

    runs: dict[str, Run]
    """By method, and of their sum if there are several."""
    weights: dict[str, float] | None
    """Of the sum, fitted to all queries; None where they were not fitted."""


def rank_queries(
    ranker: Ranker,
    queries: Iterable[IndexedDocument],
    qrels: Qrels | None = None,
    *,
    folds: int = FOLDS,
    progress: Progress | None = None,
) -> RankedQueries:
    """Rank queries by every method. With judgements the sum's weights are fitted by
    cross-validation.

    Raises:
        TextError: no query is judged, or a query comes twice.
        UsageError: fewer than two folds.
    """
    if folds < 2:
        raise UsageError.of("folds", folds, "at least 2")
    found: dict[str, Candidates] = {}
    with (progress or Progress()).stage("ranking", total=None, unit="queries") as advance:
        for query in queries:
            if query.id in found:
                raise TextError(f"query {query.id} comes twice; queries need different names")
            found[query.id] = ranker.candidates(query.text)
            advance(1)
    methods = [*ranker.methods, *ranker.rerankers]
    runs = {name: {query: ranker.ordered(each, each.scores[name]) for query, each in found.items()} for name in methods}
    fitted = None
    if len(methods) > 1:
        own = dict.fromkeys(found, ranker.weights)
        if qrels is not None:
            fitted, by_query = _fitted(ranker, found, qrels, methods, folds)
            own |= by_query
        runs[FUSION] = {query: ranker.ordered(each, each.fused(own[query])) for query, each in found.items()}
    return RankedQueries(runs, fitted)


def unmatched(qrels: Qrels, runs: Mapping[str, Run], ids: Iterable[str]) -> Iterator[str]:
    """What judgements name that is not there, as notes: it counts as not found.

    Args:
        runs: of the ranker, each with all queries.
        ids: of all documents.

    >>> list(unmatched({"q": {"a": 1, "b": 2}}, {"bm25": {"q": {"a": 0.5}}}, ["a", "c"]))
    ['1 of 2 relevant documents are none of the documents, such as b']
    """
    relevant = {query: {name for name, grade in each.items() if grade > 0} for query, each in qrels.items()}
    relevant = {query: names for query, names in relevant.items() if names}
    asked = next(iter(runs.values()), {})
    strangers = [query for query in relevant if query not in asked]
    if strangers:
        yield f"{len(strangers):,} of {len(relevant):,} judged queries are none of the queries, such as {strangers[0]}"
    names = dict.fromkeys(name for each in relevant.values() for name in sorted(each))
    found = {name for run in runs.values() for documents in run.values() for name in documents}
    missing = dict.fromkeys(name for name in names if name not in found)
    if missing:
        for name in ids:
            missing.pop(name, None)
    if missing:
        first = next(iter(missing))
        yield f"{len(missing):,} of {len(names):,} relevant documents are none of the documents, such as {first}"


def _fitted(
    ranker: Ranker, found: Mapping[str, Candidates], qrels: Qrels, methods: Sequence[str], folds: int
) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    """Weights that are fitted to all judged queries, and for each query those of the others."""
    judged = [query for query in found if any(grade > 0 for grade in qrels.get(query, {}).values())]
    if not judged:
        raise TextError(
            f"no query has a relevant document; queries: {listed(found)}; judged: {listed(qrels)}; the names must agree"
        )
    if len(judged) < 2 * folds:
        fewer = f"--folds {len(judged) // 2}" if len(judged) >= 4 else f"name one method: --method {methods[0]}"
        raise TextError(f"judged queries: {len(judged)}; {folds} folds need {2 * folds}; give more, or {fewer}")
    queries = []
    for query in judged:
        each, grades = found[query], qrels[query]
        relevant = [grades.get(ranker.index.ids[number], 0) > 0 for number in each.documents.tolist()]
        total = sum(grade > 0 for grade in grades.values())
        queries.append(JudgedScores(each.standardised(), np.array(relevant, bool), total))
    held_out = cross_validated(queries, folds=folds)

    def named(weights: Any) -> dict[str, float]:
        return dict(zip(methods, weights.tolist(), strict=True))

    everything = named(fit_weights(queries))
    return everything, dict.fromkeys(found, everything) | dict(zip(judged, map(named, held_out), strict=True))


def ranking_figures(
    runs: Mapping[str, Run], qrels: Qrels, *, baseline: str | None = None, seed: int = 1
) -> dict[str, Any]:
    """The figures of runs, means over all judged queries, and what they differ from a baseline by.

    Args:
        baseline: the name of a run; by default the first.

    Returns:
        By run: each figure with its 95% interval (Student's t over queries), and for those of
        ``TESTED`` the difference to the baseline with its interval and its p-value by approximate
        randomisation.

    Raises:
        UsageError: there is no such baseline.
    """
    baseline = next(iter(runs)) if baseline is None else baseline
    if baseline not in runs:
        raise UsageError.of("baseline", baseline, f"one of: {', '.join(runs)}")
    values = {
        name: query_figures({query: ordered(scores) for query, scores in run.items()}, qrels)
        for name, run in runs.items()
    }
    found: dict[str, Any] = {}
    for name, own in values.items():
        found[name] = {figure: mean_with_interval(own[figure], shares=True) for figure in FIGURES}
        if name != baseline:
            found[name]["difference"] = {
                figure: {
                    **mean_with_interval(own[figure] - values[baseline][figure]),
                    "p": _p_value(own[figure], values[baseline][figure], seed),
                }
                for figure in TESTED
            }
    return {"queries": len(qrels), "baseline": baseline, "runs": found}


def _p_value(first: Any, second: Any, seed: int) -> float:
    together = np.concatenate([first, second])
    return approximate_randomisation(
        ratio(together, np.ones(len(together))), sentences=len(first), shuffles=SHUFFLES, seed=seed
    )
