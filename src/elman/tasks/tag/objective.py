"""Tagging as the training loop sees it: buckets of sentences, and the task's figure on the
validation part."""

import math
from collections.abc import Generator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from elman.data.padding import by_length
from elman.inference.linear_chain import LinearChain
from elman.metrics.span_schemes import OUTSIDE, spans
from elman.metrics.spans import SpanTally
from elman.models.sentence_batch import SentenceBatch
from elman.models.tagger import TaggerDrops, TaggerNetwork
from elman.models.tagger_config import TaggerConfig
from elman.models.word_features import word_drops
from elman.tasks.tag.outside import OutsideBias, Scores, fit_outside_bias
from elman.tasks.tag.plan import TagPlan
from elman.tasks.tag.sentences import EncodedSentences
from elman.training.example_objective import ExampleObjective
from elman.training.objective import Arrays, Validation
from elman.training.processes import ALONE, Processes

_TIE = 1e-6
"""The most that a lower loss adds: less than one word in a million."""
_VALID_ROWS = 128


class TagObjective(ExampleObjective):
    """The objective of a tagger.

    Args:
        vocab: word ids (V).
        names: the tags, by id.
        counts: how often training has each word id ``[V]``.
        tag_counts: how often it has each tag ``[K]``.
        allowed: which tag may follow which (``nn.crf.Crf``).
        pretrained: whether embeddings began as word vectors.
    """

    plan: TagPlan
    unit = "words"

    def __init__(
        self,
        config: TaggerConfig,
        plan: TagPlan,
        *,
        vocab: int,
        names: tuple[str, ...],
        counts: NDArray[np.int64],
        tag_counts: NDArray[np.int64],
        allowed: NDArray[np.bool_] | None,
        train: EncodedSentences,
        valid: EncodedSentences,
        start: Arrays | None = None,
        pretrained: bool = False,
    ) -> None:
        super().__init__(plan, train.lengths, start)
        self.config, self.vocab, self.names = config, vocab, names
        self.train, self.valid = train, valid
        self._counts, self._tag_counts = counts, tag_counts
        self._allowed, self._pretrained = allowed, pretrained
        self._nats = 0.0

    def new_network(self) -> TaggerNetwork:
        plan = self.plan
        drops = TaggerDrops(
            **plan.drops,
            output=plan.output_dropout,
            subwords=plan.subword_dropout,
            words=word_drops(self._counts, plan.word_dropout),
        )
        weights = tag_weights(self._tag_counts, plan.class_weights)
        return TaggerNetwork(
            self.config, self.vocab, len(self.names), drops=drops, allowed=self._allowed, tag_weights=weights
        )

    def examples(self, rows: NDArray[np.int64]) -> SentenceBatch:
        return self.train.batch(rows)

    def is_frozen(self, name: str, update: int) -> bool:
        return self._pretrained and name == "embedding.weight" and update < self.plan.frozen * self.plan.updates

    def validate(self, network: nn.Module, processes: Processes = ALONE) -> Generator[float, None, float]:
        """Accuracy on the validation part, or F1 of the spans where tags mark spans, as a share.

        F1 is that with the constant for ``O`` that will be fitted after the training: without one
        it says how readily a network finds spans at all, which jumps from one validation to the
        next.

        Shares are often equal on a small part; then the one with the lower loss is a little
        greater.
        """
        assert isinstance(network, TaggerNetwork)
        scores = yield from network_scores(network, self.valid, processes)
        chain = chain_of(network.to_arrays() if network.crf else {}, len(self.names), self._allowed)
        self._nats = mean_nats(chain, scores, self.valid.tags)
        found = outside_bias(chain, scores, self.valid.tags, self.names, self.config.scheme, step=2)
        return found.figure + _TIE * math.exp(-self._nats)

    def describe_validation(self, figure: float) -> Validation:
        name = "accuracy" if self.config.scheme is None else "F1 of spans"
        log = {"valid_nats": self._nats, f"valid_{name.replace(' ', '_')}": round(figure, 5)}
        return Validation(log, f"{name} {100 * figure:.2f}%, {self._nats:.4f} nats", f"{name} {100 * figure:.1f}%")


