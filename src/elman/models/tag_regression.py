"""TagRegression: logistic regression on a word and its neighbours, the linear part of a tagger.

Each word has the same number of features: its form, shape and affixes, those of its neighbours, and
pairs of them. A feature is a 32-bit hash of what it consists of, and those that training had more
than twice have a weight for each tag. Frequent words also have a class, the tags that training
gives them, so that features of neighbours are about tags too (Toutanova et al. 2003 use the tags
themselves). Weights are 8-bit codes, and sums of codes are exact: a word's numbers depend on its
sentence alone.
"""

import hashlib
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from elman.models.ngram_regression import mixed, stored_arrays
from elman.models.word_features import form_of, shape_of, without_digits

_LONGEST = 64
"""Characters that are read of a word."""
_AFFIX = 5
"""The longest affixes."""
_EXACT, _FORM, _SHAPE, _PREFIX, _SUFFIX, _CLASS, _CAPITALS = 0, 1, 2, 2, 2 + _AFFIX, 3 + 2 * _AFFIX, 4 + 2 * _AFFIX
"""Columns of a word's keys; an affix of n characters stands n columns behind its name's."""
_COLUMNS = _CAPITALS + 1
_BEFORE, _AFTER = 1, 2
"""Keys of what stands before and after a sentence."""
_MIX = np.uint32(0x9E3779B1)
_AT_ONCE = 1024
"""Words whose weights are looked up at a time."""
_KEPT = 1 << 18
"""Most words whose keys are kept."""

Keys = NDArray[np.uint32]
Part = tuple[int, int]


def _feature_parts() -> tuple[tuple[Part, ...], ...]:
    """What each feature consists of: pairs of a distance from the word and a column of keys."""
    here = [(_EXACT,), (_FORM,), (_SHAPE,), *((_PREFIX + size,) for size in range(1, _AFFIX + 1))]
    here += [(_SUFFIX + size,) for size in range(1, _AFFIX + 1)]
    found: list[tuple[Part, ...]] = [(), *(tuple((0, column) for column in columns) for columns in here)]
    found += [((away, _FORM),) for away in (-2, -1, 1, 2)]
    for away in (-1, 1):
        found += [((away, column),) for column in (_SHAPE, _SUFFIX + 3, _SUFFIX + 2, _CLASS)]
        found += [((0, column), (away, column)) for column in (_SUFFIX + 3, _FORM)]
        found += [((0, column), (away, _CLASS)) for column in (_FORM, _SUFFIX + 2)]
    for column in (_FORM, _CLASS):
        found += [((one, column), (other, column)) for one, other in ((-1, 1), (-2, -1), (1, 2))]
    found.append(((-1, _SUFFIX + 3), (1, _SUFFIX + 3)))
    found += [((0, column), (-1, _CLASS), (1, _CLASS)) for column in (_FORM, _SUFFIX + 3, _SHAPE)]
    return tuple(found)


_FEATURES = _feature_parts()
FEATURES = len(_FEATURES) + 1
"""Features of each word (M); the last one is where it stands and how the sentence is
capitalised."""


class WordKeys:
    """The keys of words ``[N, columns]``, which are kept once they are computed.

    Args:
        forms: keys of the forms that have a class, rising ``[F]``.
        classes: the key of each one's class ``[F]``.
    """

    def __init__(self, forms: Keys, classes: Keys) -> None:
        self.forms, self.classes = forms, classes
        self._kept: dict[str, Keys] = {}

    def keys(self, words: Sequence[str]) -> Keys:
        """The keys of words."""
        kept = self._kept
        new = [word for word in dict.fromkeys(words) if word not in kept]
        if new:
            rows = np.array([_keys_of(word) for word in new], np.uint32)
            places = np.minimum(np.searchsorted(self.forms, rows[:, _FORM]), max(len(self.forms) - 1, 0))
            if len(self.forms):
                known = self.forms[places] == rows[:, _FORM]
                rows[known, _CLASS] = self.classes[places[known]]
            if len(kept) + len(new) > _KEPT:
                # Begun anew, not cleared: another thread may be reading it.
                kept = {word: kept[word] for word in words if word in kept}
            kept.update(zip(new, rows, strict=True))
            self._kept = kept
        return np.array([kept[word] for word in words], np.uint32).reshape(len(words), _COLUMNS)


def _keys_of(word: str) -> list[int]:
    word = word[:_LONGEST]
    form, shape = form_of(word), shape_of(word)
    affixes = [form[:size] for size in range(1, _AFFIX + 1)] + [form[-size:] for size in range(1, _AFFIX + 1)]
    rare = f"\x01{shape[:2]}{form[-2:]}"
    texts = [word, without_digits(form), shape, *affixes, rare]
    return [*map(key_of, texts), int(word.isupper())]


def key_of(text: str) -> int:
    """The 32-bit hash of a text (CRC-32), the same everywhere."""
    return zlib.crc32(text.encode("utf-8", "surrogatepass"))


