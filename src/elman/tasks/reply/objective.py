"""Messages and replies as the training loop sees them: pairs in buckets, a softmax over each
batch."""

from collections.abc import Generator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from elman.data.cursor import Cursor
from elman.data.padding import pad
from elman.evaluation.replies import CANDIDATES, recall_among
from elman.models.dual_encoder import DualEncoder, PairBatch, symmetric_loss
from elman.models.encoder import EncoderDrops
from elman.models.reply_config import ReplyConfig
from elman.tasks.encoder_logits import network_logits
from elman.tasks.reply.data import DialoguePart, Ids
from elman.tasks.reply.model import unit_halves
from elman.tasks.reply.plan import ReplyPlan
from elman.training.example_objective import ExampleObjective
from elman.training.objective import Arrays, Batch, Validation
from elman.training.processes import ALONE, Processes


class ReplyObjective(ExampleObjective):
    """The objective of a dual encoder.

    Args:
        earlier: most turns read before a message; training reads from none of them to all.
    """

    plan: ReplyPlan

    def __init__(
        self,
        config: ReplyConfig,
        plan: ReplyPlan,
        *,
        vocab: int,
        earlier: int,
        train: DialoguePart,
        valid: DialoguePart,
        start: Arrays | None = None,
    ) -> None:
        lengths = [len(train.turns[pair.dialogue][pair.reply]) for pair in train.pairs]
        super().__init__(plan, np.array(lengths, np.int64), start)
        self.config, self.vocab, self.earlier = config, vocab, earlier
        self.train, self.valid = train, valid
        self._nats = 0.0

    def new_network(self) -> DualEncoder:
        drops = EncoderDrops(**self.plan.drops, output=self.plan.output_dropout)
        return DualEncoder(self.config, self.vocab, drops=drops, temperature=self.plan.similarity_temperature)

    def batch(self, cursor: Cursor, update: int) -> Batch:
        found = super().batch(cursor, update)
        rows = self._epoch(cursor.epoch)[cursor.offset]
        return found._replace(data=self._drawn(rows, np.random.default_rng([self.plan.seed, update])))

    def examples(self, rows: NDArray[np.int64]) -> PairBatch:
        return self._drawn(rows, np.random.default_rng(self.plan.seed))

    def _drawn(self, rows: NDArray[np.int64], rng: np.random.Generator) -> PairBatch:
        """Pairs with as many earlier turns as drawn, without the tokens that are dropped."""
        most, messages, replies = self.config.max_tokens, [], []
        for row, earlier in zip(rows.tolist(), rng.integers(0, self.earlier + 1, len(rows)).tolist(), strict=True):
            message, reply = self.train.ids(self.train.pairs[row], earlier=earlier, most=most)
            messages.append(self._thinned(message, rng))
            replies.append(self._thinned(reply, rng))
        return PairBatch(*pad(messages, fill=0), *pad(replies, fill=0))

    def _thinned(self, ids: Ids, rng: np.random.Generator) -> Ids:
        return ids[rng.random(len(ids)) >= self.plan.token_dropout]

    def validate(self, network: nn.Module, processes: Processes = ALONE) -> Generator[float, None, float]:
        """Recall at 1 of 10 on the validation part, as a share."""
        assert isinstance(network, DualEncoder)
        part, most = self.valid, self.config.max_tokens
        pairs = [part.ids(pair, earlier=self.earlier, most=most) for pair in part.pairs]
        texts = [message for message, _ in pairs] + [reply for _, reply in pairs]
        outputs = yield from network_logits(network, texts, processes)
        vectors, size = unit_halves(outputs), self.config.vector_size
        scores = vectors[: len(pairs), :size] @ vectors[len(pairs) :, size:].T
        self._nats = batch_nats(scores / self.plan.similarity_temperature, self.plan.batch)
        replies = [part.texts(pair, earlier=0)[1] for pair in part.pairs]
        return float(recall_among(scores, replies, k=1, among=CANDIDATES[0]).mean())

    def describe_validation(self, figure: float) -> Validation:
        name = f"recall at 1 of {CANDIDATES[0]}"
        log = {"valid_nats": self._nats, "valid_recall": round(figure, 5)}
        return Validation(log, f"{name} {100 * figure:.2f}%, {self._nats:.4f} nats", f"{100 * figure:.1f}%")


def batch_nats(scores: NDArray[np.float32], batch: int) -> float:
    """The mean loss of scores ``[n, n]`` in batches like those of training, in nats.

    >>> round(batch_nats(np.zeros((4, 4), np.float32), 2), 4)  # ln 2
    0.6931
    """
    total = 0.0
    for start in range(0, len(scores), batch):
        square = torch.from_numpy(scores[start : start + batch, start : start + batch])
        total += float(symmetric_loss(square))
    return total / max(len(scores), 1)
