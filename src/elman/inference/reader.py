"""InferenceReader: a reader's network computed by the engine, without torch, in 8 bits or float32.

The scores of a passage do not depend on the others that are read with it, their order or the
padding.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.padding import longest_first, pad
from elman.inference import functions as f
from elman.inference import pooling
from elman.inference.answer_spans import Scores
from elman.inference.engine import PATIENCE
from elman.inference.engine_network import Arrays, EngineNetwork, EngineNetworkConfig
from elman.inference.reader_program import reader_program
from elman.inference.stack import check_states
from elman.inference.subword_table import SubwordTable
from elman.inference.tagger import WordTable
from elman.models.reader_config import ReaderConfig
from elman.models.reader_features import FEATURES, match_features
from elman.models.stack_config import check_size
from elman.models.word_features import WordFeatures

_WORDS = 1 << 13
"""Most words of passages read at a time, padding included."""

Pair = tuple[Sequence[str], Sequence[str]]
"""The words of a question and of a passage."""
Rows = list[NDArray[np.int64]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class InferenceReaderConfig(EngineNetworkConfig):
    """The configuration of an ``InferenceReader``."""

    vocab_size: int
    """Word ids (V)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_size("vocab_size", self.vocab_size)


class InferenceReader(EngineNetwork):
    """A reader's network: from questions and passages to scores of first and last words.

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
        self, arrays: Arrays, config: InferenceReaderConfig, features: WordFeatures, *, patience: int = PATIENCE
    ) -> None:
        self.config, self.features = config, features
        self.shape = ReaderConfig.from_json(config.network)
        check_states(self.shape)
        super().__init__(arrays, config, reader_program(self.shape, config.vocab_size), patience=patience)
        self._subwords = SubwordTable(
            arrays, self.shape.buckets, self.shape.subword_size, is_8_bit="subwords" in config.int8
        )
        self._table = WordTable(self._word_vectors)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """The weights that are needed."""
        return {**super().to_arrays(), **self._subwords.to_arrays()}

    def scores(self, pairs: Sequence[Pair]) -> list[Scores]:
        """The scores of the first and of the last word of an answer in each passage of T words
        ``[1 + T]``.

        Place 0 is "no answer": minus infinity if training has an answer to every question.
        """
        found: list[Scores] = [(_NO_SCORES, _NO_SCORES)] * len(pairs)
        counts = np.array([1 + len(passage) for _, passage in pairs], np.int64)
        for rows in longest_first(counts, lambda longest: max(_WORDS // longest, 1)):
            some = rows.tolist()
            for number, scores in zip(some, self._together([pairs[number] for number in some]), strict=True):
                found[number] = scores
        return found

    def _together(self, pairs: Sequence[Pair]) -> Iterator[Scores]:
        """Passages that are read side by side, the longest first."""
        table, flat = self._table.look_up([word for pair in pairs for words in pair for word in words])
        edges = np.cumsum([len(words) for pair in pairs for words in pair])[:-1]
        texts: Rows = [np.concatenate([[0], own]) for own in np.split(flat, edges)]  # each begins with `<s>`
        asked, read = texts[::2], texts[1::2]
        queries = self._queries(asked, table)
        numbers, counts = pad(list(_numbered(read)), fill=0)
        words = np.concatenate(read)
        given = {"vector": table["vector"][words], "aligned": self._aligned(asked, read, table)}
        given["features"] = np.concatenate([part for pair in pairs for part in (_NOTHING, match_features(*pair))])
        names = [f"passage.{direction}" for direction in self.shape.directions]
        made = dict(zip(names, self._engines["passage"].run({}, given, names), strict=True))
        tokens = self.both_ways(numbers, counts, name="passage.", tables=("hoisted", made))
        each = [f.total(tokens * vectors[:, None, :]) for vectors in queries]
        for row, count in enumerate(counts.tolist()):
            first, last = (np.array(scores[row, :count]) for scores in each)
            if not self.shape.unanswerable:
                first[0] = last[0] = -np.inf
            yield first, last

    def _queries(self, asked: Rows, table: Mapping[str, NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        """For each question what first words and what last words are multiplied with ``[B, D]``."""
        order = np.argsort([-len(rows) for rows in asked], kind="stable")
        read, counts = pad([asked[number] for number in order.tolist()], fill=0)
        tokens = self.both_ways(read, counts, name="question.", tables=("hoisted", table))
        real = np.arange(tokens.shape[1]) < counts[:, None]
        scores = np.zeros(tokens.shape[:2], np.float32)
        scores[real] = self._engines["attention"].run({}, {"token": tokens[real]}, ["score"])[0][:, 0]
        vectors = np.empty((len(asked), tokens.shape[2]), np.float32)
        vectors[order] = pooling.weighted(tokens, counts, scores)
        return self._engines["query"].run({}, {"question": vectors}, ["first", "last"])

    def _aligned(self, asked: Rows, read: Rows, table: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
        """For each word of the passages the mean of its question's words, weighted by likeness
        ``[N, X]``."""
        from elman.inference.attention_kernels import attend  # brings numba along

        lengths = np.array(list(map(len, asked)), np.int64)
        words, own = np.concatenate(read), np.concatenate(asked)
        weights = np.zeros((len(words), int(lengths.max())), np.float32)
        contexts = np.empty((len(words), self.shape.word_size), np.float32)
        which = np.repeat(np.arange(len(read)), list(map(len, read)))
        starts, nothing = np.concatenate([[0], np.cumsum(lengths)]), np.zeros(0, np.float32)
        attend(
            table["key"][words], which, table["key"][own], table["vector"][own], starts, nothing, weights, contexts
        )  # fmt: skip
        return contexts

    def _word_vectors(self, words: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """What follows from each word alone; that of `<s>` without any words."""
        ids = self.features.ids(words) if words else np.array([self.config.vocab_size])
        subwords = np.zeros((1, self.shape.subword_size), np.float32)
        if words:
            subwords = self._subwords.vectors(*self.features.pieces(words))
        names = ["vector", "key", *(f"question.{direction}" for direction in self.shape.directions)]
        return dict(zip(names, self._engines["words"].run({"word": ids}, {"subwords": subwords}, names), strict=True))


_NO_SCORES = np.zeros(0, np.float32)
_NOTHING = np.zeros((1, FEATURES), np.float32)
"""The features of `<s>`."""


def _numbered(rows: Rows) -> Iterator[NDArray[np.int64]]:
    """The place of each word among the words of all rows."""
    start = 0
    for own in rows:
        yield np.arange(start, start + len(own))
        start += len(own)


def inference_reader(
    arrays: Arrays, config: ReaderConfig, features: WordFeatures, *, int8: Iterable[str], patience: int = PATIENCE
) -> InferenceReader:
    """The reader of a network's own weights, those of the groups ``int8`` in 8 bits."""
    settings = InferenceReaderConfig(network=config.to_json(), vocab_size=features.size, int8=sorted(int8))
    return InferenceReader(arrays, settings, features, patience=patience)
