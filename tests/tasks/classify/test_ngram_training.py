"""The linear part's weights are scikit-learn's, and its share is the best one."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from elman.data.hashed_ngrams import hashed_ngrams
from elman.metrics.calibration import log_loss, sigmoid, softmax
from elman.models.ngram_regression import scaled
from elman.tasks.classify import ngram_training
from elman.tasks.classify.ngram_training import fit_ngrams, fit_share
from elman.tasks.classify.texts import LabelledTexts

WORDS = ("good fine great warm clever", "bad dull weak slow silly", "odd long plain short old")
TEXTS = [f"{'not ' * (n == 1)}a {word} film number {n}" for words in WORDS for word in words.split() for n in range(4)]
TARGETS = np.repeat(np.arange(3), 20)


def _part(targets: np.ndarray) -> LabelledTexts:
    return LabelledTexts(TEXTS, [], targets)


@pytest.mark.parametrize("weights", [None, np.array([1, 2, 0.5], np.float32)])
def test_weights_are_those_of_scikit_learn(weights: np.ndarray | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ngram_training, "INVERSE_PENALTIES", (2.0,))
    found = fit_ngrams(_part(TARGETS), _part(TARGETS), labels=3, class_weights=weights)
    assert found is not None
    features = hashed_ngrams(TEXTS, found.index)
    numbers = scaled(features, found.factors, found.index.ends)
    matrix = csr_matrix((numbers, features.columns, features.starts), (len(TEXTS), len(found.factors)))
    own = None if weights is None else dict(enumerate(weights.tolist()))
    oracle = LogisticRegression(C=2.0, tol=1e-6, max_iter=1000, class_weight=own).fit(matrix, TARGETS)
    np.testing.assert_allclose(softmax(found.logits(TEXTS)), oracle.predict_proba(matrix), atol=3e-3)


def test_n_grams_that_training_does_not_have_say_nothing() -> None:
    found = fit_ngrams(_part(TARGETS), _part(TARGETS), labels=3, class_weights=None)
    assert found is not None
    np.testing.assert_array_equal(found.logits(["ж", ""]), [found.bias, found.bias])
    np.testing.assert_allclose(found.logits(["good ж"]), found.logits(["good"]), atol=1e-6)


def test_several_labels_are_separate_regressions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ngram_training, "INVERSE_PENALTIES", (2.0,))
    several = np.stack([TARGETS == 0, TARGETS != 1], axis=1)
    found = fit_ngrams(_part(several), _part(several), labels=2, class_weights=None)
    assert found is not None
    features = hashed_ngrams(TEXTS, found.index)
    numbers = scaled(features, found.factors, found.index.ends)
    matrix = csr_matrix((numbers, features.columns, features.starts), (len(TEXTS), len(found.factors)))
    for label in range(2):
        oracle = LogisticRegression(C=2.0, tol=1e-6, max_iter=1000).fit(matrix, several[:, label])
        np.testing.assert_allclose(
            sigmoid(found.logits(TEXTS))[:, label], oracle.predict_proba(matrix)[:, 1], atol=3e-3
        )


def test_validation_chooses_the_penalty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of labels without any pattern, the strongest penalty is the best."""
    random = np.random.default_rng(0).integers(0, 3, len(TEXTS))
    losses = {}
    for penalties in ((1e-3, 10.0), (1e-3,), (10.0,)):
        monkeypatch.setattr(ngram_training, "INVERSE_PENALTIES", penalties)
        found = fit_ngrams(_part(TARGETS), _part(random), labels=3, class_weights=None)
        assert found is not None
        losses[penalties] = log_loss(random, softmax(found.logits(TEXTS)))
    assert losses[(1e-3, 10.0)] == losses[(1e-3,)] < losses[(10.0,)]


def test_too_many_labels_or_no_words_have_no_linear_part() -> None:
    assert fit_ngrams(_part(TARGETS), _part(TARGETS), labels=1000, class_weights=None) is None
    empty = LabelledTexts(["", " "], [], np.array([0, 1]))
    assert fit_ngrams(empty, empty, labels=2, class_weights=None) is None


def test_of_too_many_n_grams_the_frequent_ones_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    everything = fit_ngrams(_part(TARGETS), _part(TARGETS), labels=3, class_weights=None)
    monkeypatch.setattr(ngram_training, "most_columns", lambda labels: 100)
    found = fit_ngrams(_part(TARGETS), _part(TARGETS), labels=3, class_weights=None)
    assert found is not None and everything is not None and found.index.size == 100 < everything.index.size
    frequency = np.bincount(hashed_ngrams(TEXTS, everything.index).columns, minlength=everything.index.size)
    kept = np.bincount(hashed_ngrams(TEXTS, found.index).columns, minlength=100)
    assert sorted(kept, reverse=True) == sorted(frequency, reverse=True)[:100]
    assert (kept > 0).all() and np.diff(found.index.ends, prepend=0).min() > 0


@pytest.mark.slow
def test_the_share_goes_to_the_better_part() -> None:
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 2, 400)
    signal = np.stack([-(targets - 0.5), targets - 0.5], axis=1).astype(np.float32)
    noise = rng.normal(size=(2, 400, 2), scale=2).astype(np.float32)
    assert fit_share(noise[0], signal + 0.1 * noise[1], targets) > 0.8
    assert fit_share(signal + 0.1 * noise[1], noise[0], targets) < 0.2
    assert 0.35 < fit_share(signal + noise[0] / 2, signal + noise[1] / 2, targets) < 0.65
