"""InferenceTagger: a tagger's network computed by the engine, without torch, in 8 bits or float32.

A sentence's scores do not depend on the other sentences, their order or the padding. What follows
from a word alone is computed once and kept (``WordTable``); with language models everything depends
on the sentence.
"""

import dataclasses
import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.data.padding import longest_first, pad
from elman.inference.encoder import InferenceEncoder, InferenceEncoderConfig
from elman.inference.engine import PATIENCE
from elman.inference.engine_network import Arrays, EngineNetwork, EngineNetworkConfig
from elman.inference.stack import check_states
from elman.inference.subword_table import SubwordTable
from elman.inference.tagger_program import tagger_program
from elman.inference.weights import checked_weights
from elman.models.encoder_config import EncoderConfig
from elman.models.stack_config import check_size
from elman.models.tagger_config import LETTERS, TaggerConfig
from elman.models.word_features import WordFeatures

_ROWS = 256
"""Sentences read at a time, of similar length."""
_WORDS = 1 << 16
"""Most words of these, padding included."""
_KEPT = 1 << 24
"""Most numbers kept of words that were read, 64 MB."""
_INSIDE = "subwords."

Scores = NDArray[np.float32]


@dataclasses.dataclass(frozen=True, kw_only=True)
class InferenceTaggerConfig(EngineNetworkConfig):
    """The configuration of an ``InferenceTagger``."""

    vocab_size: int
    """Word ids (V)."""
    outputs: int
    """Tags (K)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_size("vocab_size", self.vocab_size)
        check_size("outputs", self.outputs)


class InferenceTagger(EngineNetwork):
    """A tagger's network: from words to a score per tag for each.

    Args:
        arrays: the weights by name; for 8-bit matrices, codes and scales are enough
            (``to_arrays``).
        features: what is read of a word.
        patience: see ``Engine``.

    Raises:
        FolderError: the weights do not fit the configuration.
        UsageError: the network's configuration is invalid.
    """

    def __init__(
        self, arrays: Arrays, config: InferenceTaggerConfig, features: WordFeatures, *, patience: int = PATIENCE
    ) -> None:
        self.config, self.features = config, features
        self.shape = TaggerConfig.from_json(config.network)
        check_states(self.shape)
        program = tagger_program(self.shape, config.vocab_size, config.outputs)
        super().__init__(arrays, config, program, patience=patience)
        self._subwords = _subwords_of(arrays, self.shape, is_8_bit="subwords" in config.int8)
        self.crf = {
            name: checked_weights(arrays, name, shape)
            for name, shape in _crf_shapes(self.shape, config.outputs).items()
        }
        """The scores of a CRF by name; empty with a softmax."""
        self._table = WordTable(self._word_vectors)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """The weights that are needed."""
        return {**super().to_arrays(), **(self._subwords.to_arrays() if self._subwords else {}), **self.crf}

    def scores(
        self, sentences: Sequence[Sequence[str]], contexts: Sequence[NDArray[np.float32]] | None = None
    ) -> list[Scores]:
        """The scores of the tags of each word, ``[T, K]`` for each sentence of T words.

        A softmax's probabilities are those of its scores; a CRF adds those of neighbouring tags.

        Args:
            contexts: what language models give for the words of each sentence ``[T, F]``, if the
                tagger has any.
        """
        assert (contexts is None) == (not self.shape.language_size), "language models are missing, or too many"
        found: list[Scores] = [np.zeros((0, self.config.outputs), np.float32)] * len(sentences)
        counts = np.fromiter(map(len, sentences), np.int64, len(sentences))
        full = np.flatnonzero(counts)
        for some in longest_first(counts[full], lambda longest: min(max(_WORDS // (longest + 1), 1), _ROWS)):
            numbers: list[int] = full[some].tolist()
            given = None if contexts is None else np.concatenate([contexts[n] for n in numbers])
            for number, scores in zip(numbers, self._together([sentences[n] for n in numbers], given), strict=True):
                found[number] = scores
        return found

    def _together(self, sentences: Sequence[Sequence[str]], contexts: NDArray[np.float32] | None) -> Iterator[Scores]:
        """Sentences that are read side by side, the longest first."""
        every = [word for words in sentences for word in words]
        if contexts is None:
            table, rows = self._table.look_up(every)
        else:
            table, rows = self._in_context(every, contexts), np.arange(1, len(every) + 1)
        edges = np.cumsum([len(words) for words in sentences])[:-1]
        read, counts = pad([np.concatenate([[0], own]) for own in np.split(rows, edges)], fill=0)
        real = np.arange(read.shape[1]) < counts[:, None]
        real[:, 0] = False  # `<s>` has no tag
        tokens = self.both_ways(read, counts, tables=("hoisted", table))[real]
        scores = self._engines["output"].run({}, {"tokens": tokens}, ["scores"])[0] if len(tokens) else tokens
        yield from np.split(np.array(scores).reshape(len(tokens), -1), edges)

    def _in_context(self, words: Sequence[str], contexts: NDArray[np.float32]) -> dict[str, Scores]:
        """What each direction needs of each word; the first row is that of `<s>`."""
        numbers: dict[str, int] = {}
        which = np.array([0] + [numbers.setdefault(word, len(numbers) + 1) for word in words], np.int64)
        different = list(numbers)
        ids = np.append(self.config.vocab_size, self.features.ids(different))[which]
        given = {"context": np.concatenate([np.zeros((1, contexts.shape[1]), np.float32), contexts])}
        if self._subwords:
            vectors = self._subwords.vectors(*self.features.pieces(different))
            given["subwords"] = np.concatenate([np.zeros((1, vectors.shape[1]), np.float32), vectors])[which]
        names = list(self.shape.directions)
        return dict(zip(names, self._engines["words"].run({"word": ids}, given, names), strict=True))

    def _word_vectors(self, words: Sequence[str]) -> dict[str, Scores]:
        """What each direction needs of each word; of `<s>` without any words."""
        ids = self.features.ids(words) if words else np.array([self.config.vocab_size])
        starts, buckets = self.features.pieces(words or [""])
        if not words:
            starts, buckets = np.zeros(2, np.int64), buckets[:0]
        given = {"subwords": self._subwords.vectors(starts, buckets)} if self._subwords else {}
        if not words and self._subwords:
            given = {"subwords": np.zeros((1, self.shape.character_size), np.float32)}
        names = list(self.shape.directions)
        return dict(zip(names, self._engines["words"].run({"word": ids}, given, names), strict=True))


class _Kept(NamedTuple):
    """Vectors of words, by name ``[rows, ..]``, and each word's row; row 0 is `<s>`."""

    vectors: dict[str, Scores]
    rows: dict[str, int]


