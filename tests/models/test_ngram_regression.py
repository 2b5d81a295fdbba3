"""The linear part of a classifier: its numbers are scikit-learn's TF-IDF, and bad files are
refused."""

import subprocess
import sys

import numpy as np
import pytest
from safetensors.numpy import load, save
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.naive_bayes import BernoulliNB

from elman.data.hashed_ngrams import Features, all_ngrams, character_classes, hashed_ngrams, word_keys
from elman.data.ngram_index import Buckets, NgramIndex
from elman.errors import FolderError
from elman.models.ngram_regression import NGRAMS_FILE, NgramRegression, informativeness, mixed, scaled

TEXTS = ["to be or not to be", "", "a rose is a rose is a rose", "be", "😀"]
ODD = [
    *TEXTS, "   ", "a", "!", "don't well-made naïve 3.5 -- o'clock's", "不是很好的电影 😀 ok", "x" * 300, "\ud800 lone",
    "İSTANBUL ΣΑΣ ǅ", "a\nb\tc\u00a0d\u200be \x00\x1c\u3000f", "aaaa " * 500, "\U0010ffff¿?!…", "no. no! NO", "i ", "0",
]  # fmt: skip
NEGATIVE = [
    "no, not a rose. a rose is not to be",
    "not not is no be or",
    "a not 😀 be to",
    "İSTANBUL no " + "be " * 9,
    "never not a be or to rose is",
]
BUCKETS = 1 << 10


def _index(texts: list[str]) -> NgramIndex:
    """Two thirds of the n-grams of texts."""
    negations = word_keys(["not", "no"])
    wide = np.unique(all_ngrams(texts, negations=negations, reach=3).columns)
    wide = wide[np.arange(len(wide)) % 3 > 0]
    return NgramIndex.of(wide, negations=negations, reach=3)


def _model(labels: int = 3, *, index: NgramIndex | None = None) -> NgramRegression:
    rng = np.random.default_rng(0)
    index = index or _index([*TEXTS, *NEGATIVE])
    weights, factors = rng.normal(size=(index.size, labels)), rng.uniform(1, 5, index.size)
    return NgramRegression.rounded(weights, rng.normal(size=labels), factors, index)


def _model_of_before(labels: int = 3, *, buckets: int = BUCKETS) -> NgramRegression:
    rng = np.random.default_rng(0)
    factors = rng.uniform(1, 5, 2 * buckets)
    return NgramRegression.from_arrays(
        {
            "weights": rng.normal(size=(2 * buckets, labels)).astype(np.float16),
            "bias": rng.normal(size=labels).astype(np.float32),
            # Of a third of the n-grams, training knows nothing.
            "rarity": np.where(np.arange(2 * buckets) % 3, factors, 0).astype(np.float16),
        }
    )


def test_numbers_are_those_of_tfidf() -> None:
    index = _index([*TEXTS, *NEGATIVE])
    texts = [*TEXTS, *NEGATIVE]
    found = hashed_ngrams(texts, index)
    matrix = csr_matrix((found.counts, found.columns, found.starts), (len(texts), index.size)).toarray()
    pieces = np.split(matrix, index.ends[:-1], axis=1)
    parts = [TfidfTransformer(sublinear_tf=True).fit(piece) for piece in pieces]
    idf = np.concatenate([part.idf_ for part in parts]).astype(np.float32)
    wanted = np.concatenate(
        [csr_matrix(part.transform(piece)).toarray() for part, piece in zip(parts, pieces, strict=True)], axis=1
    )
    numbers = csr_matrix((scaled(found, idf, index.ends), found.columns, found.starts), wanted.shape).toarray()
    np.testing.assert_allclose(numbers, wanted, atol=1e-6)
    model = _model()
    model = NgramRegression.rounded(model.weights, model.bias, idf, index)
    expected = wanted @ model.weights.astype(np.float64) + model.bias
    np.testing.assert_allclose(model.logits(texts), expected, atol=2e-2)
    np.testing.assert_array_equal(model.logits(texts)[1], model.bias)


def test_weights_of_eight_bits_are_near() -> None:
    rng = np.random.default_rng(1)
    index = _index(TEXTS)
    weights, factors = rng.normal(size=(index.size, 3)), rng.uniform(0, 5, index.size)
    weights[:, 1] = 0  # a label without weights
    model = NgramRegression.rounded(weights, np.zeros(3), factors, index)
    assert (np.abs(model.weights - weights) <= np.abs(weights).max(axis=0) / 253).all()
    assert (np.abs(model.factors - factors) <= factors.max() / 509).all()
    again = NgramRegression.rounded(model.weights, model.bias, model.factors, index)
    assert again.digest == model.digest


def test_informativeness_is_that_of_naive_bayes() -> None:
    """Of labels of one frequency, the root of the ratio of scikit-learn's probabilities."""
    texts = ["a good film", "a good plot", "a fine film", "a bad film", "a bad film", "a slow plot"]
    targets = np.array([0, 0, 0, 1, 1, 1])
    found = hashed_ngrams(texts, Buckets(BUCKETS))
    matrix = csr_matrix((found.counts, found.columns, found.starts), (len(texts), 2 * BUCKETS))
    likely = BernoulliNB(alpha=1).fit(matrix, targets).feature_log_prob_
    wanted = np.sqrt(np.abs(likely[0] - likely[1]))
    for labels in (targets, np.stack([targets == 0, targets == 1], axis=1)):
        told = informativeness(found, labels, columns=2 * BUCKETS, labels=2)
        np.testing.assert_allclose(told, wanted, atol=1e-12)


