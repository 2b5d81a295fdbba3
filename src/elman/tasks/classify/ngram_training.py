"""The training of a classifier's linear part, and its share in the logits."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from elman.data.hashed_ngrams import Features, all_ngrams, word_keys
from elman.data.negations import REACH, negations
from elman.data.ngram_index import LOW, NgramIndex
from elman.metrics.calibration import fit_temperature, log_loss, sigmoid, softmax
from elman.models.encoder import label_loss
from elman.models.ngram_regression import NgramRegression, informativeness, most_columns, scaled
from elman.tasks.classify.texts import LabelledTexts, Targets
from elman.training.uncompiled import LBFGS

INVERSE_PENALTIES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
"""Weights of the nats against half the squared weights, rising; validation chooses one."""
_MOST_FEATURES = 1 << 26
"""Of all examples: 1.5 GB in training. More examples than that are left to the network."""
_STEPS = 60
SHARES = np.linspace(0, 1, 41)


def fit_ngrams(
    train: LabelledTexts, valid: LabelledTexts, *, labels: int, class_weights: NDArray[np.float32] | None
) -> NgramRegression | None:
    """Logistic regression on the n-grams of the training part.

    Minimises the summed nats times an inverse penalty, plus half the squared weights, by L-BFGS; of
    the inverse penalties, that with the lowest log loss on the validation part counts.

    Args:
        class_weights: of the labels ``[K]``; None counts all alike.

    Returns:
        None if there are too many labels, or no n-grams.
    """
    if not most_columns(labels):
        return None
    index, found = _indexed(train.texts, most=most_columns(labels))
    if not index.size:
        return None
    rows = len(found.starts) - 1
    targets = train.targets[:rows]
    frequency = np.bincount(found.columns, minlength=index.size)
    told = informativeness(found, targets, columns=index.size, labels=labels)
    factors = (np.log((1 + rows) / (1 + frequency)) + 1) * told
    factors = NgramRegression.rounded(np.zeros((index.size, labels)), np.zeros(labels), factors, index).factors
    numbers = scaled(found, factors, index.ends).astype(np.float32)
    problem = _Regression(found, numbers, index.size, targets, labels, class_weights)
    best, lowest = None, np.inf
    for inverse_penalty in INVERSE_PENALTIES:
        model = NgramRegression.rounded(*problem.fit(inverse_penalty), factors, index)
        loss = log_loss(valid.targets, probabilities(model.logits(valid.texts), valid.targets))
        if loss >= lowest:
            break
        best, lowest = model, loss
    return best


def _indexed(texts: Sequence[str], *, most: int) -> tuple[NgramIndex, Features]:
    """The n-grams of texts, the ``most`` frequent ones of them, and the features of the first texts
    that have ``_MOST_FEATURES`` together."""
    negated = word_keys(negations())
    found = all_ngrams(texts, negations=negated, reach=REACH)
    rows = min(len(texts), int(np.searchsorted(found.starts, _MOST_FEATURES, side="right")) - 1)
    own = found.columns[: found.starts[rows]]
    wide, frequency = np.unique(own, return_counts=True)
    if len(wide) > most:
        order = np.lexsort((wide & LOW, -frequency))  # of equally frequent ones, any
        wide = np.sort(wide[order[:most]])
    columns = np.searchsorted(wide, own)
    known = wide[np.minimum(columns, len(wide) - 1)] == own if len(wide) else np.zeros(0, np.bool_)
    before = np.concatenate([np.zeros(1, np.int64), np.cumsum(known, dtype=np.int64)])
    features = Features(before[found.starts[: rows + 1]], columns[known], found.counts[: len(own)][known])
    return NgramIndex.of(wide, negations=negated, reach=REACH), features


class _Regression:
    """The weights of the columns, from the last solution on."""

    def __init__(
        self,
        features: Features,
        numbers: NDArray[np.float32],
        size: int,
        targets: Targets,
        labels: int,
        class_weights: NDArray[np.float32] | None,
    ) -> None:
        rows = len(features.starts) - 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # says that sparse matrices are new
            self._matrix = torch.sparse_csr_tensor(
                torch.from_numpy(features.starts),
                torch.from_numpy(features.columns),
                torch.from_numpy(numbers),
                (rows, size),
            )
            self._transposed = self._matrix.to_sparse_csc().transpose(0, 1)
        self._targets = torch.from_numpy(targets)
        self._class_weights = None if class_weights is None else torch.from_numpy(class_weights)
        self._weights = torch.zeros(size, labels, requires_grad=True)
        self._bias = torch.zeros(labels, requires_grad=True)

    def fit(self, inverse_penalty: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Weights and bias."""
        optimizer = LBFGS(
            [self._weights, self._bias], max_iter=_STEPS, history_size=8, tolerance_grad=1e-3, tolerance_change=1e-7,
            line_search_fn="strong_wolfe",
        )  # fmt: skip

        def loss() -> float:
            with torch.no_grad():
                products = self._matrix @ self._weights
            logits = (products + self._bias.detach()).requires_grad_()
            total, _ = label_loss(logits, self._targets, self._class_weights)
            total.backward()
            with torch.no_grad():
                assert logits.grad is not None
                slope = inverse_penalty * logits.grad
                self._weights.grad = self._transposed @ slope + self._weights
                self._bias.grad = slope.sum(0)
                return float(inverse_penalty * total + 0.5 * (self._weights**2).sum())

        optimizer.step(loss)
        return self._weights.detach().numpy().copy(), self._bias.detach().numpy().copy()


def probabilities(logits: NDArray[Any], targets: Targets) -> NDArray[np.float64]:
    """Of labels that are of the targets' kind ``[N, K]``."""
    return sigmoid(logits) if targets.ndim == 2 else softmax(logits)


def fit_share(network: NDArray[np.float32], linear: NDArray[np.float32], targets: Targets) -> float:
    """The share of the linear part's logits at which the mean of both predicts the targets best,
    with the temperature that suits it.

    Args:
        network, linear: logits on the validation part ``[N, K]``.

    >>> sure, unsure = np.array([[4.0, 0.0]] * 9), np.array([[0.0, 0.1]] * 9)
    >>> fit_share(sure, unsure, np.array([0] * 8 + [1]))
    0.0
    """
    losses = []
    for share in SHARES.tolist():
        logits = (1 - share) * network + share * linear
        losses.append(log_loss(targets, probabilities(logits / fit_temperature(logits, targets), targets)))
    return float(SHARES[int(np.argmin(losses))])
