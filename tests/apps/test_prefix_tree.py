"""Scores of a tree of prefixes are those of each row by itself."""

from typing import Any

import numpy as np
import pytest

import elman
from elman.apps import prefix_tree
from elman.apps.prefix_tree import tree_log_probs
from elman.decode.rows import row_score
from elman.models.cache import NeuralCache
from elman.models.combine import Mixture
from elman.models.protocol import LanguageModel, State

Loaded = dict[str, LanguageModel]


@pytest.fixture(scope="module")
def models(request: pytest.FixtureRequest) -> Loaded:
    ngram, lstm = (elman.load(request.getfixturevalue(f"{kind}_folder")).lm for kind in ("ngram", "lstm"))
    return {
        "ngram": ngram,
        "lstm": lstm,
        "mixture": Mixture([ngram, lstm]),
        "cache": NeuralCache(lstm, share=0.2, theta=0.3, window=20),
    }


def rows_of(seed: int, size: int) -> list[np.ndarray]:
    """Rows of few types, so that many begin alike; empty ones, equal ones and prefixes of others
    among them."""
    rng = np.random.default_rng(seed)
    rows = [rng.integers(0, 3, rng.integers(0, 9)) for _ in range(60)]
    return [np.array(row, np.int64) % size for row in rows]


@pytest.mark.parametrize("kind", ["ngram", "lstm", "mixture", "cache"])
@pytest.mark.parametrize("most", [1024, 7])
def test_a_tree_is_each_row_by_itself(kind: str, most: int, models: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    model = models[kind]
    monkeypatch.setattr(prefix_tree, "_MOST_ROWS", most)
    rows = rows_of(most, model.tokenizer.size)
    begun = State.stack([model.start(), model.advance(np.array([5]), model.start())])
    which = [number % 2 for number in range(len(rows))]
    found = tree_log_probs(model, rows, begun, which)
    for row, start, scores in zip(rows, which, found, strict=True):
        (alone,), _ = row_score(model, [row], begun.take([start]))
        np.testing.assert_allclose(scores, alone, rtol=2e-6, atol=2e-6)


def test_shared_prefixes_are_read_once(models: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    model, read = models["lstm"], []
    score = model.score
    monkeypatch.setattr(
        model, "score", lambda ids, lengths, state: read.append(sum(lengths)) or score(ids, lengths, state)
    )
    rows: list[Any] = [np.array(row) for row in ([5, 6, 7, 1], [5, 6, 7, 1], [5, 6, 8, 1], [5, 6, 8, 9, 1], [4, 1])]
    tree_log_probs(model, rows, model.start())
    # 5, 6, 8 are shared; 7 1, 1, 9 1 and 4 1 stand alone.
    assert sum(read) == 3 + 2 + 1 + 2 + 2


def test_no_rows(models: Loaded) -> None:
    assert tree_log_probs(models["ngram"], [], models["ngram"].start()) == []
