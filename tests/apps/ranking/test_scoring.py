"""Scores next to slow, obvious ones, and next to bm25s."""

import math
from collections import Counter

import numpy as np
import pytest

from elman.apps.ranking.build import IndexedDocument, temporary_index
from elman.apps.ranking.scoring import METHODS, ScoringConfig, query_of, top, with_feedback

TEXTS = [
    "the wing lifts the plane", "a plane has a wing and a tail", "heat flows through the wall of the plane",
    "", "the wall is hot", "wing wing wing", "a tail lifts nothing", "heat and more heat in a hot wall",
]  # fmt: skip
CONFIG = ScoringConfig(
    k1=1.2, b=0.6, mu=30, smoothing=0.4, feedback_documents=2, feedback_terms=4, feedback_weight=0.7, neighbours=2,
    neighbours_weight=0.6, pool=5,
)  # fmt: skip
COUNTS = [Counter(text.split()) for text in TEXTS]
LENGTHS = [counts.total() for counts in COUNTS]
TOTALS = sum(COUNTS, Counter[str]())
QUERY = "heat wing wing unknown"


@pytest.fixture(scope="module")
def index():
    with temporary_index(IndexedDocument(str(n), text) for n, text in enumerate(TEXTS)) as made:
        yield made


def _named(index, query) -> dict[str, float]:
    names = {index.number(term): term for term in TOTALS}
    return {names[number]: weight for number, weight in query.items()}


def _scored(query: dict[str, float], weigh) -> np.ndarray:
    return np.array([
        sum(weight * weigh(term, COUNTS[d], LENGTHS[d]) for term, weight in query.items())
        if any(term in COUNTS[d] for term in query) else -np.inf
        for d in range(len(TEXTS))
    ])  # fmt: skip


def _bm25(term: str, counts: Counter[str], length: int) -> float:
    documents = sum(term in each for each in COUNTS)
    idf = math.log(1 + (len(TEXTS) - documents + 0.5) / (documents + 0.5))
    mean = sum(LENGTHS) / len(LENGTHS)
    norm = CONFIG.k1 * (1 - CONFIG.b + CONFIG.b * length / mean)
    return idf * counts[term] / (counts[term] + norm)


def _share(term: str) -> float:
    return TOTALS[term] / TOTALS.total()


def _dirichlet(term: str, counts: Counter[str], length: int) -> float:
    return math.log((counts[term] + CONFIG.mu * _share(term)) / (length + CONFIG.mu) / _share(term))


def _jelinek_mercer(term: str, counts: Counter[str], length: int) -> float:
    background = CONFIG.smoothing * _share(term)
    return math.log(((1 - CONFIG.smoothing) * counts[term] / length + background) / background)


def test_queries_leave_out_what_no_document_has(index) -> None:
    assert _named(index, query_of(index, QUERY)) == {"heat": 1, "wing": 2}


@pytest.mark.parametrize(
    ("method", "weigh"), [("bm25", _bm25), ("dirichlet", _dirichlet), ("jelinek-mercer", _jelinek_mercer)]
)
def test_scores_are_those_of_the_formula(index, method: str, weigh) -> None:
    query = {"heat": 1.0, "wing": 2.0}
    found = METHODS[method](index, query_of(index, QUERY), CONFIG)
    np.testing.assert_allclose(found, _scored(query, weigh), rtol=1e-12)


def _feedback_query(query: dict[str, float]) -> dict[str, float]:
    scores = _scored(query, _bm25)
    best = np.argsort(-scores, kind="stable")[: CONFIG.feedback_documents]
    weights = np.exp(scores[best] - scores[best].max())
    weights /= weights.sum()
    model = {t: sum(w * COUNTS[d][t] / LENGTHS[d] for d, w in zip(best, weights, strict=True)) for t in TOTALS}
    chosen = sorted(model, key=lambda term: -model[term])[: CONFIG.feedback_terms]
    mass = sum(model[term] for term in chosen)
    mixed = {term: CONFIG.feedback_weight * model[term] / mass for term in chosen}
    for term, weight in query.items():
        mixed[term] = mixed.get(term, 0) + (1 - CONFIG.feedback_weight) * weight / sum(query.values())
    return mixed


