"""Figures of word vectors by hand, and equal to SciPy's where it is installed."""

from pathlib import Path

import numpy as np
import pytest

from elman.data.vocabulary import Vocabulary
from elman.errors import TextError, UsageError
from elman.evaluation.word_vectors import evaluate, read_analogies, read_pairs
from elman.metrics.correlation import ranks, spearman, spearman_interval
from elman.models.word_vectors import WordVectors
from elman.report.word_vectors_table import word_vectors_table


def test_spearman_by_hand() -> None:
    ones, others = np.array([106, 100, 86, 101, 99]), np.array([7, 27, 2, 50, 28])
    # Ranks 5 3 1 4 2 and 2 3 1 5 4: 1 - 6 (9 + 0 + 0 + 1 + 4) / (5 * 24)
    assert spearman(ones, others) == pytest.approx(0.3)
    assert ranks(np.array([2.0, 1, 2, 2])).tolist() == [3, 1, 3, 3]
    assert np.isnan(spearman(ones, np.ones(5)))


def test_spearman_as_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    random = np.random.default_rng(3)
    ones = random.integers(0, 9, 60)
    others = ones + random.normal(0, 3, 60).round()
    assert spearman(ones, others) == pytest.approx(stats.spearmanr(ones, others).statistic, abs=1e-12)
    low, high = spearman_interval(ones, others)
    assert low < spearman(ones, others) < high and 0.05 < high - low < 0.5


@pytest.fixture
def vectors() -> WordVectors:
    """Places of a grid, where analogies are sums."""
    words = {
        "man": (1, 0, 0),
        "king": (1, 0, 2),
        "woman": (0, 1, 0),
        "queen": (0, 1, 2),
        "boy": (1, 0.2, 0.4),
        "up": (0.5, 0.5, -3),
    }
    matrix = np.array(list(words.values()), np.float32)
    return WordVectors(Vocabulary(list(words), [1] * 6), matrix, lowercase=True)


def test_analogies_and_pairs(vectors: WordVectors, tmp_path: Path) -> None:
    questions, pairs = tmp_path / "q.txt", tmp_path / "p.tsv"
    questions.write_text(
        ": royal\nMan King Woman Queen\nman woman king queen\nman king woman boy\nman king girl queen\n"
        ": unknown\na b c d\n: empty\n"
    )
    pairs.write_text(
        "# comment\nword 1\tword 2\tmean\nman\tboy\t9\nking\tqueen\t6\nman\tup\t1\nking\tup\t0\nman\tgirl\t5\n"
    )
    found = evaluate(vectors, analogies=[questions], similarity=[pairs])
    (judged,) = found["analogies"]
    royal, unknown = judged["sections"]
    assert (royal["questions"], royal["known"], royal["add"], royal["mul"]) == (4, 3, 2, 2)
    assert royal["accuracy_add"] == {"of_all": 0.5, "of_known": pytest.approx(2 / 3)} and royal["coverage"] == 0.75
    assert unknown["accuracy_add"] == {"of_all": 0, "of_known": None} and unknown["known"] == 0
    assert judged["total"]["questions"] == 5 and judged["total"]["accuracy_mul"]["of_all"] == pytest.approx(0.4)
    (listed,) = found["similarity"]
    assert (listed["pairs"], listed["known"], listed["spearman"]) == (5, 4, pytest.approx(1))
    shown = word_vectors_table(found)
    assert "p.tsv" in shown and "4 of 5" in shown and "66.7" in shown and "3 of 4" in shown


def test_lists_that_are_wrong(vectors: WordVectors, tmp_path: Path) -> None:
    file = tmp_path / "list"
    for reader, text, said in (
        (read_pairs, "a b 1\nc d\n", "line 2: 'c d' is no pair"),
        (read_pairs, "a\tb\t1\nc\td\tnan\n", "line 2"),
        (read_pairs, "", "no pairs"),
        (read_analogies, ": x\na b c\n", "line 2: 3 words"),
        (read_analogies, ": x\n", "no analogies"),
    ):
        file.write_text(text)
        with pytest.raises(TextError, match=said):
            reader(file)
    file.write_text("a b 1\nman king 2\n")
    with pytest.raises(TextError, match="1 of 2 pairs are known"):
        evaluate(vectors, similarity=[file])
    with pytest.raises(TextError, match="cannot be read"):
        evaluate(vectors, analogies=[tmp_path / "none"])
    with pytest.raises(UsageError, match="--analogies"):
        evaluate(vectors)
    file.write_text("a, b, 1\nc,d,2.5\n")
    assert read_pairs(file) == [("a", "b", 1.0), ("c", "d", 2.5)]
