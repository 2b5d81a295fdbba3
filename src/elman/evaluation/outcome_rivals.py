"""The simple rivals of an outcome network: the frequencies of outcomes, Elo ratings, and logistic
regression on the columns."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.metrics.calibration import log_loss, softmax

ELO = "Elo ratings with logistic regression"
COLUMNS = "logistic regression on the columns"
FREQUENCIES = "the frequencies of the outcomes"
STEPS = (10.0, 20.0, 30.0, 45.0, 60.0)
"""Values of Elo's K that validation chooses from."""
ADVANTAGES = (0.0, 60.0, 100.0)
"""Rating points of the first entity's advantage that it chooses from."""
INVERSE_PENALTIES = (0.01, 0.1, 1.0)


def elo_ratings(
    entities: NDArray[np.int64], scores: NDArray[np.float64], *, step: float, advantage: float = 0.0
) -> NDArray[np.float64]:
    """The rating of the first entity minus that of the second before each row ``[N]`` (Elo 1978).

    Args:
        entities: ``[N, 2]``, rows in the order of their times.
        scores: what the first entity got, from 0 to 1 ``[N]``; NaN where it is not known.
        step: K, the points that an entity wins at most.
        advantage: points that the first entity has more.

    >>> elo_ratings(np.array([[0, 1], [0, 1]]), np.array([1.0, 1.0]), step=20).tolist()
    [0.0, 20.0]
    """
    ratings: dict[int, float] = {}
    found = np.zeros(len(entities))
    for row, ((first, second), score) in enumerate(zip(entities.tolist(), scores.tolist(), strict=True)):
        found[row] = difference = ratings.get(first, 1500.0) - ratings.get(second, 1500.0)
        if not math.isnan(score):
            moved = step * (score - 1 / (1 + 10 ** (-(difference + advantage) / 400)))
            ratings[first] = ratings.get(first, 1500.0) + moved
            ratings[second] = ratings.get(second, 1500.0) - moved
    return found


