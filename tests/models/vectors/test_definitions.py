"""Compiled loops equal the plain definitions, update by update, for one thread."""

import itertools
from functools import partialmethod
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.models.vectors import definitions

from elman.data.vocabulary import Vocabulary
from elman.data.word_text import WordText
from elman.models.vectors.averaged import mean_subwords, spread_cbow, spread_subwords, train_cbow, train_subwords
from elman.models.vectors.barrier import wait_for_all
from elman.models.vectors.blocks import Blocks, read_block
from elman.models.vectors.config import VectorsConfig
from elman.models.vectors.cooccurrence import PairCounter, distance_weights
from elman.models.vectors.glove import pair_weights, parted_pairs, train_glove, words_of
from elman.models.vectors.huffman import huffman_paths
from elman.models.vectors.negative_sampling import LOOPS, NegativeSampling, Partition, make_partition
from elman.models.vectors.ppmi import factorised, ppmi_values
from elman.models.vectors.sampling import keep_thresholds, key_of, subsample
from elman.models.vectors.skipgram import spread_contexts, train_skipgram
from elman.models.vectors.subwords import subword_buckets
from elman.models.vectors.training_order import next_pieces, piece, piece_order, subsample_pieces

VOCAB = 40


@pytest.fixture(scope="module")
def text() -> WordText:
    """2,000 words of a Zipf distribution in sentences of odd lengths, empty ones among them."""
    random = np.random.default_rng(5)
    ids: list[int] = []
    while len(ids) < 2000:
        ids += [*np.minimum(random.zipf(1.3, random.integers(0, 14)) - 1, VOCAB - 1).tolist(), -1]
    array = np.array(ids, np.int32)
    counts = np.bincount(array[array >= 0], minlength=VOCAB)
    # Words of a vocabulary are sorted by their counts.
    order = np.argsort(-counts, kind="stable")
    array, counts = np.append(np.argsort(order), -1)[array].astype(np.int32), counts[order]
    words = [f"{chr(97 + row % 26)}wörd{row}" for row in range(VOCAB)]
    return WordText(array, Vocabulary(words, counts.tolist()), int((array >= 0).sum()), 0, "")


def trained(text: WordText, **settings: Any) -> NegativeSampling:
    trainer = NegativeSampling(text, VectorsConfig.of(settings.pop("model"), {"dimensions": 10, **settings}))
    done = 0
    while done < trainer.total:
        done = trainer.step(done)
    return trainer


@pytest.mark.parametrize(
    ("model", "settings"),
    [
        *itertools.product(
            ["skipgram", "cbow", "fasttext"],
            [{}, {"negatives": 3, "distance": "flat", "window": 2, "subsample": 0.0}],
        ),
        ("skipgram", {"hierarchical": True}),
        ("cbow", {"hierarchical": True}),
    ],
)
def test_two_epochs(text: WordText, model: str, settings: dict[str, Any]) -> None:
    settings = {"subsample": 0.05, "rate": 0.1, "epochs": 2, "seed": 7, "threads": 1, **settings}
    found = trained(text, model=model, **settings)
    config = found._config
    order = piece_order(len(text.ids))
    assert order == (8, 2)
    start = NegativeSampling(text, config)
    inputs, outputs = (start.inputs.astype(np.float64), start.outputs.astype(np.float64))
    assert config.subsample is not None and config.rate is not None
    keep = keep_thresholds(text.vocabulary.counts, config.subsample)
    noise = make_partition(text.vocabulary.counts, parts=1, power=config.noise_power or 0, key=key_of(7, 0, 2)).noise[0]
    total = 2 * len(text.ids)
    for epoch in range(2):
        ids = definitions.read(text.ids.tolist(), order, keep, int(key_of(7, epoch, 1)))
        how = {
            "window": config.window,
            "shrink": config.distance == "shrink",
            "negatives": config.negatives,
            "noise": noise,
            "key": int(key_of(7, epoch)),
            "rates": [
                config.rate * max(1 - done / total, 1e-4) for done in np.array([epoch, epoch + 1]) * len(text.ids)
            ],
        }
        if config.hierarchical:
            how["paths"] = definitions.huffman(text.vocabulary.counts.tolist())
        if model == "fasttext":
            buckets = start._buckets.tolist()
            rows_of = [
                [
                    row,
                    *(
                        VOCAB + buckets.index(definitions.fnv(part) % 2_000_000)
                        for part in definitions.ngrams(word, 3, 6)
                    ),
                ]
                for row, word in enumerate(text.vocabulary.words)
            ]
            definitions.fasttext(ids, inputs, outputs, rows_of, **how)
        else:
            getattr(definitions, model)(ids, inputs, outputs, **how)
    np.testing.assert_allclose(found.inputs, inputs, atol=2e-4)
    np.testing.assert_allclose(found.outputs, outputs, atol=2e-4)
    assert np.abs(inputs - start.inputs).max() > 0.1
    if model == "fasttext":
        mean = np.array([inputs[rows, :10].mean(axis=0) for rows in rows_of])
        np.testing.assert_allclose(found.model_arrays()["vectors"], mean, atol=2e-4)


