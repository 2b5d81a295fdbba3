"""Pruning by relative entropy against the definition: distributions before and after, written out
in full.
"""

from bisect import bisect_left
from functools import cache

import numpy as np
import pytest

from elman.errors import UsageError
from elman.models.ngram.backoff import BackoffTables
from elman.models.ngram.backoff_form import to_backoff
from elman.models.ngram.counts import count_ngrams
from elman.models.ngram.kneser_ney import estimate
from elman.models.ngram.prune import (
    context_probs,
    context_probs_in,
    context_probs_without_text,
    prune,
    prune_to,
    prune_until,
    worth_keeping,
)
from elman.models.ngram.query import NgramConfig, NgramModel, smooth
from elman.text.tokenizer import EOS_ID, Tokenizer, TokenizerConfig


@cache
def counted(seed: int, order: int):
    draw = np.random.default_rng(seed)
    shares = draw.dirichlet(np.full(6, 0.6))
    lines = [" ".join(f"w{k}" for k in draw.choice(6, draw.integers(0, 8), p=shares)) for _ in range(150)]
    words = Tokenizer.fit(lines, config=TokenizerConfig(pretokenized=True))
    ids = np.concatenate([[*words.encode(line).ids, EOS_ID] for line in lines])
    return words, count_ngrams(ids, np.array([0, len(ids)]), order=order, vocab_size=words.size, eos_id=EOS_ID)


def as_dicts(tables):
    """N-grams with their probabilities, contexts with their backoffs, by tokens."""
    size = tables.vocab_size
    probs = {(token,): 10.0 ** float(p) for token, p in enumerate(tables.log10_probs[0])}
    backoffs = {(token,): 10.0 ** float(b) for token, b in enumerate(tables.log10_backoffs[0])}
    for n in range(2, tables.order + 1):
        grams = [tuple(row) for row in tables.tokens(n, np.arange(len(tables.keys[n - 2]))).tolist()]
        probs.update(zip(grams, (10.0 ** tables.log10_probs[n - 1].astype(float)).tolist(), strict=True))
        if n < tables.order:
            backoffs.update(zip(grams, (10.0 ** tables.log10_backoffs[n - 1].astype(float)).tolist(), strict=True))
    return probs, backoffs, size


def probability(probs, backoffs, context, word):
    if (*context, word) in probs:
        return probs[(*context, word)]
    return backoffs.get(context, 1.0) * probability(probs, backoffs, context[1:], word)


@pytest.mark.parametrize("seed", range(5))
def test_what_goes_costs_less_than_the_limit_and_what_stays_more(seed):
    words, orders = counted(seed, 3)
    whole = to_backoff(estimate(orders, vocab_size=words.size))
    limit = 3e-4
    pruned = prune(whole, context_probs(orders, words.size), limit)
    probs, backoffs, size = as_dicts(whole)
    kept, _, _ = as_dicts(pruned)
    shares = {}
    for n, level in enumerate(orders[1:], start=2):
        for gram, raw in zip(whole.tokens(n, np.arange(len(level.keys))).tolist(), level.raw.tolist(), strict=True):
            shares[tuple(gram[:-1])] = shares.get(tuple(gram[:-1]), 0) + raw / orders[0].raw.sum()
    trigrams = [gram for gram in probs if len(gram) == 3]
    assert 5 < sum(gram in kept for gram in trigrams) < len(trigrams) - 5
    for gram in trigrams:
        context = gram[:-1]
        before = np.array([probability(probs, backoffs, context, word) for word in range(size)])
        others = [other[-1] for other in trigrams if other[:-1] == context and other != gram]
        lower = np.array([probability(probs, backoffs, context[1:], word) for word in range(size)])
        free = [word for word in range(size) if word not in others]
        after = before.copy()
        after[free] = lower[free] * (1 - before[others].sum()) / lower[free].sum()
        assert after.sum() == pytest.approx(1.0, abs=1e-5)
        loss = shares[context] * (before * np.log(before / after)).sum()
        if abs(np.expm1(loss) - limit) > 1e-6:
            assert (gram in kept) == (np.expm1(loss) >= limit), gram


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("limit", [1e-9, 1e-4, 1e-3, 0.9])
def test_sums_stay_1_and_every_ngram_keeps_its_beginning_and_its_end(seed, limit):
    words, orders = counted(seed, 4)
    model = smooth(orders, words, NgramConfig(order=4, prune_entropy=limit))
    assert model.exact and model.deviation() < 1e-5
    assert model.tables.closed
    counts = model.tables.counts
    if limit == 0.9:
        assert counts[1:] == [0, 0, 0]
    if limit == 1e-9:
        whole = estimate(orders, vocab_size=words.size)
        assert counts[1] > 0.9 * whole.counts[1]
    read = np.random.default_rng(seed).integers(0, words.size, (4, 30))
    slow, _ = model.score(read, np.full(4, 30), model.start(4))
    model._read = 10**9
    fast, _ = model.score(read, np.full(4, 30), model.start(4))
    assert slow.tobytes() == fast.tobytes()


