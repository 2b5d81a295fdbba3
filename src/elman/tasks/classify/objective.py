"""Text classification as the training loop sees it: buckets of texts, and accuracy on the
validation part."""

import math
from collections.abc import Generator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from elman.data.padding import pad
from elman.metrics.calibration import log_loss, sigmoid, softmax
from elman.metrics.labels import LabelTally
from elman.models.classifier import Classifier, TextBatch
from elman.models.classifier_config import ClassifierConfig
from elman.models.encoder import EncoderDrops
from elman.tasks.classify.plan import ClassifyPlan
from elman.tasks.classify.texts import LabelledTexts
from elman.tasks.encoder_logits import network_logits
from elman.training.example_objective import ExampleObjective
from elman.training.objective import Arrays, Validation
from elman.training.processes import ALONE, Processes

_TIE = 1e-6
"""The most that a lower loss adds: less than one example in a million."""
_UNBALANCED = 10
"""Rare labels count more once the most frequent has more than this many times their examples."""


class ClassifyObjective(ExampleObjective):
    """The objective of a text classifier.

    Args:
        taken: names of the pretrained weights, from word vectors or a language model.
    """

    plan: ClassifyPlan

    def __init__(
        self,
        config: ClassifierConfig,
        plan: ClassifyPlan,
        *,
        vocab: int,
        outputs: int,
        train: LabelledTexts,
        valid: LabelledTexts,
        start: Arrays | None = None,
        taken: tuple[str, ...] = (),
    ) -> None:
        super().__init__(plan, np.array([len(row) for row in train.rows], np.int64), start)
        self.config = config
        self.vocab, self.outputs = vocab, outputs
        self.train, self.valid = train, valid
        self.class_weights = class_weights(train.targets, outputs, plan.class_weights)
        self._taken = taken
        self._nats = 0.0

    def new_network(self) -> Classifier:
        drops = EncoderDrops(**self.plan.drops, output=self.plan.output_dropout)
        return Classifier(self.config, self.vocab, self.outputs, drops=drops, class_weights=self.class_weights)

    def examples(self, rows: NDArray[np.int64]) -> TextBatch:
        return text_batch(self.train, rows)

    def rate_factor(self, name: str) -> float:
        depth = self._depth(name)
        return 1.0 if depth is None else self.plan.lower_rate ** (depth + 1)

    def is_frozen(self, name: str, update: int) -> bool:
        depth = self._depth(name)
        if depth is None or not self.plan.frozen:
            return False
        # The top pretrained layer learns first, then one after the other.
        steps = 1 + max(self._depth(taken) or 0 for taken in self._taken)
        return update < self.plan.frozen * self.plan.updates * (depth + 1) / steps

    def _depth(self, name: str) -> int | None:
        """The number of pretrained layers above a weight; None for a new weight."""
        stored = name.replace("_stack.", ".", 1)
        if stored not in self._taken:
            return None
        if stored.startswith("embedding."):
            return sum(1 for taken in {each.split(".")[2] for each in self._taken if ".layers." in each} if taken)
        parts = stored.split(".")
        return self.config.layers - 1 - int(parts[2]) if ".layers." in stored else 0

    def validate(self, network: nn.Module, processes: Processes = ALONE) -> Generator[float, None, float]:
        """Accuracy on the validation part (micro-averaged F1 where texts may have several labels),
        as a share.

        Shares are often equal on a small part; then the one with the lower loss is a little
        greater.
        """
        assert isinstance(network, Classifier)
        logits = yield from network_logits(network, self.valid.rows, processes)
        targets = self.valid.targets
        tally = LabelTally.count(targets, predicted(logits, targets), labels=self.outputs)
        probabilities = sigmoid(logits) if targets.ndim == 2 else softmax(logits)
        self._nats = log_loss(targets, probabilities)
        share = float(tally.micro_f1 if targets.ndim == 2 else tally.accuracy)
        return share + _TIE * math.exp(-self._nats)

    def describe_validation(self, figure: float) -> Validation:
        name = "micro F1" if self.valid.targets.ndim == 2 else "accuracy"
        log = {"valid_nats": self._nats, f"valid_{name.replace(' ', '_')}": round(figure, 5)}
        return Validation(log, f"{name} {100 * figure:.2f}%, {self._nats:.4f} nats", f"{name} {100 * figure:.1f}%")


def text_batch(texts: LabelledTexts, rows: NDArray[np.int64]) -> TextBatch:
    """The texts with the given numbers, padded."""
    ids, lengths = pad([texts.rows[row] for row in rows.tolist()], fill=0)
    return TextBatch(ids, lengths, texts.targets[rows])


def predicted(logits: NDArray[Any], targets: NDArray[Any]) -> NDArray[Any]:
    """The predictions from logits, of the same kind as the targets."""
    return logits > 0 if targets.ndim == 2 else logits.argmax(axis=1)


def class_weights(targets: NDArray[Any], outputs: int, how: str) -> NDArray[np.float32] | None:
    """The weight of an example of each label, the inverse of the label's share; None if all count
    alike.

    >>> class_weights(np.array([0] * 30 + [1]), 2, "auto").astype(float).round(2).tolist()
    [0.52, 15.5]
    """
    counts = np.maximum(np.bincount(targets, minlength=outputs), 1) if targets.ndim == 1 else None
    if counts is None or how == "none" or (how == "auto" and counts.max() <= _UNBALANCED * counts.min()):
        return None
    return (len(targets) / (outputs * counts)).astype(np.float32)