def one_by_one(
    training: NegativeSampling, blocks: Blocks, partition: Partition, barrier: object, order: int = 1
) -> None:
    """What threads do at once, one after another: the first one first (1), or the last one (-1)."""
    threads, inputs, outputs = range(training.parts)[::order], training.inputs, training.outputs
    for block, rates in enumerate(blocks.rates):
        read = {own: read_block(blocks, block, training._space[own], own) for own in threads}
        ids, base = read[0]
        for own in threads:
            if training._config.model == "fasttext":
                edges = (len(ids) * edge // training.parts for edge in (own, own + 1))
                mean_subwords(ids, inputs, training._starts, training._rows, *edges, training._means)
        for own in threads:
            space, key = training._space[own], blocks.keys[0]
            begin = ids, base, inputs, outputs
            drawn = space.windows, training._config.negatives, partition.noise[own]
            end = key, rates, space.gains, space.work
            if training._config.model == "fasttext":
                rows = training._starts, training._rows
                train_subwords(*begin, *rows, *drawn, *end, training._means, training._errors[own])
            elif training._config.model == "cbow":
                train_cbow(*begin, *drawn, training._paths, *end, training._errors[0])
            else:
                train_skipgram(*begin, *drawn, training._paths, *end, training._errors[own])
        for own in threads:
            space = training._space[own]
            if training._config.model == "fasttext":
                spread_subwords(ids, inputs, *training._own_rows[own], training._errors, space.work)
            elif training._config.model == "cbow":
                spread_cbow(ids, inputs, space.windows, blocks.window, training._errors[0])
            else:
                spread_contexts(ids, inputs, space.windows, training._errors)


@pytest.mark.parametrize("model", ["skipgram", "cbow", "fasttext"])
def test_threads_share_no_row(text: WordText, model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same bits whichever thread comes first: so none reads what another writes."""
    settings = {"model": model, "threads": 3, "epochs": 2, "subsample": 0.0, "rate": 0.1}
    found, again = (trained(text, **settings) for _ in range(2))
    monkeypatch.setattr(NegativeSampling, "_train", one_by_one)
    first = trained(text, **settings)
    monkeypatch.setattr(NegativeSampling, "_train", partialmethod(one_by_one, order=-1))
    last = trained(text, **settings)
    for one, other in ((found, again), (first, last)):
        assert np.array_equal(one.inputs, other.inputs) and np.array_equal(one.outputs, other.outputs)
    # Compiled on its own, a loop may round differently.
    np.testing.assert_allclose(found.inputs, first.inputs, atol=2e-3)
    np.testing.assert_allclose(found.outputs, first.outputs, atol=2e-3)
    assert np.abs(found.outputs).max() > 0.01


@pytest.mark.parametrize("failing", [0, 1])
def test_nobody_waits_for_a_thread_that_failed(text: WordText, failing: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def loop(own: int, threads: int, barrier: NDArray[np.int64], *_: object) -> None:
        if own == failing:
            raise KeyboardInterrupt
        wait_for_all(barrier, threads)

    monkeypatch.setitem(LOOPS, "cbow", loop)
    with pytest.raises(KeyboardInterrupt):
        trained(text, model="cbow", threads=2)


def test_parts_divide_the_words_evenly_and_draw_by_power(text: WordText) -> None:
    counts = text.vocabulary.counts
    partition = make_partition(counts, parts=3, power=0.75, key=np.uint64(3))
    assert np.bincount(partition.part).tolist() == [14, 13, 13] or np.ptp(np.bincount(partition.part)) <= 1
    for own, (members, first, last, thresholds, aliases) in enumerate(partition.noise):
        words = members[first:last]
        assert (partition.part[words] == own).all()
        below = thresholds[first:last].astype(float) / (1 << 32)
        chances = below.copy()
        np.add.at(chances, aliases[first:last], 1 - below)
        wanted = np.maximum(counts[words], 1) ** 0.75
        np.testing.assert_allclose(chances / len(words), wanted / wanted.sum(), atol=1e-8)


def test_subsampling_keeps_what_word2vec_keeps(text: WordText) -> None:
    keep = keep_thresholds(np.array([900, 90, 10]), 0.01)
    # f = 0.9: sqrt(0.01 / 0.9) + 0.01 / 0.9; f = 0.09: sqrt(1 / 9) + 1 / 9; f = 0.01: 1 + 1
    np.testing.assert_allclose(keep / 2**32, [0.116520, 0.444444, 1], atol=1e-6)
    ids, kept = text.ids, np.empty(len(text.ids), np.int32)
    keep = keep_thresholds(text.vocabulary.counts, 0.01)
    count = subsample(ids, 100, keep, np.uint64(9), kept)
    assert kept[:count].tolist() == definitions.subsampled(ids.tolist(), keep, 9, base=100)
    assert 0.1 < count / len(ids) < 0.9


def test_no_piece_is_left_out_or_read_twice() -> None:
    for length in (1, 249, 250, 1001, 123_457, 2_829_093):
        order, done, found = piece_order(length), 0, []
        while done < length:
            first, last, done = next_pieces(done, length, order, 7)
            found += range(first, last)
        assert found == [*range(order[0] * order[1])]


@pytest.mark.parametrize("order", [(1, 1), (3, 4), (9, 2), (200, 1)])
def test_pieces_in_training_order(text: WordText, order: tuple[int, int]) -> None:
    """Every word once, however short the pieces; no window crosses an end, also where a sentence is
    cut."""
    long = np.concatenate([text.ids, np.arange(500, dtype=np.int32) % VOCAB])
    for ids in (text.ids, long):
        found = [piece(ids, order, number) for number in range(order[0] * order[1])]
        assert found == definitions.pieces(ids.tolist(), *order)
        assert sorted(range(len(ids))) == sorted(place for span in found for place in range(*span))
        keep, kept = keep_thresholds(text.vocabulary.counts, 0.05), np.empty(2 * len(ids), np.int32)
        count = subsample_pieces(ids, order, 0, len(found), keep, np.uint64(9), kept)
        assert kept[:count].tolist() == definitions.read(ids.tolist(), order, keep, 9)


def test_paths_of_a_huffman_tree() -> None:
    # 1 and 3 become 4, which with the rarer of the others, 4, becomes 8; 6 and 8 become 14; 10 and
    # 14.
    paths = huffman_paths(np.array([10, 6, 4, 3, 1]))
    found = [
        list(zip(paths.nodes[a:b].tolist(), paths.labels[a:b].tolist(), strict=True))
        for a, b in itertools.pairwise(paths.starts)
    ]
    down = [(3, 0), (2, 0)]
    assert found == [[(3, 1)], [(3, 0), (2, 1)], [*down, (1, 0)], [*down, (1, 1), (0, 0)], [*down, (1, 1), (0, 1)]]
    assert found == definitions.huffman([10, 6, 4, 3, 1])
    counts = np.sort(np.random.default_rng(3).integers(1, 30, 101))[::-1]
    paths = huffman_paths(counts)
    wanted = definitions.huffman(counts.tolist())
    assert np.diff(paths.starts).tolist() == [len(path) for path in wanted]
    assert list(zip(paths.nodes.tolist(), paths.labels.tolist(), strict=True)) == [
        each for path in wanted for each in path
    ]


def test_subwords_are_those_of_fasttext() -> None:
    """The numbers are those of gensim 4.4 (``ft_ngram_hashes(word, 3, 6, 2000000)``)."""
    starts, found = subword_buckets(["king", "straße"], smallest=3, largest=6, buckets=2_000_000)
    king = [299675, 1736367, 824152, 785298, 1950837, 736598, 420536, 771707, 590751, 217300]
    assert found[: starts[1]].tolist() == king
    assert found[starts[1] : starts[1] + 4].tolist() == [1131652, 64706, 922521, 931]
    for word in ("", "a", "naïve", "猫が"):
        _, found = subword_buckets([word], smallest=1, largest=4, buckets=1000)
        assert found.tolist() == [definitions.fnv(part) % 1000 for part in definitions.ngrams(word, 1, 4)]


@pytest.mark.parametrize("distance", ["shrink", "flat", "harmonic"])
def test_pairs(text: WordText, distance: str) -> None:
    weights = distance_weights(distance, 4)
    counter = PairCounter(VOCAB, weights)
    half = int(np.flatnonzero(text.ids < 0)[60]) + 1
    counter.add(text.ids[:half])
    counter.add(text.ids[half:])
    pairs = counter.pairs()
    table = np.zeros((VOCAB, VOCAB))
    table[words_of(pairs), pairs.columns] = pairs.counts
    wanted = definitions.cooccurrence(text.ids.tolist(), weights, VOCAB)
    np.testing.assert_allclose(table, wanted, rtol=1e-6)
    assert all((np.diff(pairs.columns[a:b]) > 0).all() for a, b in zip(pairs.starts, pairs.starts[1:], strict=False))


def test_ppmi_and_its_factors(text: WordText) -> None:
    counter = PairCounter(VOCAB, np.ones(5))
    counter.add(text.ids)
    pairs = counter.pairs()
    wanted = definitions.ppmi(definitions.cooccurrence(text.ids.tolist(), np.ones(5), VOCAB), 0.75, 1.5)
    for values, whole in zip(ppmi_values(pairs, power=0.75, shift=1.5), (wanted, wanted.T), strict=True):
        table = np.zeros((VOCAB, VOCAB))
        table[words_of(pairs), pairs.columns] = values
        np.testing.assert_allclose(table, whole, atol=1e-5)
    vectors = factorised(pairs, size=6, power=0.75, shift=1.5, scale=1.0, seed=3, threads=2)
    left, strengths, _ = np.linalg.svd(wanted)
    best = left[:, :6] * strengths[:6]
    # Of U S only products are the same whatever the signs.
    np.testing.assert_allclose(vectors @ vectors.T, best @ best.T, atol=0.02 * (best @ best.T).max())


def test_glove_pair_by_pair(text: WordText) -> None:
    counter = PairCounter(VOCAB, distance_weights("harmonic", 3))
    counter.add(text.ids)
    pairs = counter.pairs()
    order, edges = parted_pairs(pairs, parts=2, seed=4)
    words, contexts, counts = words_of(pairs)[order], pairs.columns[order], pairs.counts[order]
    assert sorted(order.tolist()) == list(range(len(words)))
    for group in range(4):
        span = slice(edges[group], edges[group + 1])
        assert (words[span] % 2 == group // 2).all() and (contexts[span] % 2 == group % 2).all()
    random = np.random.default_rng(1)
    arrays = [random.uniform(-0.3, 0.3, (VOCAB, 11)) for _ in "lr"] + [np.ones((VOCAB, 11)) for _ in "lr"]
    # Ten numbers are padded to two groups of eight, behind which stands the bias.
    found = [np.insert(array.astype(np.float32), 10, np.zeros((6, 1), np.float32), axis=1) for array in arrays]
    found = [np.ascontiguousarray(np.pad(array, ((0, 0), (0, 7)), constant_values=1)) for array in found]
    for matrix in found[:2]:
        matrix[:, 17:] = 0
    for squares in found[2:]:
        squares[:, 10:16] = 1
    left, right, left_squares, right_squares = found
    logs, weights = np.log(counts), pair_weights(counts, 5.0, 0.75)
    train_glove(words, contexts, logs, weights, left, right, left_squares, right_squares, 0.3)
    definitions.glove(words, contexts, counts.astype(float), *arrays, rate=0.3, limit=5.0, power=0.75)
    for one, other in zip(found, arrays, strict=True):
        np.testing.assert_allclose(one[:, [*range(10), 16]], other, atol=1e-4)