def test_informativeness_of_one_text_by_hand() -> None:
    """Ten texts: three, four and three of the labels. A bucket that one text has counts as if two
    more texts had it, with these shares, each smoothed by one text."""
    found = Features(np.array([0, 1, *[2] * 9]), np.array([0, 1]), np.ones(2, np.float32))
    told = informativeness(found, np.array([2, 0, 0, 2, 2, 1, 1, 1, 1, 0]), columns=2, labels=3)
    there = np.log([(1 + 2 * 4 / 12) / (2 - 2 * 4 / 12), (4 / 12) / (8 / 12)])
    np.testing.assert_allclose(told, np.sqrt(np.abs(there[0] - there[1])))


@pytest.mark.parametrize("model", [_model(), _model_of_before()], ids=["index", "buckets"])
def test_a_file_gives_the_same_logits_and_bad_ones_are_refused(model: NgramRegression) -> None:
    again = NgramRegression.from_files({NGRAMS_FILE: model.to_bytes()}, labels=3)
    assert again is not None and again.digest == model.digest
    np.testing.assert_array_equal(again.logits(TEXTS), model.logits(TEXTS))
    assert NgramRegression.from_files({}, labels=3) is None
    arrays = load(model.to_bytes())
    spoilt = [{**arrays, name: array[:-1]} for name, array in arrays.items() if name != "negations"]
    spoilt += [{**arrays, name: array.reshape(1, *array.shape)} for name, array in arrays.items()]
    spoilt += [{**arrays, name: np.array(array[0])} for name, array in arrays.items() if array.ndim == 1]
    spoilt += [{**arrays, name: array.astype(np.float64)} for name, array in arrays.items()]
    spoilt += [{**arrays, name: array * 1e9} for name, array in arrays.items() if array.dtype == np.float32]
    spoilt += [{**arrays, name: array * np.nan} for name, array in arrays.items() if array.dtype.kind == "f"]
    spoilt += [{**arrays, name: array[::-1].copy()} for name, array in arrays.items() if name in ("keys", "negations")]
    if "sizes" in arrays:
        spoilt += [
            {**arrays, "sizes": arrays["sizes"] + moved} for moved in ([1, 0, 0], [-99999, 99999, 0], [1, -1, 0])
        ]
        spoilt.append({**arrays, "reach": -arrays["reach"]})
        spoilt += [{**arrays, "lengths": np.array(lengths)} for lengths in ([0, 3], [4, 3], [3, 99])]
    files = [save(one) for one in spoilt]
    for number, data in enumerate([b"", model.to_bytes()[:-1], *files]):
        with pytest.raises(FolderError, match=NGRAMS_FILE):
            NgramRegression.from_files({NGRAMS_FILE: data}, labels=3)
            pytest.fail(f"file {number} was read")
    with pytest.raises(FolderError, match=NGRAMS_FILE):
        NgramRegression.from_files({NGRAMS_FILE: model.to_bytes()}, labels=2)


@pytest.mark.parametrize(
    "model",
    [
        _model_of_before(2, buckets=1 << 16),
        _model_of_before(1, buckets=1 << 13),
        _model_of_before(40),
        _model(1),
        _model(40),
        _model(2, index=_index([*ODD, *NEGATIVE])),
        _model(2, index=NgramIndex(np.array([7], np.uint32), np.array([0, 0, 1]), word_keys(["not"]), 3)),
    ],
)
def test_compiled_logits_are_those_of_the_definition(model: NgramRegression) -> None:
    texts = [*ODD, *NEGATIVE]
    wanted = model.reference_logits(texts)
    np.testing.assert_array_max_ulp(model.compiled_logits(texts), wanted, maxulp=1)
    for number in (2, 8, len(texts) - 1):
        alone = model.compiled_logits([texts[number]])[0]
        np.testing.assert_array_equal(alone, model.compiled_logits(texts)[number])
    assert model.compiled_logits([]).shape == model.reference_logits([]).shape == (0, len(model.bias))


def test_classes_of_characters_are_those_of_the_pattern() -> None:
    """A character between two letters parts them, joins them, or is a word of its own."""
    classes = character_classes()
    chars = [chr(code) for code in (*range(0x3100), *range(0xD7F0, 0xD810), 0x1F600, 0x10FFFF)]
    chars = [char for char in chars if char.lower() == char]
    found = hashed_ngrams([f"a{char}a" for char in chars], Buckets(1 << 10))
    words = np.add.reduceat(np.where(found.columns < 1 << 10, found.counts, 0), found.starts[:-1])
    assert len(classes) == 0x110000 and set(words) == {1, 3, 5}
    told = np.array([3, 1, 5])[[classes[ord(char)] for char in chars]]
    np.testing.assert_array_equal(words, told)


def test_compiled_code_is_for_many_texts() -> None:
    """Few texts do not wait for numba."""
    code = (
        "import sys, numpy as np\n"
        "from elman.data.ngram_index import NgramIndex\n"
        "from elman.models.ngram_regression import NgramRegression\n"
        "index = NgramIndex(np.arange(9, dtype=np.uint32), np.array([9, 0, 0]))\n"
        "model = NgramRegression.rounded(np.zeros((9, 2)), np.zeros(2), np.ones(9), index)\n"
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
