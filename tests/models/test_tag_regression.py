"""The linear part of a tagger, compared with a slow definition: one feature at a time."""

import zlib

import numpy as np
import pytest

from elman.errors import FolderError
from elman.models.ngram_regression import NGRAMS_FILE
from elman.models.tag_regression import (
    FEATURES,
    TagRegression,
    WordKeys,
    key_of,
    mixed_scores,
    rows_of,
    window_features,
)
from elman.models.word_features import form_of, shape_of, without_digits

SENTENCES = [["The", "cat", "sat", "1984"], ["Cats"], ["GO", "HOME", "now", "!", "\ud800x"], [], ["a" * 100, "naïve"]]
CLASSES = {"the": "DET", "now": "ADV/X"}
_32 = 0xFFFFFFFF


def _words() -> WordKeys:
    keys = sorted((key_of(form), key_of(name)) for form, name in CLASSES.items())
    return WordKeys(np.array([key for key, _ in keys], np.uint32), np.array([name for _, name in keys], np.uint32))


def _crc(text: str) -> int:
    return zlib.crc32(text.encode("utf-8", "surrogatepass"))


def _definition(words: list[str], at: int) -> list[int]:
    """The features of a word, in the order of the tables of the code."""

    def part(away: int, name: str) -> int:
        if not 0 <= at + away < len(words):
            return 1 if at + away < 0 else 2
        word = words[at + away][:64]
        form = form_of(word)
        plain = without_digits(form)
        if name == "class":
            return _crc(CLASSES[plain] if plain in CLASSES else f"\x01{shape_of(word)[:2]}{form[-2:]}")
        texts = {"exact": word, "form": plain, "shape": shape_of(word)}
        texts |= {f"p{n}": form[:n] for n in range(1, 6)} | {f"s{n}": form[-n:] for n in range(1, 6)}
        return _crc(texts[name])

    names = ["exact", "form", "shape", *(f"p{n}" for n in range(1, 6)), *(f"s{n}" for n in range(1, 6))]
    features = [[], *([part(0, name)] for name in names), *([part(away, "form")] for away in (-2, -1, 1, 2))]
    for away in (-1, 1):
        features += [[part(away, name)] for name in ("shape", "s3", "s2", "class")]
        features += [[part(0, name), part(away, name)] for name in ("s3", "form")]
        features += [[part(0, name), part(away, "class")] for name in ("form", "s2")]
    for name in ("form", "class"):
        features += [[part(one, name), part(other, name)] for one, other in ((-1, 1), (-2, -1), (1, 2))]
    features.append([part(-1, "s3"), part(1, "s3")])
    features += [[part(0, name), part(-1, "class"), part(1, "class")] for name in ("form", "s3", "shape")]
    capitals = 2 * sum(word[:64].isupper() for word in words) > len(words)
    features.append([part(0, "shape"), (at == 0) + 2 * capitals])
    hashes = []
    for number, parts in enumerate(features):
        value = (number + 1) * 0x9E3779B1 & _32
        for one in parts:
            value = (value ^ one) * 0x9E3779B1 & _32
            value ^= value >> 15
        hashes.append(value)
    return hashes


def _model(share: float = 0.5) -> TagRegression:
    """Weights for a part of the features of the sentences."""
    words, rng = _words(), np.random.default_rng(0)
    every = [hashed for sentence in SENTENCES for at in range(len(sentence)) for hashed in _definition(sentence, at)]
    features = np.unique(rng.choice(np.array(every, np.uint32), int(share * len(every)), replace=False))
    return TagRegression(features, rng.integers(-127, 128, (len(features), 3)).astype(np.int8), 0.01, words)


def test_features_are_those_of_the_definition() -> None:
    words = [word for sentence in SENTENCES for word in sentence]
    found = window_features(_words().keys(words), np.array([len(sentence) for sentence in SENTENCES]))
    wanted = [_definition(sentence, at) for sentence in SENTENCES for at in range(len(sentence))]
    assert found.shape == (len(words), FEATURES)
    np.testing.assert_array_equal(found, np.array(wanted, np.uint32))


def test_scores_are_sums_of_weights_and_do_not_depend_on_other_sentences() -> None:
    model = _model()
    weights = dict(zip(model.features.tolist(), model.codes.astype(int).tolist(), strict=True))
    together = model.scores(SENTENCES)
    for sentence, found in zip(SENTENCES, together, strict=True):
        assert found.shape == (len(sentence), 3) and found.dtype == np.float32
        for at, own in enumerate(found):
            sums = np.sum([weights.get(hashed, [0, 0, 0]) for hashed in _definition(sentence, at)], axis=0)
            np.testing.assert_array_equal(own, sums.astype(np.float32) * np.float32(0.01))
        np.testing.assert_array_equal(found, _model().scores([sentence])[0])
    assert model.scores([]) == []


def test_keys_of_words_are_kept_and_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("elman.models.tag_regression._KEPT", 3)
    words = _words()
    for text in ("the cat sat", "now the end", "a b c d e", "the cat"):
        np.testing.assert_array_equal(words.keys(text.split()), _words().keys(text.split()))


def test_rows_of_features() -> None:
    features = np.array([0, 5, 0xFFFFFFFF], np.uint32)
    assert rows_of(features, np.array([[0, 1], [5, 0xFFFFFFFF]], np.uint32)).tolist() == [[0, 3], [1, 2]]
    assert rows_of(features[:0], np.array([0, 7], np.uint32)).tolist() == [0, 0]


def test_mixed_scores() -> None:
    (found,) = mixed_scores([np.array([[4.0, 0.0]])], [np.array([[0.0, 8.0]])], 0.25)
    assert found.tolist() == [[3.0, 2.0]]


def test_a_file_gives_the_same_scores_and_bad_ones_are_refused() -> None:
    model = _model()
    again = TagRegression.from_files({NGRAMS_FILE: model.to_bytes()}, tags=3)
    assert again is not None and again.digest == model.digest
    for one, other in zip(again.scores(SENTENCES), model.scores(SENTENCES), strict=True):
        np.testing.assert_array_equal(one, other)
    assert TagRegression.from_files({}, tags=3) is None
    falling = TagRegression(model.features[::-1].copy(), model.codes, 0.01, model.words)
    infinite = TagRegression(model.features, model.codes, np.inf, model.words)
    for data in (model.to_bytes()[:-7], b"", falling.to_bytes(), infinite.to_bytes()):
        with pytest.raises(FolderError, match=NGRAMS_FILE):
            TagRegression.from_files({NGRAMS_FILE: data}, tags=3)
    with pytest.raises(FolderError, match="does not fit"):
        TagRegression.from_files({NGRAMS_FILE: model.to_bytes()}, tags=4)
