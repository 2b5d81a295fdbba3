"""Reading as the training loop sees it: buckets of windows, and F1 on the validation part."""

import math
from collections.abc import Generator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from elman.data.padding import by_length
from elman.data.squad import SquadFile
from elman.evaluation.answer_threshold import AnswerThreshold, fit_threshold
from elman.inference.answer_spans import Scores, SpanChoice, best_span
from elman.metrics.answers import f1
from elman.models.reader import ReaderDrops, ReaderNetwork
from elman.models.reader_batch import ReaderBatch
from elman.models.reader_config import ReaderConfig
from elman.models.word_features import word_drops
from elman.tasks.answer.data import EncodedQuestions
from elman.tasks.answer.plan import AnswerPlan
from elman.tasks.answer.prediction import best_candidate
from elman.tasks.answer.recipe import MOST_EPOCHS
from elman.training.example_objective import ExampleObjective
from elman.training.objective import Arrays, Validation
from elman.training.processes import ALONE, Processes

_TIE = 1e-6
"""The most that a lower loss adds: less than one question in a million."""
_VALID_ROWS = 64
"""Windows of a batch of validation."""


class AnswerObjective(ExampleObjective):
    """The objective of a reader.

    Args:
        vocab: word ids (V).
        counts: how often training has each word id ``[V]``.
        valid, encoded: the validation part, and the same as numbers.
        pretrained: whether embeddings began as word vectors.
    """

    plan: AnswerPlan
    unit = "questions"
    most_epochs: float = MOST_EPOCHS

    def __init__(
        self,
        config: ReaderConfig,
        plan: AnswerPlan,
        *,
        vocab: int,
        counts: NDArray[np.int64],
        train: EncodedQuestions,
        valid: SquadFile,
        encoded: EncodedQuestions,
        start: Arrays | None = None,
        pretrained: bool = False,
    ) -> None:
        super().__init__(plan, train.lengths, start)
        self.config, self.vocab, self.train, self.valid, self.encoded = config, vocab, train, valid, encoded
        self._counts, self._pretrained, self._nats = counts, pretrained, 0.0

    def new_network(self) -> ReaderNetwork:
        plan = self.plan
        drops = ReaderDrops(
            **plan.drops,
            subwords=plan.subword_dropout,
            words=word_drops(self._counts, plan.word_dropout),
        )
        return ReaderNetwork(self.config, self.vocab, drops=drops)

    def examples(self, rows: NDArray[np.int64]) -> ReaderBatch:
        return self.train.batch(rows)

    def is_frozen(self, name: str, update: int) -> bool:
        return self._pretrained and name == "embedding.weight" and update < self.plan.frozen * self.plan.updates

    def validate(self, network: nn.Module, processes: Processes = ALONE) -> Generator[float, None, float]:
        """F1 on the validation part with the threshold that is best there, as a share.

        Shares are often equal on a small part; then the one with the lower loss is a little
        greater.
        """
        assert isinstance(network, ReaderNetwork)
        scores = yield from network_scores(network, self.encoded, processes)
        self._nats = mean_nats(scores, self.encoded.windows.answers)
        found = threshold_of(self.valid, self.encoded, scores, most=self.config.answer_words)
        return found.figure + _TIE * math.exp(-self._nats)

    def describe_validation(self, figure: float) -> Validation:
        log = {"valid_nats": self._nats, "valid_f1": round(figure, 5)}
        return Validation(log, f"F1 {100 * figure:.2f}%, {self._nats:.4f} nats", f"F1 {100 * figure:.1f}%")


def network_scores(
    network: ReaderNetwork, part: EncodedQuestions, processes: Processes = ALONE
) -> Generator[float, None, list[Scores]]:
    """The scores of all windows, by torch in processes that make the same call; yields the share
    that is done."""

    def both(some: NDArray[np.int64]) -> NDArray[np.float32]:
        return torch.stack(list(network.scores(part.batch(some)))).cpu().numpy()

    lengths, nothing = part.lengths, np.zeros(0, np.float32)
    batches = by_length(lengths, _VALID_ROWS)
    found = yield from processes.each(both, batches)
    scores: list[Scores] = [(nothing, nothing)] * len(lengths)
    for some, (firsts, lasts) in zip(batches, found, strict=True):
        for number, first, last in zip(some.tolist(), firsts, lasts, strict=True):
            end = 1 + lengths[number]
            scores[number] = first[:end], last[:end]
    return scores


def mean_nats(scores: Sequence[Scores], answers: NDArray[np.int64]) -> float:
    """The mean of minus the log-probability of the first and of the last word together."""
    nats = [
        float(np.logaddexp.reduce(each.astype(np.float64)) - each[place])
        for both, right in zip(scores, answers.tolist(), strict=True)
        for each, place in zip(both, right, strict=True)
    ]
    return 2 * float(np.mean(nats)) if nats else 0.0


def threshold_of(part: SquadFile, encoded: EncodedQuestions, scores: Sequence[Scores], *, most: int) -> AnswerThreshold:
    """The threshold that is best for F1, and F1 with it."""
    choices: list[list[tuple[int, SpanChoice]]] = [[] for _ in part.questions]
    windows = encoded.windows
    for question, start, own in zip(windows.question.tolist(), windows.start.tolist(), scores, strict=True):
        choices[question].append((start, best_span(own, most)))
    # Where training has an answer to every question, windows without one are left out.
    kept = [(each, own) for each, own in zip(part.questions, choices, strict=True) if own]
    found = [best_candidate(encoded.passages[each.paragraph], own) for each, own in kept]
    answered = [
        f1(part.paragraphs[each.paragraph].text[best.start : best.end], each.answers)
        for (each, _), best in zip(kept, found, strict=True)
    ]
    silent = np.array([float(not each.answers) for each, _ in kept])
    return fit_threshold(np.array([best.score for best in found]), np.array(answered), silent)
