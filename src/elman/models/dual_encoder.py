"""DualEncoder: a network that gives messages and replies vectors, near each other where they fit.

Messages and replies share the embedding and the layers of one ``Encoder`` with 2 D outputs. The
first D are the vector of a text read as a message, the others its vector as a reply; both are
scaled to length 1. Training tells the reply of a message from those of the other messages of its
batch, and the message of a reply from the other messages (Henderson et al., Efficient Natural
Language Response Suggestion for Smart Reply, 2017).
"""

import math
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from elman.models.encoder import Encoder, EncoderDrops
from elman.models.reply_config import SIDES, ReplyConfig
from elman.models.token_encoder import is_padding
from elman.nn.dropout import Masks
from elman.nn.embedding import Embedding
from elman.nn.loss import Loss

_OUTPUT_SCALE = 0.1
"""The layers begin to matter slowly: the bag of words alone is a good start."""


class PairBatch(NamedTuple):
    """B messages and their replies; ids are 0 at padding."""

    messages: NDArray[np.int64]
    """``[B, T]``."""
    message_lengths: NDArray[np.int64]
    replies: NDArray[np.int64]
    """``[B, U]``."""
    reply_lengths: NDArray[np.int64]


class DualEncoder(Encoder):
    """An ``Encoder`` of messages and replies of V types.

    With ``bag``, the mean of the words' own vectors (``words.weight[V + 1, D]``) is added to the
    layers' output, through a matrix for messages and one for replies ``[D, D]``.

    Args:
        temperature: what cosines are divided by in training.
    """

    def __init__(
        self, config: ReplyConfig, vocab_size: int, *, drops: EncoderDrops | None = None, temperature: float = 0.08
    ) -> None:
        # The engine's table of the bag has a part for each side, which are learned as one.
        super().__init__(config.encoder().replace(bag=False), vocab_size, 2 * config.vector_size, drops=drops)
        self.temperature = temperature
        size = config.vector_size
        self.words = Embedding(vocab_size, size) if config.bag else None
        self.sides = nn.ModuleDict({side: nn.Linear(size, size, bias=False) for side in SIDES if config.bag})

    @torch.no_grad()
    def begin_as_bag(self, weights: NDArray[np.floating]) -> None:
        """Begin with random vectors of words, the same for messages and replies: texts that share
        words are near each other, as by TF-IDF.

        Args:
            weights: how much each type counts ``[V]``.
        """
        assert self.output is not None
        self.output.weight.mul_(_OUTPUT_SCALE)
        if self.words is None:
            return
        size = self.outputs // 2
        random = torch.randn(self.vocab_size, size) / math.sqrt(size)
        self.words.begin(random * torch.from_numpy(np.asarray(weights, np.float32))[:, None])
        self.words.weight[self.vocab_size] = 0
        for side in SIDES:
            nn.init.eye_(self.get_parameter(f"sides.{side}.weight"))

    def logits(self, ids: Tensor, lengths: Tensor, masks: Masks | None = None) -> Tensor:
        """The vectors of texts as messages and as replies, side by side ``[B, 2 D]``, of any
        length.

        The arguments are those of ``forward``.
        """
        outputs = super().logits(ids, lengths, masks)
        if self.words is None:
            return outputs
        read = self._begun(ids, lengths)
        mean = self._mean(self.words(read).masked_fill(is_padding(read, lengths), 0), lengths)
        with torch.autocast(mean.device.type, enabled=False):
            return outputs + torch.cat([self.sides[side](mean) for side in SIDES], dim=1)

    def vectors(self, ids: Tensor, lengths: Tensor, masks: Masks | None = None) -> tuple[Tensor, Tensor]:
        """The vectors of texts read as messages and as replies ``[B, D]`` each, of length 1."""
        size = self.outputs // 2
        first, second = self.logits(ids, lengths, masks).split(size, dim=1)
        return F.normalize(first, dim=1), F.normalize(second, dim=1)

    def loss(self, data: PairBatch, state: tuple[Tensor, ...], masks: Masks | None = None) -> Loss:
        """Summed nats of a batch: the mean of finding replies and of finding messages."""
        device = next(self.parameters()).device
        messages, lengths, replies, reply_lengths = (torch.from_numpy(part).to(device) for part in data)
        read, fit = self.vectors(messages, lengths, masks)[0], self.vectors(replies, reply_lengths, masks)[1]
        with torch.autocast(device.type, enabled=False):
            scores = read @ fit.T / self.temperature
        return Loss(symmetric_loss(scores), len(scores))


def symmetric_loss(scores: Tensor) -> Tensor:
    """Summed nats of finding the reply of each message and the message of each reply, the mean of
    both.

    Args:
        scores: ``[B, B]``, a row for each message; its reply has the same number.

    >>> round(symmetric_loss(torch.zeros(4, 4)).item(), 4)  # 4 ln 4
    5.5452
    """
    right = torch.arange(len(scores), device=scores.device)
    each_way = [F.cross_entropy(every, right, reduction="sum") for every in (scores, scores.T)]
    return (each_way[0] + each_way[1]) / 2