class SoftmaxRegression:
    """Multinomial logistic regression by Newton's method, for few numbers per row.

    Args:
        penalty: of the squared weights, not of the intercepts.

    >>> x, y = np.array([[-1.0], [1.0]] * 20), np.array([0, 1] * 20)
    >>> SoftmaxRegression().fit(x, y, outcomes=2).predict_proba(x[:1]).round(2).tolist()
    [[0.96, 0.04]]
    """

    def __init__(self, *, penalty: float = 1.0) -> None:
        self.penalty = penalty

    def fit(self, x: NDArray[np.float64], y: NDArray[np.int64], *, outcomes: int) -> "SoftmaxRegression":
        """Learn from numbers ``x[N, D]`` and outcomes ``y[N]``."""
        self._mean, spread = x.mean(axis=0), x.std(axis=0)
        self._scale = np.where(spread > 1e-12, spread, 1)
        x = self._with_one(x)
        size = x.shape[1]
        penalty = np.full((size, outcomes), self.penalty)
        penalty[-1] = 1e-6
        self._weights = np.zeros((size, outcomes))
        wanted = np.eye(outcomes)[y]
        for _ in range(30):
            chances = softmax(x @ self._weights)
            slope = x.T @ (chances - wanted) + penalty * self._weights
            curve = np.zeros((size, outcomes, size, outcomes))
            for one in range(outcomes):
                for other in range(outcomes):
                    weight = chances[:, one] * ((one == other) - chances[:, other])
                    curve[:, one, :, other] = x.T @ (x * weight[:, None])
            whole = curve.reshape(size * outcomes, -1) + np.diag(penalty.ravel())
            moved = np.linalg.solve(whole, slope.ravel()).reshape(size, outcomes)
            self._weights -= moved
            if np.abs(moved).max() < 1e-8:
                break
        return self

    def predict_proba(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probabilities ``[N, K]``."""
        return softmax(self._with_one(x) @ self._weights)

    def _with_one(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.concatenate([(x - self._mean) / self._scale, np.ones((len(x), 1))], axis=1)


class EloRegression:
    """Logistic regression on the difference of two Elo ratings, and on small columns.

    Ratings go on through all rows, each rated before its outcome is known.
    """

    name = ELO

    def fit(
        self,
        entities: NDArray[np.int64],
        targets: NDArray[np.int64],
        more: NDArray[np.float64],
        *,
        outcomes: int,
        train: NDArray[np.int64],
        valid: NDArray[np.int64],
    ) -> "EloRegression":
        """Learn from rows in the order of their times; K and the first entity's advantage are
        chosen on the validation rows.

        Args:
            entities: ``[N, 2]``.
            targets: ids in their order ``[N]``; -1 where unknown.
            more: further numbers of each row ``[N, D]``.
            train, valid: numbers of the rows to fit and to choose on.
        """
        lowest = math.inf
        for step in STEPS:
            for advantage in ADVANTAGES:
                self.outcomes, settings = outcomes, (step, advantage)
                x = self._numbers(entities, targets, more, settings)
                model = SoftmaxRegression().fit(x[train], targets[train], outcomes=outcomes)
                loss = log_loss(targets[valid], model.predict_proba(x[valid])) if len(valid) else 0.0
                if loss < lowest:
                    self.settings, self._model, lowest = settings, model, loss
        return self

    def predict(
        self, entities: NDArray[np.int64], targets: NDArray[np.int64], more: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Probabilities of all rows ``[N, K]``, in the order of their times."""
        return self._model.predict_proba(self._numbers(entities, targets, more, self.settings))

    def _numbers(
        self,
        entities: NDArray[np.int64],
        targets: NDArray[np.int64],
        more: NDArray[np.float64],
        settings: tuple[float, float],
    ) -> NDArray[np.float64]:
        # An outcome's place in the order is the score of the second entity.
        scores = np.where(targets < 0, np.nan, 1 - targets / (self.outcomes - 1))
        ratings = elo_ratings(entities, scores, step=settings[0], advantage=settings[1])
        return np.concatenate([ratings[:, None], more], axis=1)


class ColumnRegression:
    """scikit-learn's logistic regression on one-hot categories and numbers.

    Args:
        tables: ids of each column's table ``[C]``.
    """

    name = COLUMNS

    def __init__(self, tables: Sequence[int]) -> None:
        self._tables = tuple(tables)

    def fit(
        self,
        ids: NDArray[np.int64],
        numbers: NDArray[np.float32],
        targets: NDArray[np.int64],
        *,
        outcomes: int,
        valid: NDArray[np.int64],
        train: NDArray[np.int64],
    ) -> "ColumnRegression":
        """Learn from rows; ``C`` is chosen on the validation rows.

        Args:
            ids: ``[N, C]``.
            train, valid: numbers of the rows to fit and to choose on.
        """
        import warnings

        from sklearn.linear_model import LogisticRegression

        self._outcomes, lowest = outcomes, math.inf
        x, held_out = self._sparse(ids[train], numbers[train]), self._sparse(ids[valid], numbers[valid])
        for inverse_penalty in INVERSE_PENALTIES:
            model = LogisticRegression(C=inverse_penalty, max_iter=300)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # 300 passes may not be enough
                model.fit(x, targets[train])
            loss = log_loss(targets[valid], self._of(model, held_out)) if len(valid) else 0.0
            if loss < lowest:
                self._model, lowest = model, loss
        return self

    def predict(self, ids: NDArray[np.int64], numbers: NDArray[np.float32]) -> NDArray[np.float64]:
        """Probabilities ``[N, K]``."""
        return self._of(self._model, self._sparse(ids, numbers))

    def _of(self, model: Any, x: Any) -> NDArray[np.float64]:
        found = np.full((x.shape[0], self._outcomes), 1e-12)
        found[:, model.classes_] = model.predict_proba(x)
        return found

    def _sparse(self, ids: NDArray[np.int64], numbers: NDArray[np.float32]) -> Any:
        from scipy import sparse

        rows, one = np.arange(len(ids)), np.ones(len(ids))
        blocks: list[Any] = [sparse.csr_matrix(numbers.astype(np.float64))]
        for column, size in enumerate(self._tables):
            blocks.append(sparse.csr_matrix((one, (rows, ids[:, column])), shape=(len(ids), size)))
        return sparse.hstack(blocks, format="csr")
