"""A small byte model that gives the spelling cost of out-of-vocabulary words, for honest bits per
byte.

A word is its UTF-8 bytes and an end mark: 257 symbols. A trigram of them, interpolated after Witten
and Bell (1991, method C) with the bigram, the unigram and at last the uniform 1/257, gives every
string of bytes a probability above zero, and they sum to 1:

    P(b | c) = (count(c, b) + kinds(c) * P(b | shorter c)) / (count(c) + kinds(c))

where kinds(c) is the number of different symbols seen after c.
"""

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from elman.errors import FolderError
from elman.text.text_cache import TextCache

_END = 256
_SYMBOLS = 257
# The two positions before a word's first byte hold a start mark, which is never spelled.
_START = 257
_BEFORE = 258
_KEYS = _BEFORE * _BEFORE * _SYMBOLS
_CHUNK_BYTES = 1 << 20
_MOST_KEPT, _LONGEST_KEPT = 1 << 14, 64
"""Words whose cost is kept, and the characters of the longest."""


class Speller:
    """Spells words in bytes; fitted on the out-of-vocabulary words of the training text.

    >>> round(Speller.fit({}).nats("a") / math.log(257), 6)
    2.0
    >>> speller = Speller.fit({" Zoe": 3, " Zoran": 2})
    >>> speller.nats(" Zora") < speller.nats(" Arzo")
    True
    """

    def __init__(self, keys: NDArray[np.int64], counts: NDArray[np.int64]) -> None:
        """``keys[K]``: distinct trigrams in rising order, ``(before * 258 + last) * 257 + symbol``;
        ``counts[K]``.
        """
        self._keys, self._counts = keys, counts
        self._costs: TextCache[float] = TextCache(most=_MOST_KEPT)
        contexts, symbols = np.divmod(keys, _SYMBOLS)
        pairs = np.zeros((_BEFORE, _SYMBOLS))
        np.add.at(pairs, (contexts % _BEFORE, symbols), counts)
        uniform = np.full(_SYMBOLS, 1 / _SYMBOLS)
        self._bigram = _witten_bell(pairs, shorter=_witten_bell(pairs.sum(axis=0), shorter=uniform))

        self._contexts, context_index, kinds = np.unique(contexts, return_inverse=True, return_counts=True)
        weights = np.bincount(context_index, weights=counts, minlength=len(kinds)) + kinds
        self._left_over = kinds / weights
        self._seen = counts / weights[context_index]

    @classmethod
    def fit(cls, words: Mapping[str, int]) -> "Speller":
        """Learn from words and their counts (1 or more); no words are allowed too.

        Memory grows with the distinct byte trigrams, not the words.
        """
        keys = counts = np.empty(0, dtype=np.int64)
        for chunk, times in _chunks(words):
            new = _keys(chunk)
            lengths = np.array([len(word) + 1 for word in chunk])
            keys, key_index = np.unique(np.concatenate([keys, new]), return_inverse=True)
            both = np.concatenate([counts, np.repeat(np.array(times, dtype=np.int64), lengths)])
            counts = np.zeros(len(keys), dtype=np.int64)
            np.add.at(counts, key_index, both)
        return cls(keys, counts)

    def nats(self, word: str | bytes) -> float:
        """Minus the natural log-probability of a word's UTF-8 bytes and the end mark; always
        finite.
        """
        if len(word) > _LONGEST_KEPT:
            return self._cost(word)
        return self._costs.get(_utf8(word), lambda: self._cost(word))

    def _cost(self, word: str | bytes) -> float:
        keys = _keys([_utf8(word)])
        contexts, symbols = np.divmod(keys, _SYMBOLS)
        known, at = _find(contexts, self._contexts)
        left_over = np.where(known, self._left_over[at], 1.0) if len(self._contexts) else 1.0
        probability = left_over * self._bigram[contexts % _BEFORE, symbols]
        known, at = _find(keys, self._keys)
        probability[known] += self._seen[at[known]]
        return -math.fsum(np.log(probability))

    def to_bytes(self) -> bytes:
        """The content of a safetensors file; the same counts always give the same bytes."""
        from safetensors.numpy import save

        return save({"keys": self._keys.astype(np.uint32), "counts": self._counts})

    @classmethod
    def from_bytes(cls, data: bytes) -> "Speller":
        """Read ``to_bytes`` back.

        Raises:
            FolderError: the bytes are damaged or not a speller.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load

        try:
            arrays = load(data)
        except (SafetensorError, KeyError) as error:
            # A KeyError is a number type that NumPy does not have.
            raise _damaged(str(error).splitlines()[0]) from None
        if set(arrays) != {"keys", "counts"}:
            raise _damaged("it does not hold keys and counts")
        keys, counts = arrays["keys"], arrays["counts"]
        if keys.dtype != np.uint32 or counts.dtype != np.int64 or keys.ndim != 1 or keys.shape != counts.shape:
            raise _damaged("keys and counts are not two rows of whole numbers")
        keys = keys.astype(np.int64)
        if len(keys) and (keys[-1] >= _KEYS or (np.diff(keys) <= 0).any()):
            raise _damaged("keys are not byte trigrams in rising order")
        if len(keys) and not 1 <= counts.min() <= counts.max() <= _LARGEST:
            raise _damaged("a count is out of range")
        return cls(keys, counts)


# Up to here a count is exact as a float.
_LARGEST = 1 << 53


def _witten_bell(counts: NDArray[np.float64], *, shorter: NDArray[np.float64]) -> NDArray[np.float64]:
    """The distribution over symbols (last axis) after each context; unseen contexts use the shorter
    one's.
    """
    kinds = np.maximum((counts > 0).sum(axis=-1, keepdims=True), counts.sum(axis=-1, keepdims=True) == 0)
    return (counts + kinds * shorter) / (counts.sum(axis=-1, keepdims=True) + kinds)


def _chunks(words: Mapping[str, int]) -> Iterator[tuple[list[bytes], list[int]]]:
    chunk: list[bytes] = []
    times: list[int] = []
    size = 0
    for word, count in words.items():
        assert count > 0, f"{word!r} is said to occur {count} times"
        chunk.append(_utf8(word))
        times.append(count)
        size += len(chunk[-1])
        if size > _CHUNK_BYTES:
            yield chunk, times
            chunk, times, size = [], [], 0
    if chunk:
        yield chunk, times


def _keys(words: Sequence[bytes]) -> NDArray[np.int64]:
    """The trigrams of words, each word's end mark included, one after the other."""
    starts = np.cumsum([0, *(len(word) + 3 for word in words)])
    line = np.full(starts[-1], _START, dtype=np.int64)
    spelled = np.ones(len(line), dtype=bool)
    spelled[starts[:-1]] = spelled[starts[:-1] + 1] = False
    line[starts[1:] - 1] = _END
    inner = spelled.copy()
    inner[starts[1:] - 1] = False
    line[inner] = np.frombuffer(b"".join(words), dtype=np.uint8)
    at = np.flatnonzero(spelled)
    return (line[at - 2] * _BEFORE + line[at - 1]) * _SYMBOLS + line[at]


def _find(wanted: NDArray[np.int64], rising: NDArray[np.int64]) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    if not len(rising):
        return np.zeros(len(wanted), dtype=bool), np.zeros(len(wanted), dtype=np.int64)
    at = np.minimum(np.searchsorted(rising, wanted), len(rising) - 1)
    return rising[at] == wanted, at


def _utf8(word: str | bytes) -> bytes:
    # Lone surrogates are not text, but their cost must be finite too.
    return word if isinstance(word, bytes) else word.encode("utf-8", errors="surrogatepass")


def _damaged(why: str) -> FolderError:
    return FolderError(f"the speller is damaged ({why}); copy the model folder again, or train anew")
