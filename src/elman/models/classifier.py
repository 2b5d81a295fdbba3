"""The network of a text classifier: an encoder with the loss of its labels."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from elman.data.part import Part
from elman.models.classifier_config import ClassifierConfig
from elman.models.encoder import Encoder, EncoderDrops, label_loss
from elman.nn.dropout import Masks
from elman.nn.loss import Loss


class TextBatch(NamedTuple):
    """B texts and their labels."""

    ids: NDArray[np.int64]
    """``[B, T]``; any ids at padding."""
    lengths: NDArray[np.int64]
    """``[B]``."""
    targets: NDArray[np.int64] | NDArray[np.bool_]
    """The label of each text ``[B]``, or whether it has each of the labels ``[B, K]``."""

    @property
    def rows(self) -> int:
        """B."""
        return len(self.ids)

    def part(self, part: Part) -> "TextBatch":
        """Some of the texts, padded as all of them."""
        return TextBatch(self.ids[part.slice], self.lengths[part.slice], self.targets[part.slice])


class Classifier(Encoder):
    """An ``Encoder`` that the training loop can train.

    Args:
        class_weights: the weight of each label's examples ``[K]``; None: all alike.
    """

    def __init__(
        self,
        config: ClassifierConfig,
        vocab_size: int,
        outputs: int,
        *,
        drops: EncoderDrops | None = None,
        class_weights: NDArray[np.float32] | None = None,
    ) -> None:
        super().__init__(config, vocab_size, outputs, drops=drops)
        self.class_weights = None if class_weights is None else torch.from_numpy(class_weights)

    def loss(self, data: TextBatch, state: tuple[Tensor, ...], masks: Masks | None = None) -> Loss:
        """Summed nats of the labels of a batch."""
        device = next(self.parameters()).device
        ids, lengths, targets = (torch.from_numpy(part).to(device) for part in data)
        weights = None if self.class_weights is None else self.class_weights.to(device)
        total, count = label_loss(self.logits(ids, lengths, masks), targets, weights)
        return Loss(total, count)
