import itertools

import numpy as np
import pytest

from elman.data.padding import buckets, in_order, pad
from elman.errors import UsageError

RNG = np.random.default_rng(3)
LENGTHS = RNG.integers(0, 200, 3001)


def padded_tokens(batches, lengths):
    return sum(len(rows) * max(1, lengths[rows].max()) for rows in batches)


class TestBuckets:
    @pytest.mark.parametrize("settings", [{"batch": 7}, {"batch_tokens": 300}, {"batch": 1}, {"batch_tokens": 1}])
    @pytest.mark.parametrize("count", [0, 1, 2, 6, 7, 8, 349, 350, 351, 3001])
    def test_every_row_is_in_one_batch(self, count, settings):
        batches = buckets(LENGTHS[:count], **settings, seed=1, epoch=2)
        rows = np.concatenate([np.empty(0, np.int64), *batches])
        assert sorted(rows.tolist()) == list(range(count))
        assert all(len(batch) for batch in batches)

    def test_a_batch_has_so_many_rows(self):
        for epoch in range(3):
            sizes = sorted(map(len, buckets(LENGTHS, batch=32, seed=0, epoch=epoch)))
            assert sizes == [25] + [32] * 93  # 3001 = 93 * 32 + 25

    def test_a_batch_has_at_most_so_many_tokens(self):
        lengths = np.append(LENGTHS, [5000, 0, 0, 0])
        batches = buckets(lengths, batch_tokens=1000, seed=0, epoch=0)
        for rows in batches:
            assert len(rows) * max(1, lengths[rows].max()) <= 1000 or (len(rows) == 1 and lengths[rows[0]] == 5000)
        # Hardly any room is wasted: neither by padding nor by batches that are not full.
        assert padded_tokens(batches, lengths) < 1.1 * lengths.sum()
        assert len(batches) < 1.25 * lengths.sum() / 1000

    def test_empty_rows_count_as_one_token(self):
        sizes = sorted(map(len, buckets(np.zeros(25, np.int64), batch_tokens=10, seed=0, epoch=0)))
        assert sizes == [5, 10, 10]

    def test_rows_of_a_batch_are_of_similar_length(self):
        batches = buckets(LENGTHS, batch=32, seed=0, epoch=0)
        at_random = [np.arange(start, min(start + 32, 3001)) for start in range(0, 3001, 32)]
        real = int(LENGTHS.sum())
        # The share of padding falls from about a half to a few percent.
        assert padded_tokens(at_random, LENGTHS) > 1.8 * real > 1.7 * padded_tokens(batches, LENGTHS)

    def test_seed_and_epoch_decide_alone(self):
        def key(seed, epoch, **settings):
            return [rows.tolist() for rows in buckets(LENGTHS, **(settings or {"batch": 16}), seed=seed, epoch=epoch)]

        assert key(1, 0) == key(1, 0) and key(1, 5, batch_tokens=99) == key(1, 5, batch_tokens=99)
        keys = [key(1, 0), key(1, 1), key(2, 0), key(0, 1)]
        assert all(one != other for one, other in itertools.combinations(keys, 2))

    def test_batches_are_shuffled(self):
        means = [LENGTHS[rows].mean() for rows in buckets(LENGTHS, batch=32, seed=0, epoch=0)]
        steps = np.sign(np.diff(means))
        assert 25 < (steps > 0).sum() < 68  # of 93; sorted batches would have all or none

    @pytest.mark.parametrize("count", [600, 3001])
    def test_rows_meet_other_rows_in_another_epoch(self, count):
        def mates(epoch):
            batches = buckets(LENGTHS[:count], batch=32, seed=0, epoch=epoch)
            return {row: frozenset(rows.tolist()) for rows in batches for row in rows.tolist()}

        one, other = mates(0), mates(1)
        assert np.mean([len(one[row] & other[row]) / 32 for row in one]) < 0.35


class TestPad:
    def test_rows_are_filled_on_the_right(self):
        ids, lengths = pad([np.array([3, 4]), np.array([], np.int64), np.array([5, 6, 7])], fill=-1)
        assert ids.tolist() == [[3, 4, -1], [-1, -1, -1], [5, 6, 7]]
        assert lengths.tolist() == [2, 0, 3]
        assert ids.dtype == lengths.dtype == np.int64

    def test_there_is_always_one_step(self):
        ids, lengths = pad([np.array([], np.int64)] * 2, fill=9)
        assert (ids.tolist(), lengths.tolist()) == ([[9], [9]], [0, 0])
        assert pad([], fill=0)[0].shape == (0, 1)

    def test_rows_are_copied(self):
        row = np.array([1, 2])
        ids, _ = pad([row], fill=0)
        ids[0, 0] = 7
        assert row.tolist() == [1, 2]


class TestInOrder:
    @pytest.mark.parametrize("settings", [{"batch": 8}, {"batch_tokens": 64}, {"batch": 1}])
    @pytest.mark.parametrize("window", [1, 2, 10, 100, 4096])
    def test_results_come_in_the_order_of_the_items(self, settings, window):
        words = ["x" * int(size) + str(number) for number, size in enumerate(RNG.integers(0, 30, 333))]
        batches = []

        def process(batch):
            batches.append(batch)
            return [word.upper() for word in batch]

        found = list(in_order(iter(words), process, length=len, window=window, **settings))
        assert found == [word.upper() for word in words]
        assert sorted(itertools.chain.from_iterable(batches)) == sorted(words)
        for batch in batches:
            if "batch" in settings:
                assert len(batch) <= settings["batch"]
            else:
                assert len(batch) * max(map(len, batch)) <= 64

    def test_batches_are_sorted_by_length(self):
        batches = []
        list(in_order([5, 1, 4, 2, 3, 9, 7], lambda b: batches.append(b) or b, length=int, batch=2, window=5))
        assert batches == [[1, 2], [3, 4], [5], [7, 9]]

    def test_no_more_than_a_window_is_read_ahead(self):
        read = []

        def items():
            for number in itertools.count():
                read.append(number)
                yield number

        found = in_order(items(), lambda batch: batch, length=lambda item: item % 7, batch=4, window=50)
        assert list(itertools.islice(found, 101)) == list(range(101))
        assert len(read) == 150

    def test_nothing_gives_nothing(self):
        assert list(in_order([], lambda batch: batch, length=len, batch=2)) == []
        assert list(in_order(["", "", ""], lambda batch: batch, length=len, batch_tokens=2)) == [""] * 3

    def test_as_many_results_as_items(self):
        with pytest.raises(ValueError, match="shorter"):
            list(in_order([1, 2], lambda batch: batch[:1], length=int, batch=2))


def test_sizes_that_are_wrong():
    for settings in ({}, {"batch": 1, "batch_tokens": 1}):
        with pytest.raises(UsageError, match="give one of batch"):
            buckets(LENGTHS, **settings, seed=0, epoch=0)
    for settings in ({"batch": 0}, {"batch_tokens": -1}):
        with pytest.raises(UsageError, match="must be at least 1"):
            buckets(LENGTHS, **settings, seed=0, epoch=0)
        with pytest.raises(UsageError, match="must be at least 1"):
            in_order([], lambda batch: batch, length=len, **settings)
    with pytest.raises(UsageError, match="window is 0"):
        in_order([], lambda batch: batch, length=len, batch=1, window=0)