def test_more_is_left_out_the_higher_the_limit():
    words, orders = counted(1, 3)
    sizes = [
        sum(smooth(orders, words, NgramConfig(order=3, prune_entropy=limit)).tables.counts)
        for limit in (1e-6, 1e-5, 1e-4, 1e-3, 1e-2)
    ]
    assert sizes == sorted(sizes, reverse=True) and len(set(sizes)) > 3


@pytest.mark.slow
@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("how", [{}, {"prune_entropy": 1e-5}])
def test_few_bits_cost_little_and_say_so(bits, how):
    words, orders = counted(2, 4)
    exact = smooth(orders, words, NgramConfig(order=4, **how))
    coarse = smooth(orders, words, NgramConfig(order=4, quantise=bits, small=bits == 4, **how))
    assert exact.exact and not coarse.exact
    assert coarse.tables.counts == exact.tables.counts
    allowed = {2: 2.0, 4: 0.5, 8: 0.02}[bits]
    assert coarse.deviation() < allowed
    read = np.random.default_rng(0).integers(0, words.size, (4, 200))
    wanted, state = exact.score(read, np.full(4, 200), exact.start(4))
    found, other = coarse.score(read, np.full(4, 200), coarse.start(4))
    # Where nothing was left for shorter contexts, nothing is: states stay as short as they were.
    assert [state.key(row) for row in range(4)] == [other.key(row) for row in range(4)]
    assert abs(found.mean() - wanted.mean()) < allowed
    for n in (2, 3, 4):
        row = coarse.tables.rows[n - 1]
        assert len(np.unique(coarse.tables.values(n, np.arange(row.entries)))) <= 1 << bits


def test_the_small_form_says_the_same():
    words, orders = counted(3, 5)
    plain, small = (smooth(orders, words, NgramConfig(order=5, small=small)) for small in (False, True))
    for n in range(1, 5):
        for node in range(plain.tables.rows[n - 1].nodes):
            assert small.tables.children(n, node) == plain.tables.children(n, node)
    ids = np.random.default_rng(0).integers(0, words.size, (4, 100))
    for patience in (0, 10**9):
        plain._read = small._read = patience
        wanted, _ = plain.score(ids, np.full(4, 100), plain.start(4))
        found, _ = small.score(ids, np.full(4, 100), small.start(4))
        assert found.tobytes() == wanted.tobytes()
    again = NgramModel.from_arrays(small.to_arrays(), words, small.config)
    assert again.model_hash == small.model_hash
    for one, other in zip(plain.tables.plain_keys(), small.tables.plain_keys(), strict=True):
        assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"prune": "1"}, "prune is '1'; it must begin with 0"),
        ({"prune": "0,2,1"}, "prune is '0,2,1'; it must begin with 0"),
        ({"prune": "0,x"}, "up to 5 counts like 0,0,1"),
        ({"prune": ""}, "up to 5 counts like 0,0,1"),
        ({"prune": "0 0 0 0 1 1"}, "up to 5 counts like 0,0,1"),
        ({"prune_entropy": 0.0}, "prune_entropy is 0; it must be above 0 and below 1"),
        ({"prune_entropy": 1e-7, "prune": "0,1"}, "give one of them"),
        ({"quantise": 1}, "quantise is 1; it must be 2 to 16 bits"),
    ],
)
def test_settings_that_make_no_sense(settings, message):
    with pytest.raises(UsageError, match=message):
        NgramConfig(**settings)


