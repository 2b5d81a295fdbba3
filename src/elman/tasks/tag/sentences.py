"""Tagged sentences as numbers: what the network reads, and what it should answer."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.data.labels import LabelSet
from elman.data.padding import pad
from elman.data.tagged import TaggedSentence
from elman.models.sentence_batch import SentenceBatch
from elman.models.word_features import WordFeatures

UNKNOWN = -1
"""The id of a tag that training does not have: no answer is right."""


class EncodedSentences(NamedTuple):
    """N sentences, and the different words in them."""

    sentences: Sequence[TaggedSentence]
    words: list[NDArray[np.int64]]
    """Which of the different words each one is."""
    tags: list[NDArray[np.int64]]
    """The tag of each word, ``UNKNOWN`` for those that training does not have."""
    ids: NDArray[np.int64]
    """The id of each different word ``[U]``."""
    starts: NDArray[np.int64]
    """Where its n-grams begin ``[U + 1]``."""
    buckets: NDArray[np.int64]
    """The n-grams of all of them."""
    contexts: NDArray[np.float32] | None = None
    """What language models give for each word, one sentence after the other ``[N, F]``."""

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Words of each sentence ``[N]``."""
        return np.array([len(row) for row in self.words], np.int64)

    def split_contexts(self) -> list[NDArray[np.float32]] | None:
        """``contexts`` of each sentence."""
        return None if self.contexts is None else np.split(self.contexts, np.cumsum(self.lengths)[:-1])

    def batch(self, rows: NDArray[np.int64]) -> SentenceBatch:
        """The sentences of the given numbers, padded."""
        chosen = rows.tolist()
        first = next((int(self.words[row][0]) for row in chosen if len(self.words[row])), 0)
        words, lengths = pad([self.words[row] for row in chosen], fill=first)
        tags, _ = pad([self.tags[row] for row in chosen], fill=0)
        different, numbers = np.unique(words, return_inverse=True)
        sizes = self.starts[different + 1] - self.starts[different]
        starts = np.concatenate([[0], np.cumsum(sizes)])
        # Where the n-grams of the chosen words lie, one word after the other.
        places = np.arange(starts[-1]) + np.repeat(self.starts[different] - starts[:-1], sizes)
        return SentenceBatch(
            ids=self.ids[words],
            words=numbers.reshape(words.shape).astype(np.int64),
            lengths=lengths,
            starts=starts,
            buckets=self.buckets[places],
            tags=tags,
            contexts=self._contexts_of(rows, lengths, words.shape[1]),
        )

    def _contexts_of(
        self, rows: NDArray[np.int64], lengths: NDArray[np.int64], longest: int
    ) -> NDArray[np.float32] | None:
        if self.contexts is None:
            return None
        found = np.zeros((len(rows), longest, self.contexts.shape[1]), np.float32)
        ends = np.cumsum(self.lengths)
        for number, (row, length) in enumerate(zip(rows.tolist(), lengths.tolist(), strict=True)):
            found[number, :length] = self.contexts[ends[row] - length : ends[row]]
        return found


def encode_sentences(
    sentences: Sequence[TaggedSentence],
    *,
    features: WordFeatures,
    tags: LabelSet,
    contexts: NDArray[np.float32] | None = None,
) -> EncodedSentences:
    """Sentences as numbers.

    Args:
        contexts: what language models give for all words ``[N, F]``.
    """
    numbers: dict[str, int] = {}
    words = [
        np.array([numbers.setdefault(word, len(numbers)) for word in sentence.words], np.int64)
        for sentence in sentences
    ]
    ids = {name: number for number, name in enumerate(tags.names)}
    targets = [np.array([ids.get(tag, UNKNOWN) for tag in sentence.tags], np.int64) for sentence in sentences]
    different = list(numbers)
    return EncodedSentences(sentences, words, targets, features.ids(different), *features.pieces(different), contexts)


def hash_of(*parts: Iterable[TaggedSentence]) -> str:
    """16 hex digits that name the sentences of all parts, their order and their parts."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(b"\x02")
        for sentence in part:
            digest.update("\x00".join((*sentence.words, "\x03", *sentence.tags)).encode() + b"\x01")
    return digest.hexdigest()[:16]