def window_features(keys: Keys, lengths: NDArray[np.int64]) -> NDArray[np.uint32]:
    """The M features of each of N words ``[N, M]``, as hashes.

    Args:
        keys: those of the words of all sentences, one after another.
        lengths: words of each sentence.
    """
    count = len(keys)
    ends = np.repeat(np.cumsum(lengths), lengths)
    starts = ends - np.repeat(lengths, lengths)
    borders = np.repeat(np.array([[_BEFORE], [_AFTER]], np.uint32), _COLUMNS, axis=1)
    columns = np.concatenate([keys, borders]).T
    places = np.arange(count)
    around = {
        away: np.where(places + away < starts, count, np.where(places + away >= ends, count + 1, places + away))
        for away in range(-2, 3)
    }
    hashes = np.empty((count, FEATURES), np.uint32)
    for number, parts in enumerate(_FEATURES):
        hashes[:, number] = _hashed(number, [columns[column][around[away]] for away, column in parts], count)
    capitals = np.bincount(np.repeat(np.arange(len(lengths)), lengths), keys[:, _CAPITALS], len(lengths))
    where = (places == starts) + 2 * np.repeat(2 * capitals > lengths, lengths)
    hashes[:, -1] = _hashed(FEATURES - 1, [columns[_SHAPE][:count], where.astype(np.uint32)], count)
    return hashes


def _hashed(number: int, parts: Sequence[Keys], count: int) -> Keys:
    found = np.full(count, number + 1, np.uint32) * _MIX
    for part in parts:
        found = (found ^ part) * _MIX
        found ^= found >> np.uint32(15)
    return found


class TagRegression:
    """A number for each tag of each word, linear in its features.

    Args:
        features: those with weights, as hashes, rising ``[F]``.
        codes: a number for each of them and each tag ``[F, K]``.
        scale: what one unit of these is worth.
        words: the keys of words.

    >>> empty = np.zeros(0, np.uint32)
    >>> words = WordKeys(empty, empty)
    >>> seen = np.unique(window_features(words.keys(["a", "word"]), np.array([2])))
    >>> model = TagRegression(seen, np.full((len(seen), 2), [0, 1], np.int8), 0.5, words)
    >>> (model.scores([["a", "word"]])[0] / FEATURES).tolist()
    [[0.0, 0.5], [0.0, 0.5]]
    """

    def __init__(self, features: Keys, codes: NDArray[np.int8], scale: float, words: WordKeys) -> None:
        self.features, self.codes, self.scale, self.words = features, codes, np.float32(scale), words
        self._codes = np.concatenate([codes, np.zeros((1, codes.shape[1]), np.int8)])

    def scores(self, sentences: Sequence[Sequence[str]]) -> list[NDArray[np.float32]]:
        """``[T, K]`` for each sentence of T words."""
        lengths = np.array([len(words) for words in sentences], np.int64)
        keys = self.words.keys([word for words in sentences for word in words])
        rows = rows_of(self.features, window_features(keys, lengths))
        found = np.empty((len(keys), self.codes.shape[1]), np.float32)
        for start in range(0, len(keys), _AT_ONCE):
            some = rows[start : start + _AT_ONCE]
            found[start : start + _AT_ONCE] = self._codes[some].sum(axis=1, dtype=np.int32)
        return np.split(found * self.scale, np.cumsum(lengths)[:-1]) if len(sentences) else []

    @property
    def digest(self) -> str:
        """Hex digest of the weights."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    def to_bytes(self) -> bytes:
        """Its file."""
        from safetensors.numpy import save

        arrays = {"features": self.features, "forms": self.words.forms, "classes": self.words.classes}
        return save({**arrays, "codes": self.codes, "scale": np.array([self.scale], np.float32)})

    @classmethod
    def from_files(cls, files: Mapping[str, bytes], *, tags: int) -> Self | None:
        """That of a model folder, if it has one.

        Raises:
            FolderError: the file is damaged or of another model.
        """
        arrays = stored_arrays(files, lambda arrays: _fit(arrays, tags))
        if arrays is None:
            return None
        words = WordKeys(arrays["forms"], arrays["classes"])
        return cls(arrays["features"], arrays["codes"], float(arrays["scale"][0]), words)


def rows_of(features: Keys, hashes: Keys) -> NDArray[np.int64]:
    """The row of each of ``hashes`` in ``features``, which rise; F for those that it does not have.

    >>> rows_of(np.array([3, 7], np.uint32), np.array([7, 5, 9], np.uint32)).tolist()
    [1, 2, 2]
    """
    places = np.searchsorted(features, hashes)
    found = np.append(features, np.uint32(0))[places] == hashes
    return np.where(found & (places < len(features)), places, len(features))


def mixed_scores(
    network: Sequence[NDArray[np.floating]], linear: Sequence[NDArray[np.floating]], share: float
) -> list[NDArray[np.float32]]:
    """The weighted mean of two models' scores of each sentence; ``share`` is the weight of the
    second."""
    return [mixed(one, other, share) for one, other in zip(network, linear, strict=True)]


def _fit(arrays: Mapping[str, NDArray[Any]], tags: int) -> bool:
    types = {"features": np.uint32, "codes": np.int8, "scale": np.float32, "forms": np.uint32, "classes": np.uint32}
    if {name: array.dtype for name, array in arrays.items()} != types:
        return False
    features, forms = arrays["features"], arrays["forms"]
    shapes = {"features": (features.size,), "codes": (features.size, tags), "scale": (1,)}
    shapes |= {"forms": (forms.size,), "classes": (forms.size,)}
    return (
        all(arrays[name].shape == shape for name, shape in shapes.items())
        and all(bool((part[1:] > part[:-1]).all()) for part in (features, forms))
        and bool(np.isfinite(arrays["scale"]).all())
    )
