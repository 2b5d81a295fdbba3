"""Each order of an n-gram, judged: against models fitted to that order, and against sets of
tuples.
"""

import numpy as np
import pytest

from elman.models.ngram.counts import count_ngrams, line_starts
from elman.models.ngram.growth import measure_growth, perplexity_of
from elman.models.ngram.kneser_ney import estimate
from elman.models.ngram.query import NgramConfig, fit_ngram, smooth
from elman.report.growth import GROWTH_FILE, draw_growth, growth_table
from elman.text.tokenizer import EOS_ID, Tokenizer, TokenizerConfig

BOS = -1


def text(draw: np.random.Generator, lines: int) -> list[str]:
    shares = draw.dirichlet(np.full(9, 0.5))
    return [" ".join(f"w{k}" for k in draw.choice(9, draw.integers(0, 7), p=shares)) for _ in range(lines)]


def grams(rows: list[list[int]], order: int) -> list[tuple[int, ...]]:
    """All n-grams of a length, `<s>` before each line (which is no unigram)."""
    found = []
    for row in rows:
        read = [*([BOS] if order > 1 else []), *row]
        found += [tuple(read[end - order : end]) for end in range(order, len(read) + 1)]
    return found


@pytest.mark.parametrize("seed", range(6))
def test_rows_against_models_and_sets(seed: int) -> None:
    draw = np.random.default_rng(seed)
    known, other = text(draw, 60), text(draw, 25)
    words = Tokenizer.fit([*known, *other], config=TokenizerConfig(pretokenized=True))
    rows, more = ([[*words.encode(line).ids.tolist(), EOS_ID] for line in lines] for lines in (known, other))
    ids, judged = np.concatenate(rows), np.concatenate(more)
    documents = np.array([0, len(ids)])
    orders = count_ngrams(ids, documents, order=4, vocab_size=words.size, eos_id=EOS_ID)
    starts = line_starts(judged, np.array([0, len(judged)]), EOS_ID)
    whole = estimate(orders, vocab_size=words.size)
    found = measure_growth(orders, judged, starts, vocab_size=words.size, eos_id=EOS_ID)
    assert found == measure_growth(orders, judged, starts, vocab_size=words.size, eos_id=EOS_ID, whole=whole)
    assert [row.order for row in found] == [1, 2, 3, 4]
    for row in found:
        counts: dict[tuple[int, ...], int] = {}
        for gram in grams(rows, row.order):
            counts[gram] = counts.get(gram, 0) + 1
        assert (row.ngrams, row.once) == (len(counts), sum(count == 1 for count in counts.values()))
        asked = grams(more, row.order)
        assert row.unseen == pytest.approx(sum(gram not in counts for gram in asked) / len(asked))
        model = fit_ngram(ids, documents, words, config=NgramConfig(order=row.order))
        scores, _ = model.score(judged[None], np.array([len(judged)]), model.start())
        assert row.perplexity == pytest.approx(np.exp(-scores[0].astype(np.float64).mean()), rel=1e-5)
        assert row.bytes == model.tables.bytes


def test_a_line_that_ends_with_its_document_ends_there() -> None:
    words = Tokenizer.fit(["a b"], config=TokenizerConfig(pretokenized=True))
    a, b = words.encode("a b").ids.tolist()
    ids, documents = np.array([a, b, EOS_ID, a, b, EOS_ID]), np.array([0, 6])
    orders = count_ngrams(ids, documents, order=2, vocab_size=words.size, eos_id=EOS_ID)
    cut, joined = np.array([a, b, a, b, EOS_ID]), np.array([0, 5])
    apart = line_starts(cut, np.array([0, 2, 5]), EOS_ID)
    assert apart.tolist() == [True, False, True, False, False]
    model = smooth(orders, words, NgramConfig(order=2))
    alone = [
        model.score(np.array([part]), np.array([len(part)]), model.start())[0][0] for part in ([a, b], [a, b, EOS_ID])
    ]
    expected = np.exp(-np.concatenate(alone).astype(np.float64).mean())
    assert perplexity_of(model.tables, cut, apart, EOS_ID) == pytest.approx(expected, rel=1e-6)
    assert perplexity_of(model.tables, cut, line_starts(cut, joined, EOS_ID), EOS_ID) > 1.01 * expected


@pytest.mark.slow
def test_the_picture_and_the_table(tmp_path) -> None:
    rows = [
        {
            "order": n,
            "ngrams": 10**n,
            "once": 9 * 10 ** (n - 1),
            "bytes": 10 ** (n + 3),
            "perplexity": 90.0 / n,
            "unseen": n / 10,
        }
        for n in (1, 2, 3)
    ]
    assert draw_growth(tmp_path, rows) == tmp_path / GROWTH_FILE
    assert (tmp_path / GROWTH_FILE).read_bytes()[:4] == b"\x89PNG"
    assert growth_table(rows).splitlines()[-1].split() == ["3", "1,000", "90%", "1", "MB", "30.00", "30.0%"]


def test_orders_whose_tables_are_too_large_are_left_out() -> None:
    rng = np.random.default_rng(1)
    ids = np.concatenate([[*rng.integers(2, 30, 9), 1] for _ in range(40)])
    documents = np.array([0, len(ids)])
    orders = count_ngrams(ids, documents, order=3, vocab_size=30, eos_id=1)
    given = {"vocab_size": 30, "eos_id": 1}
    starts = line_starts(ids, documents, 1)
    all_of_them = measure_growth(orders, ids, starts, **given)
    assert [each.order for each in all_of_them] == [1, 2, 3]
    below = 32 * sum(len(each.raw) for each in orders) - 1
    assert measure_growth(orders, ids, starts, **given, most_bytes=below) == all_of_them[:2]
    # What is there already is measured.
    whole = estimate(orders, vocab_size=30)
    assert len(measure_growth(orders, ids, starts, **given, whole=whole, most_bytes=below)) == 3