def test_feedback_adds_words_of_the_first_documents(index) -> None:
    query = query_of(index, QUERY)
    expected = _feedback_query({"heat": 1.0, "wing": 2.0})
    found = _named(index, with_feedback(index, query, METHODS["bm25"](index, query, CONFIG), CONFIG))
    assert found == pytest.approx(expected)
    assert len(found) > 2
    scores = METHODS["feedback"](index, query, CONFIG)
    np.testing.assert_allclose(scores, _scored(expected, _jelinek_mercer), rtol=1e-9)


def test_neighbours_share_their_scores(index) -> None:
    before = METHODS["feedback"](index, query_of(index, QUERY), CONFIG)
    found = METHODS["neighbours"](index, query_of(index, QUERY), CONFIG)
    pool = np.argsort(-before, kind="stable")[: CONFIG.pool]

    def vector(document: int) -> dict[str, float]:
        frequencies = {t: sum(t in each for each in COUNTS) for t in COUNTS[document]}
        raw = {t: (1 + math.log(c)) * math.log(len(TEXTS) / frequencies[t]) for t, c in COUNTS[document].items()}
        length = math.sqrt(sum(v * v for v in raw.values()))
        return {t: v / length for t, v in raw.items()}

    vectors = {int(d): vector(d) for d in pool}
    expected = {d: float(before[d]) for d in vectors}
    for _ in range(5):
        smoothed = {}
        for d, own in vectors.items():
            similar = {e: sum(own.get(t, 0) * v for t, v in other.items()) for e, other in vectors.items() if e != d}
            nearest = sorted(similar.values())[-CONFIG.neighbours]
            kept = {e: s for e, s in similar.items() if s >= nearest and s > 0}
            mean = sum(s * expected[e] for e, s in kept.items()) / sum(kept.values()) if kept else expected[d]
            smoothed[d] = (1 - CONFIG.neighbours_weight) * before[d] + CONFIG.neighbours_weight * mean
        expected = smoothed
    for document, score in enumerate(found):
        assert score == pytest.approx(expected.get(document, before[document])), document
    assert not np.allclose(found[pool], before[pool])


def test_bm25_is_that_of_bm25s(index) -> None:
    bm25s = pytest.importorskip("bm25s")
    peer = bm25s.BM25(k1=1.2, b=0.6)
    peer.index([text.split() for text in TEXTS], show_progress=False)
    found = METHODS["bm25"](index, query_of(index, QUERY), CONFIG)
    theirs = peer.get_scores(["heat", "wing", "wing"])
    np.testing.assert_allclose(np.where(np.isfinite(found), found, 0), theirs, rtol=1e-6)


def test_top_is_a_stable_sort() -> None:
    rng = np.random.default_rng(1)
    for count in (1, 2, 5, 30, 50):
        scores = rng.integers(0, 6, 30).astype(float)
        scores[scores == 0] = -np.inf
        expected = [d for d in np.argsort(-scores, kind="stable").tolist() if np.isfinite(scores[d])][:count]
        assert top(scores, count).tolist() == expected


def test_one_very_long_document_is_scored_as_others_are() -> None:
    with temporary_index(IndexedDocument(*each) for each in (("1", "wing " * 1001), ("2", "wing tail"))) as index:
        scores = METHODS["dirichlet"](index, query_of(index, "wing"), CONFIG)
    share = 1002 / 1003
    wanted = [math.log((c + 30 * share) / (d + 30)) - math.log(share) for c, d in ((1001, 1001), (1, 2))]
    assert scores == pytest.approx(wanted, rel=1e-6)
