import math
from collections import Counter, defaultdict

import numpy as np
import pytest

from elman.data.quick_ngram import quick_nats


def plain_nats(train, test, *, order, vocab_size):
    """The same by dictionaries: interpolated Kneser-Ney, one discount an order."""
    grams = {n: Counter(tuple(train[i : i + n]) for i in range(len(train) - n + 1)) for n in range(1, order + 1)}
    for n in range(1, order):
        grams[n] = Counter(gram[1:] for gram in grams[n + 1])
    total, kinds, discount = defaultdict(int), defaultdict(int), {}
    for n, counts in grams.items():
        for gram, count in counts.items():
            total[gram[:-1], n] += count
            kinds[gram[:-1], n] += 1
        once, twice = (sum(count == wanted for count in counts.values()) for wanted in (1, 2))
        discount[n] = once / (once + 2 * twice) if once else 0.5

    def prob(context, token):
        n = len(context) + 1
        lower = prob(context[1:], token) if context else 1 / vocab_size
        if not total[context, n]:
            return lower
        count = max(grams[n][(*context, token)] - discount[n], 0)
        return (count + discount[n] * kinds[context, n] * lower) / total[context, n]

    return -sum(math.log(prob(tuple(test[max(i - order + 1, 0) : i]), test[i])) for i in range(len(test)))


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_it_is_kneser_ney(order):
    random = np.random.default_rng(order)
    train, test = (np.minimum(random.geometric(0.3, size), 9) for size in (400, 60))
    found = quick_nats(train, test, order=order, vocab_size=10)
    assert found == pytest.approx(plain_nats(train.tolist(), test.tolist(), order=order, vocab_size=10), rel=1e-9)


def test_texts_shorter_than_the_order():
    assert quick_nats(np.array([3, 4]), np.array([3]), order=6, vocab_size=5) > 0
