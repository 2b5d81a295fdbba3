"""Language modelling as the training loop sees it: streams of text and bits per byte of the
validation text.
"""

import math
from collections.abc import Generator

import numpy as np
from torch import nn

from elman.data.cursor import Cursor
from elman.data.frequency import count_types
from elman.data.store import TokenStore
from elman.data.streams import Streams
from elman.models.network_config import NeuralConfig
from elman.models.neural import Drops, Network
from elman.models.softmax_clusters import make_clusters, read_clusters
from elman.nn.penalties import Penalties
from elman.tasks.language.plan import LanguagePlan
from elman.tasks.language.variable_bptt import varied_length
from elman.text.speller import Speller
from elman.training.objective import Arrays, Batch, State, Validation
from elman.training.processes import ALONE, Processes


class LanguageObjective:
    """An ``Objective``: truncated backpropagation through time over streams, the state carried.

    Args:
        vocab: V.
        start: the first weights; they also say how the softmax sorts its types.

    Raises:
        TextError: too few tokens for the batch.
    """

    unit = "tokens"
    higher_is_better = False
    most_epochs = 200.0

    def __init__(
        self,
        config: NeuralConfig,
        plan: LanguagePlan,
        *,
        vocab: int,
        speller: Speller,
        train: TokenStore,
        valid: TokenStore,
        start: Arrays | None = None,
    ) -> None:
        self.config, self.plan = config, plan
        self.train, self.valid = train, valid
        self.vocab = vocab
        """V."""
        self.speller = speller
        self._start = start
        self.streams = Streams(
            train.ids,
            train.documents,
            vocab_size=vocab,
            batch=plan.batch,
            seed=plan.seed,
            line_resets=plan.line_resets,
        )
        rows = max(1, min(plan.batch, len(valid.ids) // 400))
        self._valid = Streams(valid.ids, valid.documents, vocab_size=vocab, batch=rows, seed=0, move=False)
        self._spelling: float | None = None

    def make_network(self) -> nn.Module:
        config, plan = self.config, self.plan
        if self._start is None:
            clusters = make_clusters(config, self.vocab, count_types(self.train.ids, self.vocab))
        else:
            clusters = read_clusters(config, self.vocab, self._start)
        penalties = Penalties(activation=plan.activation_penalty, temporal=plan.temporal_penalty)
        network = Network(config, self.vocab, drops=Drops(**plan.drops), penalties=penalties, clusters=clusters)
        if self._start is not None:
            network.load_arrays(self._start)
        return network

    def initial_state(self, network: nn.Module) -> State:
        assert isinstance(network, Network)
        return network.initial_state(self.plan.batch)

    def batch(self, cursor: Cursor, update: int) -> Batch:
        plan = self.plan
        length = varied_length(plan.bptt, seed=plan.seed, update=update) if plan.vary_bptt else plan.bptt
        chunk, after = self.streams.chunk(cursor, length)
        # Fewer tokens, a smaller step: otherwise short chunks would weigh more than long ones.
        share = chunk.targets.shape[1] / plan.bptt if plan.vary_bptt else 1.0
        return Batch(chunk, after, share)

    def is_valid_cursor(self, cursor: Cursor) -> bool:
        return cursor.offset < self.streams.row_length

    def epochs_at(self, cursor: Cursor) -> float:
        return cursor.epoch + cursor.offset / self.streams.row_length

    @property
    def updates_per_epoch(self) -> float:
        return math.ceil(self.streams.row_length / self.plan.mean_bptt)

    def describe_cursor(self, cursor: Cursor) -> str:
        return f"batch at epoch {cursor.epoch + 1}, token {cursor.offset} of each row"

    def rate_factor(self, name: str) -> float:
        return 1.0

    def is_frozen(self, name: str, update: int) -> bool:
        return False

    def validate(self, network: nn.Module, processes: Processes = ALONE) -> Generator[float, None, float]:
        """Mean nats per token of the validation text, the state carried along each row; each
        process reads some of the rows."""
        assert isinstance(network, Network)
        # Without gradients, longer chunks need no extra memory.
        length = max(self.plan.bptt, 64)
        chunks = self._valid.chunks_per_epoch(length)
        total, count = 0.0, 0
        part = processes.part(self._valid.batch)
        state = network.initial_state(self._valid.batch if part is None else len(part))
        for number, chunk in enumerate(self._valid.epoch(length), 1):
            own = chunk if part is None else chunk.part(part)
            loss = network.loss(own, state)
            total, count, state = total + float(loss.total), count + own.targets.size, loss.state
            yield number / chunks
        # Where rows are fewer than processes, each has read all.
        total, count = np.sum(processes.exchange([np.array([total, count])]), axis=(0, 1))
        return float(total / count)

    def describe_validation(self, figure: float) -> Validation:
        bits = self.bits_per_byte(figure)
        perplexity = math.exp(min(figure, 700))
        return Validation(
            {"valid_nats": figure, "valid_bits_per_byte": bits},
            f"{bits:.4f} bits per byte, perplexity {perplexity:.2f}",
            f"{bits:.3f} bits/byte",
        )

    def bits_per_byte(self, nats: float) -> float:
        """Loss per token of the validation text as bits per byte, the spelling of unknown words
        included.
        """
        valid = self.valid
        if self._spelling is None:
            self._spelling = valid.spelling_nats(self.speller)
        return (nats * len(valid.ids) + self._spelling) / (math.log(2) * max(valid.bytes, 1))
