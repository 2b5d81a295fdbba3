import numpy as np
import pytest

from elman.apps.ranking.fusion import (
    JudgedScores,
    cross_validated,
    fit_weights,
    read_weights,
    save_weights,
    standardised,
)
from elman.errors import UsageError


def _queries(count: int = 30, *, seed: int = 1) -> list[JudgedScores]:
    """One score knows what is relevant, with noise; one is noise; one says the opposite."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        relevant = rng.random(40) < 0.2
        knows, noise = relevant + rng.normal(size=40) * 0.7, rng.normal(size=40)
        scores = np.stack([standardised(each) for each in (noise, knows, noise - knows)], axis=1)
        found.append(JudgedScores(scores, relevant, int(relevant.sum())))
    return found


def _mean_precision(queries: list[JudgedScores], weights: list[np.ndarray]) -> float:
    values = []
    for query, own in zip(queries, weights, strict=True):
        ranked = query.relevant[np.argsort(-(query.scores @ own), kind="stable")]
        places = np.flatnonzero(ranked)
        values.append(sum((n + 1) / (place + 1) for n, place in enumerate(places)) / max(query.judged, 1))
    return float(np.mean(values))


def test_weights_find_the_score_that_knows() -> None:
    queries = _queries()
    weights = fit_weights(queries)
    assert weights.sum() == pytest.approx(1) and (weights >= 0).all()
    alone = _mean_precision(queries, [np.array([0.0, 1.0, 0.0])] * len(queries))
    assert _mean_precision(queries, [weights] * len(queries)) >= alone > 0.6
    assert weights[1] > 0.7


def test_no_query_is_ranked_by_weights_that_its_judgements_fitted() -> None:
    queries = _queries(11)
    before = cross_validated(queries, folds=4)
    for place in (0, 5, 10):
        changed = list(queries)
        changed[place] = changed[place]._replace(relevant=~changed[place].relevant)
        assert np.array_equal(cross_validated(changed, folds=4)[place], before[place])
    everything_else = [queries[at] for at in range(11) if at not in _fold_of(0)]
    assert np.array_equal(before[0], fit_weights(everything_else))


def _fold_of(place: int) -> list[int]:
    order = np.random.default_rng(1).permutation(11)
    return next(part.tolist() for part in (order[fold::4] for fold in range(4)) if place in part)


def test_a_score_without_documents_is_nothing() -> None:
    assert standardised(np.full(3, -np.inf)).tolist() == [0, 0, 0]
    assert standardised(np.array([2.0, 2.0])).tolist() == [0, 0]


def test_weights_are_read_as_they_were_saved(tmp_path) -> None:
    save_weights(tmp_path / "w.json", {"bm25": 0.25, "feedback": 1 / 3})
    assert read_weights(tmp_path / "w.json") == {"bm25": 0.25, "feedback": 1 / 3}
    for text in ("[]", "{}", '{"a": null}', '{"a": NaN}', "no"):
        (tmp_path / "bad.json").write_text(text)
        with pytest.raises(UsageError, match="bad.json"):
            read_weights(tmp_path / "bad.json")
