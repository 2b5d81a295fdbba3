"""Counts against ones worked by hand, and against plain dictionaries."""

from collections import Counter, defaultdict

import numpy as np
import pytest

from elman.models.ngram.counts import OrderCounts, count_ngrams
from elman.progress import Progress

EOS, V = 1, 5
A, B, C = 2, 3, 4
BOS = V


def spelled(orders: list[OrderCounts]) -> list[dict[tuple[int, ...], int]]:
    """Each order's table with every n-gram written out in tokens; BOS is V."""
    found: list[dict[tuple[int, ...], int]] = []
    tokens_of = [(token,) for token in [*range(V), BOS]]
    for n, level in enumerate(orders, start=1):
        if n > 1:
            tokens_of = [(*tokens_of[key // V], key % V) for key in level.keys.tolist()]
        found.append({tokens: count for tokens, count in zip(tokens_of, level.counts.tolist(), strict=False) if count})
    return found


def by_hand(lines: list[list[int]], order: int) -> list[dict[tuple[int, ...], int]]:
    """The same with dictionaries and sets."""
    raw = [Counter() for _ in range(order + 1)]
    lefts = [defaultdict(set) for _ in range(order + 1)]
    for line in lines:
        read = [BOS, *line]
        for end in range(1, len(read)):
            for n in range(1, min(order, end + 1) + 1):
                gram = tuple(read[end - n + 1 : end + 1])
                raw[n][gram] += 1
                if end - n >= 0:
                    lefts[n][gram].add(read[end - n])
    return [
        {gram: count if n == order or gram[0] == BOS else len(lefts[n][gram]) for gram, count in raw[n].items()}
        for n in range(1, order + 1)
    ]


def test_trigrams_of_three_lines_by_hand():
    # <s> a b </s>, <s> a b </s>, <s> b a </s>: the n-grams that begin with <s> keep 2 and 1 at
    # order 2, the others count left neighbours; a follows <s> and b, b follows <s> and a, </s>
    # follows b and a.
    ids = np.array([A, B, EOS, A, B, EOS, B, A, EOS])
    orders = count_ngrams(ids, np.array([0, 9]), order=3, vocab_size=V, eos_id=EOS)
    assert spelled(orders) == [
        {(A,): 2, (B,): 2, (EOS,): 2},
        {(BOS, A): 2, (BOS, B): 1, (A, B): 1, (B, A): 1, (A, EOS): 1, (B, EOS): 1},
        {(BOS, A, B): 2, (BOS, B, A): 1, (A, B, EOS): 2, (B, A, EOS): 1},
    ]
    assert spelled(count_ngrams(ids, np.array([0, 9]), order=1, vocab_size=V, eos_id=EOS)) == [
        {(A,): 3, (B,): 3, (EOS,): 3}
    ]


def test_raw_counts_are_plain_occurrences():
    ids = np.array([A, B, EOS, A, B, EOS, B, A, EOS])
    unigrams, bigrams, trigrams = count_ngrams(ids, np.array([0, 9]), order=3, vocab_size=V, eos_id=EOS)
    assert unigrams.raw.tolist() == [0, 3, 3, 3, 0]
    # a </s>, a b, b </s>, b a, <s> a, <s> b
    assert bigrams.raw.tolist() == [1, 2, 2, 1, 2, 1]
    assert trigrams.raw.tolist() == trigrams.counts.tolist()


@pytest.mark.parametrize("seed", range(12))
def test_any_order_agrees_with_dictionaries(seed):
    draw = np.random.default_rng(seed)
    lines = [[*draw.integers(2, V, draw.integers(0, 6)).tolist(), EOS] for _ in range(draw.integers(1, 40))]
    ids = np.array([token for line in lines for token in line], dtype=np.uint16)
    order = seed % 6 + 1
    orders = count_ngrams(ids, np.array([0, len(ids)]), order=order, vocab_size=V, eos_id=EOS)
    assert spelled(orders) == by_hand(lines, order)
    for level in orders:
        assert (np.diff(level.keys) > 0).all()


def test_a_document_border_ends_a_line_too():
    ids = np.array([A, B, A, B, EOS])
    cut = count_ngrams(ids, np.array([0, 2, 5]), order=2, vocab_size=V, eos_id=EOS)
    assert spelled(cut)[1] == {(BOS, A): 2, (A, B): 2, (B, EOS): 1}


def test_memory_mapped_ids_are_read_and_progress_is_told(tmp_path):
    written = np.memmap(tmp_path / "ids", dtype=np.uint32, mode="w+", shape=(4,))
    written[:] = [A, B, B, EOS]
    done = []

    class Heard(Progress):
        def stage(self, name, *, total=None, unit=""):
            from contextlib import nullcontext

            done.append(total)
            return nullcontext(lambda amount: done.append(-amount))

    ids = np.memmap(tmp_path / "ids", dtype=np.uint32, mode="r")
    orders = count_ngrams(ids, np.array([0, 4]), order=2, vocab_size=V, eos_id=EOS, progress=Heard())
    assert spelled(orders)[1] == {(BOS, A): 1, (A, B): 1, (B, B): 1, (B, EOS): 1}
    assert done[0] == 8 and sum(done) == 0