class WordTable:
    """Vectors that follow from a word alone, computed once for each word that is seen.

    Args:
        compute: from different words to vectors by name ``[U, ..]``; from no words to those of
            `<s>`.
        kept: most numbers that are kept; then the table is begun anew.
    """

    def __init__(self, compute: Any, *, kept: int = _KEPT) -> None:
        self._compute, self._most = compute, kept
        self._lock = threading.Lock()
        self._kept: _Kept | None = None

    def look_up(self, words: Sequence[str]) -> tuple[dict[str, Scores], NDArray[np.int64]]:
        """Vectors by name, and the row of each word in them.

        The arrays may grow or be replaced in later calls; those returned stay as they are.
        """
        with self._lock:
            kept = self._kept
            if kept is not None and sum(vectors.size for vectors in kept.vectors.values()) > self._most:
                kept = None
            if kept is None:
                kept = _Kept({name: np.array(vector) for name, vector in self._compute([]).items()}, {})
            rows = kept.rows
            new = list(dict.fromkeys(word for word in words if word not in rows))
            if new:
                more = self._compute(new)
                start = len(rows) + 1
                kept = _Kept({name: _extended(old, start, more[name]) for name, old in kept.vectors.items()}, rows)
                rows.update(zip(new, range(start, start + len(new)), strict=True))
            self._kept = kept
            return kept.vectors, np.fromiter(map(rows.__getitem__, words), np.int64, len(words))


def _extended(old: Scores, start: int, more: Scores) -> Scores:
    """``old`` with ``more`` from row ``start`` on, in place if there is room, else in an array
    twice as large."""
    stop = start + len(more)
    if stop > len(old):
        larger = np.empty((max(stop, 2 * len(old)), old.shape[1]), np.float32)
        larger[:start] = old[:start]
        old = larger
    old[start:stop] = more
    return old


class _CharacterReader:
    """A network over a word's characters."""

    def __init__(self, arrays: Arrays, config: EncoderConfig, *, is_8_bit: bool) -> None:
        own = {name.removeprefix(_INSIDE): array for name, array in arrays.items() if name.startswith(_INSIDE)}
        groups = ["embedding", *(f"{side}.layers.0" for side in config.directions)] if is_8_bit else []
        settings = InferenceEncoderConfig(network=config.to_json(), vocab_size=LETTERS, outputs=0, int8=groups)
        self._encoder = InferenceEncoder(own, settings)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        return {_INSIDE + name: array for name, array in self._encoder.to_arrays().items()}

    def vectors(self, starts: NDArray[np.int64], letters: NDArray[np.int64]) -> Scores:
        """The vectors ``[U, S]`` of words with ``starts[U + 1]`` into ``letters``."""
        return self._encoder.pooled(np.split(letters, starts[1:-1]))


def _subwords_of(arrays: Arrays, shape: TaggerConfig, *, is_8_bit: bool) -> "_CharacterReader | SubwordTable | None":
    if shape.character_encoder is not None:
        return _CharacterReader(arrays, shape.character_encoder, is_8_bit=is_8_bit)
    if not shape.character_size:
        return None
    return SubwordTable(arrays, shape.buckets, shape.character_size, is_8_bit=is_8_bit)


def _crf_shapes(shape: TaggerConfig, outputs: int) -> dict[str, tuple[int, ...]]:
    if not shape.crf:
        return {}
    return {"crf.transitions": (outputs, outputs), "crf.begin": (outputs,), "crf.end": (outputs,)}


def inference_tagger(
    arrays: Arrays,
    config: TaggerConfig,
    features: WordFeatures,
    *,
    outputs: int,
    int8: Iterable[str],
    patience: int = PATIENCE,
) -> InferenceTagger:
    """The tagger of a network's own weights, those of the groups ``int8`` in 8 bits."""
    settings = InferenceTaggerConfig(
        network=config.to_json(), vocab_size=features.size, outputs=outputs, int8=sorted(int8)
    )
    return InferenceTagger(arrays, settings, features, patience=patience)
