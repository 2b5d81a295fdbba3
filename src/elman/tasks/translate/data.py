"""The data of a translator: read and split; vocabularies are fitted on the training part only."""

import dataclasses
import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.padding import pad
from elman.data.pair_filters import filter_pairs, left_out
from elman.data.pairs import Pairs, hold_out_pairs, read_pairs
from elman.errors import TextError
from elman.models.pair_batch import PairBatch
from elman.models.translator_config import TranslatorSizes
from elman.progress import Progress
from elman.tasks.target_tokens import ended
from elman.tasks.translate.request import TranslateRequest
from elman.tasks.translate.vocabularies import Vocabularies
from elman.text.bpe_dropout import SampledSubwords
from elman.text.tokenizer import EOS_ID


@dataclasses.dataclass(frozen=True)
class TranslateData:
    """The parts of the data."""

    train: Pairs
    valid: Pairs
    test: Pairs

    @property
    def hash(self) -> str:
        """16 hex digits that identify all parts."""
        parts = "|".join(part.hash for part in (self.train, self.valid, self.test))
        return hashlib.sha256(parts.encode()).hexdigest()[:16]

    def about(self) -> dict[str, Any]:
        """For the model card."""
        parts = {"train": self.train, "valid": self.valid, **({"test": self.test} if len(self.test) else {})}
        return {"hash": self.hash, **{name: {"pairs": len(part), "hash": part.hash} for name, part in parts.items()}}


def read_data(request: TranslateRequest, progress: Progress) -> TranslateData:
    """Read the pairs for a training.

    Raises:
        TextError: anything wrong with the data.
    """
    train, valid, test = (
        read_pairs(sources, config=request.data, progress=progress) if sources else Pairs([], [])
        for sources in (request.sources, request.valid, request.test)
    )
    if not len(valid):
        train, valid = hold_out_pairs(train)
    count = len(train)
    train, reasons = filter_pairs(train, request.data)
    if reasons:
        progress.say(f"note: {left_out(count, reasons)}")
    if not len(train):
        raise TextError("no pair is left to train on; see the notes above, or change the filters")
    data = TranslateData(train, valid, test)
    counts = [f"{len(train):,} training pairs", f"{len(valid):,} to validate"]
    counts += [f"{len(test):,} to test"] if len(test) else []
    progress.say(f"{', '.join(counts)} (hash {data.hash})")
    return data


@dataclasses.dataclass(frozen=True)
class EncodedPairs:
    """Pairs as token ids, each text ended by `</s>`."""

    source: list[NDArray[np.int64]]
    target: list[NDArray[np.int64]]

    @classmethod
    def encode(cls, pairs: Pairs, vocabularies: Vocabularies) -> "EncodedPairs":
        """The tokens of pairs."""
        return cls(vocabularies.source_ids(pairs.source), ended(vocabularies.target.encode_lines(pairs.target)))

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens of both texts of each pair ``[N]``."""
        return np.array([len(one) + len(other) for one, other in zip(self.source, self.target, strict=True)], np.int64)

    def sources(self, rows: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        """The sources of some of the pairs."""
        return [self.source[row] for row in rows.tolist()]

    def batch(self, rows: NDArray[np.int64]) -> PairBatch:
        """Some of the pairs, by their numbers."""
        targets = [self.target[row] for row in rows.tolist()]
        return PairBatch(*pad(self.sources(rows), fill=EOS_ID), *pad(targets, fill=EOS_ID))


class SampledPairs:
    """Pairs of which all subwords are cut anew each time (``SampledSubwords``).

    Args:
        drop: share of the merges that are left out.
    """

    def __init__(self, pairs: Pairs, vocabularies: Vocabularies, *, drop: float, seed: int) -> None:
        self._vocabularies = vocabularies
        self._source = SampledSubwords(vocabularies.source, drop=drop, seed=seed)
        joint = vocabularies.source is vocabularies.target
        self._target = self._source if joint else SampledSubwords(vocabularies.target, drop=drop, seed=seed)
        self._words = self._source.words(pairs.source), self._target.words(pairs.target)

    def batch(self, rows: NDArray[np.int64], rng: np.random.Generator) -> PairBatch:
        """Some of the pairs, by their numbers."""
        sources, targets = self._words
        read = self._vocabularies.read
        return PairBatch(
            *pad([read(self._source.draw(sources[row], rng)) for row in rows.tolist()], fill=EOS_ID),
            *pad(ended([self._target.draw(targets[row], rng) for row in rows.tolist()]), fill=EOS_ID),
        )


def sizes_of(vocabularies: Vocabularies) -> TranslatorSizes:
    """The sizes of a network with these vocabularies."""
    return TranslatorSizes(vocabularies.source.size, vocabularies.target.size)