def network_scores(
    network: TaggerNetwork, part: EncodedSentences, processes: Processes = ALONE
) -> Generator[float, None, list[NDArray[np.float32]]]:
    """The scores of all words' tags, ``[T, K]`` for each sentence, by torch in processes that make
    the same call; yields the share that is done."""

    def emissions(some: NDArray[np.int64]) -> NDArray[np.float32]:
        return network.emissions(part.batch(some)).float().cpu().numpy()

    lengths = part.lengths
    batches = by_length(lengths, _VALID_ROWS)
    found = yield from processes.each(emissions, batches)
    scores = [np.zeros((0, network.outputs), np.float32)] * len(lengths)
    for some, rows in zip(batches, found, strict=True):
        for number, row in zip(some.tolist(), rows, strict=True):
            scores[number] = row[: lengths[number]]
    return scores


def chain_of(arrays: Any, tags: int, allowed: NDArray[np.bool_] | None) -> LinearChain:
    """The chain of a CRF's arrays; without them, that of a softmax."""
    scores = {name: arrays.get(f"crf.{name}") for name in ("transitions", "begin", "end")}
    return LinearChain(tags, allowed=allowed, **scores)


def mean_nats(chain: LinearChain, scores: Sequence[NDArray[np.floating]], tags: Sequence[NDArray[np.int64]]) -> float:
    """The mean of minus the log-probability of each word's own tag; tags that training does not
    have are left out."""
    chances = [
        probabilities[np.arange(len(own)), own][own >= 0]
        for probabilities, own in zip(chain.marginals(scores), tags, strict=True)
    ]
    every = np.concatenate([np.zeros(0), *chances])
    return float(-np.log(np.maximum(every, np.finfo(np.float64).tiny)).mean()) if len(every) else 0.0


def share_of(
    found: Sequence[NDArray[np.int64]], tags: Sequence[NDArray[np.int64]], names: tuple[str, ...], scheme: str | None
) -> float:
    """Accuracy, or F1 of spans."""
    if scheme is None:
        right = sum(int((one == own).sum()) for one, own in zip(found, tags, strict=True))
        return right / max(sum(map(len, tags)), 1)
    # No answer is right where training does not have the tag.
    true = [spans(["O" if tag < 0 else names[tag] for tag in own], scheme) for own in tags]
    mine = [spans([names[tag] for tag in own], scheme) for own in found]
    return float(SpanTally.count_spans(true, mine).summed(np.ones(len(true), np.int64)).micro_f1)


def outside_bias(
    chain: LinearChain,
    scores: Scores,
    tags: Sequence[NDArray[np.int64]],
    names: tuple[str, ...],
    scheme: str | None,
    *,
    step: int = 1,
) -> OutsideBias:
    """The constant for ``O`` that is best on the validation part, and the accuracy or F1 with it; 0
    where tags mark words. ``step`` is that of ``fit_outside_bias``."""

    def share(some: Scores) -> float:
        return share_of(chain.best(some), tags[: len(some)], names, scheme)

    if scheme is None or OUTSIDE not in names:
        return OutsideBias(0.0, share(scores))
    return fit_outside_bias(scores, names.index(OUTSIDE), share, step=step)


def tag_weights(counts: NDArray[np.int64], how: str) -> NDArray[np.float32] | None:
    """The weight of the words of each tag, the inverse of its share; None if all count alike.

    >>> [f"{weight:.2f}" for weight in tag_weights(np.array([30, 10]), "balanced")]
    ['0.67', '2.00']
    """
    return None if how == "none" else (counts.sum() / (len(counts) * np.maximum(counts, 1))).astype(np.float32)