@pytest.mark.slow
@pytest.mark.parametrize("ngrams", [0, 1, 40, 150, 10**9])
def test_a_model_is_brought_to_a_size_by_the_limit_that_gives_it(ngrams):
    words, orders = counted(4, 4)
    whole, shares = to_backoff(estimate(orders, vocab_size=words.size)), context_probs(orders, words.size)
    pruned = prune_to(whole, shares, ngrams)
    size = sum(map(len, pruned.keys))
    assert size <= ngrams
    if ngrams == 10**9:
        assert pruned is whole
        return
    assert size >= 0.8 * ngrams or ngrams == 1

    def left(limit):
        return sum(map(np.count_nonzero, worth_keeping(whole, shares, limit)))

    limits = np.exp(np.linspace(-30, 0, 4000))
    lowest = limits[bisect_left(limits, -size, key=lambda limit: -left(limit))]
    assert left(lowest) == size
    as_pruned = prune(whole, shares, lowest)
    for found, wanted in zip(pruned.keys, as_pruned.keys, strict=True):
        assert found.tolist() == wanted.tolist()


def test_any_measure_of_size_decides_what_stays():
    words, orders = counted(4, 4)
    whole, shares = to_backoff(estimate(orders, vocab_size=words.size)), context_probs(orders, words.size)

    def weigh(counts):
        return sum(n * count for n, count in enumerate(counts, start=1))

    pruned = prune_until(whole, shares, lambda counts: weigh(counts) <= 200)
    assert 150 <= weigh(list(map(len, pruned.keys))) <= 200


@pytest.mark.parametrize("order", [1, 2, 4])
def test_how_often_contexts_occur_is_counted_in_the_text_again(order):
    words, orders = counted(3, order)
    whole = to_backoff(estimate(orders, vocab_size=words.size))
    ids = _text(3, words)
    found = context_probs_in(whole, ids, np.append(True, ids[:-1] == EOS_ID))
    assert len(found) == order - 1
    for own, wanted in zip(found, context_probs(orders, words.size), strict=True):
        np.testing.assert_allclose(own, wanted, rtol=1e-12)


def _text(seed, words):
    draw = np.random.default_rng(seed)
    shares = draw.dirichlet(np.full(6, 0.6))
    lines = [" ".join(f"w{k}" for k in draw.choice(6, draw.integers(0, 8), p=shares)) for _ in range(150)]
    return np.concatenate([[*words.encode(line).ids, EOS_ID] for line in lines])


def test_without_a_text_the_model_says_how_often_contexts_occur():
    # Types <unk> </s> a b, and <s> (4): every line is "a b" or, one in four, "a"; the back-off
    # weights are 0.
    log = np.log10
    tables = BackoffTables(
        keys=(np.array([2 * 4 + 1, 2 * 4 + 3, 3 * 4 + 1, 4 * 4 + 2]), np.array([1 * 4 + 1])),
        log10_probs=tuple(
            log(np.array(each, np.float32)) for each in ([0.1, 0.4, 0.3, 0.2], [0.25, 0.75, 1, 1], [1.0])
        ),
        log10_backoffs=(np.full(5, -30, np.float32), np.zeros(4, np.float32)),
    )
    first, second = context_probs_without_text(tables)
    # A line has 2.75 tokens: <s> precedes one, a precedes one, b precedes three in four.
    np.testing.assert_allclose(first, np.array([0, 0, 1, 0.75, 1]) / 2.75, atol=1e-6)
    np.testing.assert_allclose(second, np.array([0.25, 0.75, 0.75, 1]) / 2.75, atol=1e-6)
