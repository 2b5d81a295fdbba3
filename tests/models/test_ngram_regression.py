"""The linear part of a classifier: its numbers are scikit-learn's TF-IDF, and bad files are refused."""

import subprocess
import sys

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.naive_bayes import BernoulliNB

from elman.data.hashed_ngrams import Features, character_classes, hashed_ngrams
from elman.errors import FolderError
from elman.models.ngram_regression import NGRAMS_FILE, NgramRegression, informativeness, mixed, scaled

TEXTS = ["to be or not to be", "", "a rose is a rose is a rose", "be", "😀"]
ODD = [
    *TEXTS, "   ", "a", "!", "don't well-made naïve 3.5 -- o'clock's", "不是很好的电影 😀 ok", "x" * 300, "\ud800 lone",
    "İSTANBUL ΣΑΣ ǅ", "a\nb\tc\u00a0d\u200be \x00\x1c\u3000f", "aaaa " * 500, "\U0010ffff¿?!…", "no. no! NO", "i ", "0",
]  # fmt: skip
BUCKETS = 1 << 10


def _model(labels: int = 3, *, buckets: int = BUCKETS) -> NgramRegression:
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(2 * buckets, labels)).astype(np.float16)
    factors = rng.uniform(1, 5, 2 * buckets).astype(np.float16)
    return NgramRegression(weights, rng.normal(size=labels).astype(np.float32), factors)


def test_numbers_are_those_of_tfidf() -> None:
    found = hashed_ngrams(TEXTS, buckets=BUCKETS)
    matrix = csr_matrix((found.counts, found.buckets, found.starts), (len(TEXTS), 2 * BUCKETS)).toarray()
    halves = [TfidfTransformer(sublinear_tf=True).fit(half) for half in np.split(matrix, 2, axis=1)]
    idf = np.concatenate([half.idf_ for half in halves]).astype(np.float32)
    parts = zip(halves, np.split(matrix, 2, axis=1), strict=True)
    wanted = np.concatenate([csr_matrix(half.transform(part)).toarray() for half, part in parts], axis=1)
    numbers = csr_matrix((scaled(found, idf), found.buckets, found.starts), wanted.shape).toarray()
    np.testing.assert_allclose(numbers, wanted, atol=1e-6)
    model = _model()
    model = NgramRegression(model.weights, model.bias, idf.astype(np.float16))
    expected = wanted @ model.weights.astype(np.float64) + model.bias
    np.testing.assert_allclose(model.logits(TEXTS), expected, atol=5e-3)
    np.testing.assert_array_equal(model.logits(TEXTS)[1], model.bias)


def test_informativeness_is_that_of_naive_bayes() -> None:
    """Of labels of one frequency, the root of the ratio of scikit-learn's probabilities."""
    texts = ["a good film", "a good plot", "a fine film", "a bad film", "a bad film", "a slow plot"]
    targets = np.array([0, 0, 0, 1, 1, 1])
    found = hashed_ngrams(texts, buckets=BUCKETS)
    matrix = csr_matrix((found.counts, found.buckets, found.starts), (len(texts), 2 * BUCKETS))
    likely = BernoulliNB(alpha=1).fit(matrix, targets).feature_log_prob_
    wanted = np.sqrt(np.abs(likely[0] - likely[1]))
    for labels in (targets, np.stack([targets == 0, targets == 1], axis=1)):
        told = informativeness(found, labels, buckets=BUCKETS, labels=2)
        np.testing.assert_allclose(told, wanted, atol=1e-12)


def test_informativeness_of_one_text_by_hand() -> None:
    """Ten texts: three, four and three of the labels. A bucket that one text has counts as if two more
    texts had it, with these shares, each smoothed by one text."""
    found = Features(np.array([0, 1, *[2] * 9]), np.array([0, 1]), np.ones(2, np.float32))
    told = informativeness(found, np.array([2, 0, 0, 2, 2, 1, 1, 1, 1, 0]), buckets=1, labels=3)
    there = np.log([(1 + 2 * 4 / 12) / (2 - 2 * 4 / 12), (4 / 12) / (8 / 12)])
    np.testing.assert_allclose(told, np.sqrt(np.abs(there[0] - there[1])))


def test_a_file_gives_the_same_logits_and_bad_ones_are_refused() -> None:
    model = _model()
    again = NgramRegression.from_files({NGRAMS_FILE: model.to_bytes()}, labels=3)
    assert again is not None and again.digest == model.digest
    np.testing.assert_array_equal(again.logits(TEXTS), model.logits(TEXTS))
    assert NgramRegression.from_files({}, labels=3) is None
    infinite = NgramRegression(model.weights, model.bias * np.float32(np.inf), model.factors)
    odd = NgramRegression(model.weights[:-2], model.bias, model.factors[:-2])
    for data, labels in (
        (b"", 3), (model.to_bytes()[:-1], 3), (model.to_bytes(), 2), (infinite.to_bytes(), 3), (odd.to_bytes(), 3),
    ):  # fmt: skip
        with pytest.raises(FolderError, match=NGRAMS_FILE):
            NgramRegression.from_files({NGRAMS_FILE: data}, labels=labels)


@pytest.mark.parametrize(("labels", "buckets"), [(2, 1 << 16), (1, 1 << 13), (40, 1 << 10)])
def test_compiled_logits_are_those_of_the_definition(labels: int, buckets: int) -> None:
    model = _model(labels, buckets=buckets)
    # Of a third of the n-grams, training knows nothing.
    factors = np.where(np.arange(2 * buckets) % 3, model.factors, np.float16(0))
    model = NgramRegression(model.weights, model.bias, factors)
    wanted = model.reference_logits(ODD)
    np.testing.assert_array_max_ulp(model.compiled_logits(ODD), wanted, maxulp=1)
    for number in (2, 8, len(ODD) - 1):
        alone = model.compiled_logits([ODD[number]])[0]
        np.testing.assert_array_equal(alone, model.compiled_logits(ODD)[number])
    assert model.compiled_logits([]).shape == model.reference_logits([]).shape == (0, labels)


def test_classes_of_characters_are_those_of_the_pattern() -> None:
    """A character between two letters parts them, joins them, or is a word of its own."""
    classes = character_classes()
    chars = [chr(code) for code in (*range(0x3100), *range(0xD7F0, 0xD810), 0x1F600, 0x10FFFF)]
    chars = [char for char in chars if char.lower() == char]
    found = hashed_ngrams([f"a{char}a" for char in chars], buckets=1 << 10)
    words = np.add.reduceat(np.where(found.buckets < 1 << 10, found.counts, 0), found.starts[:-1])
    assert len(classes) == 0x110000 and set(words) == {1, 3, 5}
    told = np.array([3, 1, 5])[[classes[ord(char)] for char in chars]]
    np.testing.assert_array_equal(words, told)


def test_compiled_code_is_for_many_texts() -> None:
    """Few texts do not wait for numba."""
    code = (
        "import sys, numpy as np\n"
        "from elman.models.ngram_regression import NgramRegression\n"
        "model = NgramRegression(np.zeros((2048, 2), np.float16), np.zeros(2, np.float32), np.ones(2048, np.float16))\n"
        "model.logits(['a text'])\n"
        "before = 'numba' in sys.modules\n"
        "model.logits(['a text'] * 64)\n"
        "print(before, 'numba' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False True\n"


def test_logits_are_mixed_by_share() -> None:
    network, linear = np.array([[1.0, 3.0]], np.float32), np.array([[5.0, -1.0]], np.float32)
    assert mixed(network, linear, 0.25).tolist() == [[2.0, 2.0]]
