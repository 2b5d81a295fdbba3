import numpy as np
import pytest

from elman.data.streams import Chunk, Cursor, Streams
from elman.errors import TextError
from elman.text.tokenizer import EOS_ID

V = 50


def walk(streams: Streams, cursor: Cursor, length: int, chunks: int) -> tuple[list[Chunk], Cursor]:
    found = []
    for _ in range(chunks):
        chunk, cursor = streams.chunk(cursor, length)
        found.append(chunk)
    return found, cursor


def test_rows_are_contiguous_and_inputs_are_the_tokens_before() -> None:
    ids = np.arange(2, 25, dtype=np.uint16)  # 23 tokens in 2 rows of 11, the last one left over
    streams = Streams(ids, np.array([0, 5]), vocab_size=V, batch=2, seed=0)
    chunks, cursor = walk(streams, Cursor(), 4, 3)
    targets = np.concatenate([chunk.targets for chunk in chunks], 1)
    inputs = np.concatenate([chunk.inputs for chunk in chunks], 1)
    reset = np.concatenate([chunk.reset for chunk in chunks], 1)
    assert targets.tolist() == [list(range(2, 13)), list(range(13, 24))]
    assert inputs.tolist() == [[V, 2, 3, 4, 5, V, 7, 8, 9, 10, 11], list(range(12, 23))]
    # Documents start at 0 and 5; the second row begins inside a document, with a fresh state all
    # the same.
    assert np.argwhere(reset).tolist() == [[0, 0], [0, 5], [1, 0]]
    assert [chunk.targets.shape[1] for chunk in chunks] == [4, 4, 3]
    assert cursor == Cursor(1, 0)


def test_the_cursor_alone_decides_what_comes_next() -> None:
    ids = np.random.default_rng(0).integers(0, V, 200)
    documents = np.array([0, 30, 77, 140])
    whole = Streams(ids, documents, vocab_size=V, batch=3, seed=5, line_resets=True)
    _, cursor = walk(whole, Cursor(), 7, 13)
    after, _ = walk(whole, cursor, 7, 20)
    again, _ = walk(Streams(ids, documents, vocab_size=V, batch=3, seed=5, line_resets=True), cursor, 7, 20)
    for one, two in zip(after, again, strict=True):
        assert np.array_equal(one.inputs, two.inputs)
        assert np.array_equal(one.targets, two.targets)
        assert np.array_equal(one.reset, two.reset)


def test_epochs_cut_the_ring_elsewhere_and_each_reads_every_row_length() -> None:
    ids = np.arange(100)
    streams = Streams(ids, np.array([0]), vocab_size=100, batch=4, seed=1)
    first, cursor = walk(streams, Cursor(), 10, streams.chunks_per_epoch(10))
    second, _ = walk(streams, cursor, 10, streams.chunks_per_epoch(10))
    seen = [np.concatenate([chunk.targets for chunk in epoch], 1) for epoch in (first, second)]
    assert sorted(seen[0].ravel().tolist()) == list(range(100)) == sorted(seen[1].ravel().tolist())
    assert seen[0][0, 0] != seen[1][0, 0]


def test_line_resets_fall_only_on_line_starts_and_give_the_start_symbol() -> None:
    ids = np.random.default_rng(3).integers(0, 4, 3000)
    streams = Streams(ids, np.array([0]), vocab_size=V, batch=5, seed=9, line_resets=True)
    extra = 0
    cursor = Cursor()
    plain = Streams(ids, np.array([0]), vocab_size=V, batch=5, seed=9)
    while cursor.epoch == 0:
        bare, _ = plain.chunk(cursor, 20)
        chunk, cursor = streams.chunk(cursor, 20)
        added = chunk.reset & ~bare.reset
        assert (bare.inputs[added] == EOS_ID).all()
        assert (chunk.inputs[added] == V).all()
        assert len(set(np.argwhere(added)[:, 1])) <= 1  # one place a chunk, so that a fused kernel is cut once
        extra += int(added.sum())
    # A quarter of the tokens end lines: about 5 rows / 4 in each of 30 chunks.
    assert 15 < extra < 70


def test_validation_streams_stay_where_they_are() -> None:
    streams = Streams(np.arange(60), np.array([0]), vocab_size=60, batch=2, seed=0, move=False)
    once = [chunk.targets for chunk in streams.epoch(8)]
    _, cursor = walk(streams, Cursor(), 8, len(once))
    later, _ = walk(streams, cursor, 8, len(once))
    assert all(np.array_equal(one, two.targets) for one, two in zip(once, later, strict=True))


def test_too_few_tokens_for_the_rows_is_said() -> None:
    with pytest.raises(TextError, match="7 tokens: too few for a batch of 4 rows"):
        Streams(np.arange(7), np.array([0]), vocab_size=9, batch=4, seed=0)
