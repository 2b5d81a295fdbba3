"""The blend of expected and plain counts against its formula, and its shares against others."""

import itertools

import numpy as np
import pytest

from elman.models.ngram.backoff_form import from_backoff
from elman.models.ngram.counts import count_ngrams, line_starts
from elman.models.ngram.expected_counts import Predictions, expected_counts
from elman.models.ngram.growth import perplexity_of
from elman.models.ngram.interpolation import Interpolation
from elman.models.ngram.kneser_ney import estimate
from elman.models.ngram.query import NgramModel
from elman.text.tokenizer import EOS_ID, Tokenizer, TokenizerConfig

V = 6


def a_text(seed: int, length: int = 150):
    draw = np.random.default_rng(seed)
    ids = draw.choice(V, size=length, p=draw.dirichlet(np.ones(V)))
    ids[-1] = EOS_ID
    return ids


def sources(seed: int, order: int, *, times: float = 1.0):
    """What some model said along one text, and the counts of another; half of what was likely is
    said.

    Small probabilities stand for others, so that more may be said after a context than its visits:
    ``times`` above 1.
    """
    ids = a_text(seed, 60)
    probs = np.random.default_rng(seed).dirichlet(np.full(V, 0.5), size=len(ids)).astype(np.float32)
    positions, words = np.nonzero(probs > 0.2)
    said = Predictions(
        ids=ids, documents=np.array([0]), positions=positions, words=words, probs=times * probs[positions, words],
        unigrams=probs.sum(axis=0, dtype=np.float64),
    )  # fmt: skip
    counted = a_text(seed + 100)
    orders = count_ngrams(counted, np.array([0, len(counted)]), order=order, vocab_size=V, eos_id=EOS_ID)
    return expected_counts(said, order=order), orders


def by_tokens(keys, values, n: int):
    """Values of the n-grams of one order by their tokens."""
    found = {}
    for place, value in enumerate(values):
        gram = []
        for order in range(n, 1, -1):
            place, word = divmod(int(keys[order - 2][place]), V)
            gram.insert(0, word)
        found[(place, *gram)] = float(value)
    return found


class Slow:
    """The formula, gram by gram."""

    def __init__(self, interpolation: Interpolation, expected, orders) -> None:
        order = len(orders)
        counted, self.interpolation = estimate(orders, vocab_size=V), interpolation
        keys = [level.keys for level in orders[1:]]
        self.sums, self.visits, self.share, self.rest = {}, {}, {}, {}
        for n in range(2, order + 1):
            self.sums |= by_tokens(expected.keys, expected.sums[n - 1], n)
            self.visits |= by_tokens(expected.keys, expected.visits[n - 2], n - 1)
            self.share |= by_tokens(keys, counted.values(n, np.arange(len(keys[n - 2]))), n)
            contexts = V + 1 if n == 2 else len(keys[n - 3])
            self.rest |= by_tokens(keys, counted.remainders(n - 1, np.arange(contexts)), n - 1)
        share = interpolation.unigram_weight
        self.unigrams = share * expected.sums[0] / expected.sums[0].sum() + (1 - share) * counted.unigrams

    def prob(self, gram) -> float:
        if len(gram) == 1:
            return float(self.unigrams[gram[0]])
        context, shorter = gram[:-1], self.prob(gram[1:])
        read = self.visits.get(context, 0.0)
        bucket = min(int(np.log2(read)), 11) if read else None
        a, c, neither = self.interpolation.weights[len(gram) - 2][bucket] if bucket is not None else (0.0, 1.0, 0.0)
        said = 0.0
        if read:
            after = [total for other, total in self.sums.items() if other[:-1] == context]
            read = max(read, sum(after))
            said = (self.sums.get(gram, 0.0) + (read - sum(after)) * shorter) / read
        counted = self.share.get(gram, 0.0) + self.rest.get(context, 1.0) * shorter
        return a * said + c * counted + neither * shorter


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("order", [2, 3, 4])
@pytest.mark.parametrize("times", [1.0, 1.5])
def test_the_table_is_the_formula_and_sums_to_1(seed: int, order: int, times: float) -> None:
    expected, orders = sources(seed, order, times=times)
    interpolation = Interpolation(expected, orders)
    interpolation.weights[:] = np.random.default_rng(seed).dirichlet(np.ones(3), size=interpolation.weights.shape[:2])
    interpolation.unigram_weight = 0.3
    slow, tables = Slow(interpolation, expected, orders), interpolation.tables()
    stored = 0
    for n in range(2, order + 1):
        for gram, prob in by_tokens(tables.keys, 10.0 ** tables.log10_probs[n - 1].astype(float), n).items():
            assert prob == pytest.approx(slow.prob(gram), rel=1e-5), gram
            stored += 1
    assert stored == sum(map(len, tables.keys)) > 20
    words = Tokenizer(["<unk>", "</s>", *(f" w{k}" for k in range(V - 2))], config=TokenizerConfig(pretokenized=True))
    model = NgramModel.from_backoff(tables, words)
    for context in itertools.product([0, 2, 3], repeat=order):
        state = model.start(1)
        for token in context:
            assert np.exp(model.log_probs(state).astype(float)).sum() == pytest.approx(1.0, abs=1e-5)
            state = model.advance(np.array([token]), state)


@pytest.mark.parametrize("seed", range(3))
def test_fitting_finds_the_best_shares_and_says_the_tables_perplexity(seed: int) -> None:
    expected, orders = sources(seed, 3)
    interpolation, ids = Interpolation(expected, orders), a_text(seed + 7, 400)
    starts = line_starts(ids, np.array([0, len(ids)]), EOS_ID)

    def perplexity() -> float:
        return perplexity_of(from_backoff(interpolation.tables()), ids, starts, EOS_ID)

    before = perplexity()
    for _ in range(8):
        said = interpolation.fit(ids, starts)
    found = perplexity()
    # What was said last is of the shares one round before.
    assert said == pytest.approx(found, rel=1e-3) and found < before
    best, draw = interpolation.weights.copy(), np.random.default_rng(seed)
    for _ in range(10):
        interpolation.weights[:] = 0.9 * best + 0.1 * draw.dirichlet(np.ones(3), size=best.shape[:2])
        # The made-up tokens that speak for the first shares allow a little.
        assert perplexity() > found * 0.999


def test_the_source_that_knows_a_text_gets_the_larger_share() -> None:
    expected, orders = sources(1, 3)
    trust = []
    for ids in (a_text(101), a_text(1, 60)):  # the text that was counted, and the one the model was asked about
        interpolation = Interpolation(expected, orders)
        interpolation.fit(ids, line_starts(ids, np.array([0, len(ids)]), EOS_ID))
        trust.append(interpolation.weights[0, 1:4].mean(axis=0))
    assert trust[0][1] > trust[1][1] + 0.05 and trust[0][0] < trust[1][0] - 0.05


def test_contexts_weigh_what_was_asked_and_what_was_counted_alike() -> None:
    expected, orders = sources(2, 3)
    interpolation = Interpolation(expected, orders)
    unigrams = expected.visits[0] / expected.sums[0].sum()
    counted = np.bincount(orders[1].keys // V, weights=orders[1].raw, minlength=V + 1) / orders[0].raw.sum()
    np.testing.assert_allclose(interpolation.context_probs[0], 0.5 * unigrams + 0.5 * counted)
    assert interpolation.context_probs[1].sum() == pytest.approx(
        0.5 * expected.visits[1].sum() / expected.sums[0].sum() + 0.5 * orders[2].raw.sum() / orders[0].raw.sum()
    )
