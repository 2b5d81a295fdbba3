"""The training of a tagger's linear part, and its share in the scores."""

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from elman.data.labels import LabelSet
from elman.data.tagged import TaggedSentence
from elman.inference.linear_chain import LinearChain
from elman.models.tag_regression import TagRegression, WordKeys, key_of, mixed_scores, rows_of, window_features
from elman.models.vectors.sampling import compiled, next_state, scrambled, state_at
from elman.models.word_features import form_of, without_digits
from elman.tasks.tag.objective import mean_nats
from elman.tasks.tag.temperature import fit_chain_temperature

PASSES = 5
RATE, RATE_AGAIN = 0.1, 0.02
DROPOUT = 0.2
"""Share of the features that are left out."""
SHARES = np.arange(10) / 10
_FREQUENT = 20
"""Words seen less often have no class: theirs would tell the tag that is to be learned."""
_SECOND = 0.1
"""Share of a word's occurrences from which on its second most frequent tag is part of its class."""
_MOST_WORDS = 1 << 20
"""Of a longer training part its first sentences are read, which takes a gigabyte."""
_LEAST = 3
"""Occurrences of a feature from which on it has weights."""
_MOST_NUMBERS = 1 << 24
"""Most weights, 16 MB."""
_DRAW = 2.0**-64

Scores = Sequence[NDArray[np.floating]]


def fit_regression(
    train: Sequence[TaggedSentence], tags: LabelSet, *, seed: int, start: TagRegression | None = None
) -> TagRegression:
    """Logistic regression on the features of the training part's words.

    AdaGrad minimises the nats of one word after the other, in an order that is drawn anew for each
    pass. The rate falls to 0, and features are left out at random.

    Args:
        start: what goes on, at a lower rate; its words keep their classes.
    """
    most = int(np.searchsorted(np.cumsum([len(each) for each in train]), _MOST_WORDS, side="right")) + 1
    train = train[:most]
    words = WordKeys(*word_classes(train)) if start is None else start.words
    keys = words.keys([word for sentence in train for word in sentence.words])
    hashes = window_features(keys, np.array([len(each) for each in train], np.int64))
    features = frequent_features(hashes, most=_MOST_NUMBERS // len(tags))
    if start is not None:
        features = np.union1d(features, start.features)
    rows = rows_of(features, hashes).astype(np.int32)
    ids = {name: number for number, name in enumerate(tags.names)}
    targets = np.array([ids[tag] for sentence in train for tag in sentence.tags], np.int64)
    # The last row, of all other features, is not learned.
    weights = np.zeros((len(features) + 1, len(tags)), np.float32)
    squares = np.full_like(weights, start is not None)
    if start is not None:
        weights[rows_of(features, start.features)] = start.codes * start.scale
    random, rate = np.random.default_rng(seed), RATE if start is None else RATE_AGAIN
    for number in range(PASSES):
        order = random.permutation(len(targets))
        one_pass(rows, targets, order, weights, squares, rate * (1 - number / PASSES), DROPOUT, seed + number)
    scale = max(float(np.abs(weights).max()), 1e-6) / 127
    return TagRegression(features, np.rint(weights / np.float32(scale))[:-1].astype(np.int8), scale, words)


def frequent_features(hashes: NDArray[np.uint32], *, most: int) -> NDArray[np.uint32]:
    """The features that occur at least three times, rising; if those are more than ``most``, only
    the more frequent ones.

    >>> frequent_features(np.array([[5, 3, 3], [5, 2, 3], [5, 3, 2]], np.uint32), most=2).tolist()
    [3, 5]
    """
    features, counts = np.unique(hashes, return_counts=True)
    least = _LEAST
    while np.count_nonzero(counts >= least) > most:
        least += 1
    return features[counts >= least]


def word_classes(train: Sequence[TaggedSentence]) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """The keys of frequent forms, rising, and of their classes: of their one or two usual tags."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for sentence in train:
        for word, tag in zip(sentence.words, sentence.tags, strict=True):
            counts[without_digits(form_of(word))][tag] += 1
    classes: dict[int, int] = {}
    for form, own in counts.items():
        total = own.total()
        if total >= _FREQUENT:
            ranked = sorted(own, key=lambda tag: (-own[tag], tag))[:2]
            classes[key_of(form)] = key_of("/".join(tag for tag in ranked if own[tag] >= _SECOND * total))
    forms = sorted(classes)
    return np.array(forms, np.uint32), np.array([classes[form] for form in forms], np.uint32)


@compiled
def one_pass(rows, targets, order, weights, squares, rate, dropout, seed):
    """One step of AdaGrad for each word, in the given order; ``weights`` and ``squares`` change."""
    features, most, tags = rows.shape[1], len(weights) - 1, weights.shape[1]
    scores, kept = np.empty(tags, np.float32), np.empty(features, np.bool_)
    for word in order:
        state = state_at(np.uint64(seed), word)
        scores[:] = 0
        for feature in range(features):
            state = next_state(state)
            row = rows[word, feature]
            kept[feature] = row < most and scrambled(state) * _DRAW >= dropout
            if kept[feature]:
                for tag in range(tags):
                    scores[tag] += weights[row, tag]
        scores -= scores.max()
        scores[:] = np.exp(scores)
        scores /= scores.sum()
        scores[targets[word]] -= 1
        for feature in range(features):
            if kept[feature]:
                row = rows[word, feature]
                for tag in range(tags):
                    slope = scores[tag]
                    squares[row, tag] += slope * slope
                    weights[row, tag] -= rate * slope / np.sqrt(squares[row, tag] + np.float32(1e-6))


def fit_share(chain: LinearChain, network: Scores, linear: Scores, tags: Sequence[NDArray[np.int64]]) -> float:
    """The share of the linear part's scores at which the mean of both predicts the tags best, with
    the temperature that suits it.

    Args:
        network, linear: scores of the validation part, ``[T, K]`` for each sentence.
        tags: the true tags ``[T]``; -1 where training does not have the tag.

    >>> tags = [np.array([tag]) for tag in [0] * 8 + [1]]
    >>> mostly_right, wrong = [np.array([[4.0, 0.0]])] * 9, [4 * np.eye(2)[1 - tag] for tag in tags]
    >>> fit_share(LinearChain(2), mostly_right, wrong, tags)
    0.0
    """
    losses = []
    for share in SHARES.tolist():
        scores = mixed_scores(network, linear, share)
        temperature = fit_chain_temperature(chain, scores, tags)
        losses.append(mean_nats(chain.cooled(temperature), [each / temperature for each in scores], tags))
    return float(SHARES[int(np.argmin(losses))])
