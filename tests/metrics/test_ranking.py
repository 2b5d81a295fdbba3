import numpy as np
import pytest

from elman.metrics.ranking import FIGURES, query_figures

QRELS = {
    "q1": {"d1": 3, "d2": 0, "d3": 1, "d4": 2, "d9": -1},
    "q2": {"d1": 1},
    "q3": {"d5": 2},
    "q4": {"d7": 0},
}
RUN = {"q1": ["d2", "d1", "d9", "d8", "d3"], "q2": ["d1", "d2"], "q4": ["d7"], "q9": ["d1"]}


def test_figures_by_hand() -> None:
    found = query_figures(RUN, QRELS)
    # q1: relevant at ranks 2 and 5 of 3 relevant ones; ideal gains 3 2 1.
    ndcg = (3 / np.log2(3) + 1 / np.log2(6)) / (3 + 2 / np.log2(3) + 1 / 2)
    assert np.allclose(found["map"], [(1 / 2 + 2 / 5) / 3, 1, 0, 0])
    assert np.allclose(found["ndcg@10"], [ndcg, 1, 0, 0])
    assert np.allclose(found["recall@100"], [2 / 3, 1, 0, 0])
    assert np.allclose(found["p@10"], [0.2, 0.1, 0, 0])
    assert np.allclose(found["mrr"], [0.5, 1, 0, 0])


def test_figures_are_those_of_trec_eval() -> None:
    ir_measures = pytest.importorskip("ir_measures")
    from elman.apps.ranking.trec import ordered

    rng = np.random.default_rng(1)
    documents = [f"d{number}" for number in range(200)]
    qrels = {
        f"q{query}": {
            d: int(rng.integers(-1, 4)) for d in rng.choice(documents, size=rng.integers(1, 60), replace=False)
        }
        for query in range(20)
    }
    # Scores have ties, within and beyond float32.
    runs = {
        query: {d: round(float(rng.normal()), 1) + 1e-9 * float(rng.normal()) for d in rng.choice(documents, 150)}
        for query in list(qrels)[:-2]
    }
    names = {"map": "AP", "ndcg@10": "nDCG@10", "recall@100": "R@100", "p@10": "P@10", "mrr": "RR"}
    measures = {name: ir_measures.parse_measure(theirs) for name, theirs in names.items()}
    found = query_figures({query: ordered(scores) for query, scores in runs.items()}, qrels)
    theirs = ir_measures.calc_aggregate(measures.values(), qrels, runs)
    assert set(names) == set(FIGURES)
    for name, measure in measures.items():
        assert found[name].mean() == pytest.approx(theirs[measure], abs=1e-9), name
