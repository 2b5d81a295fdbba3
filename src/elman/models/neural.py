"""The recurrent language model: its network (embedding, stack, output) and its LanguageModel."""

import dataclasses
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from elman.data.streams import Chunk
from elman.errors import ModelError
from elman.models.encoder_config import DirectionsConfig
from elman.models.network_config import NeuralConfig
from elman.models.network_facts import describe_network, weights_hash
from elman.models.protocol import State
from elman.models.softmax_clusters import cluster_arrays, grow_clusters, make_clusters, read_clusters
from elman.models.stack_config import StackConfig
from elman.models.trace import Trace
from elman.models.weight_check import check_weights
from elman.nn import dropout
from elman.nn.adaptive import AdaptiveEmbedding, AdaptiveOutput
from elman.nn.clusters import Clusters
from elman.nn.dropout import Masks
from elman.nn.embedding import Embedding, OneHot
from elman.nn.loss import Loss
from elman.nn.output import Output
from elman.nn.penalties import Penalties
from elman.nn.sampled import SampledOutput
from elman.nn.stack import Stack
from elman.notation import Lengths, LogProbs, TokenIds
from elman.text.tokenizer import Tokenizer


@dataclasses.dataclass(frozen=True)
class Drops:
    """Dropout rates in training."""

    input: float = 0.0
    """Units of the embedded input, locked over time."""
    between: float = 0.0
    """Units between layers and before the output, locked over time."""
    embedding: float = 0.0
    """Types."""
    weights: float = 0.0
    """Hidden-to-hidden weights."""


def make_stack(config: StackConfig, inputs: int, drops: Drops = Drops()) -> Stack:
    """The layers of a network, from vectors of ``inputs`` numbers on."""
    return Stack(
        cell=config.cell,
        input_size=inputs,
        hidden_size=config.width,
        output_size=config.top_size,
        layers=config.layers,
        skip=config.shortcuts,
        projection=config.projection,
        options=config.options,
        input_dropout=drops.input,
        dropout_between=drops.between,
        weight_drop=drops.weights,
    )


def embedded_size(config: NeuralConfig | DirectionsConfig, vocab_size: int) -> int:
    """Size of the embedding of one of V types, or of its one-hot vector."""
    return vocab_size + 1 if config.input == "one-hot" else config.embedding_size


class Network(nn.Module):
    """Embedding, stack, output over V types.

    Weights are named ``embedding.* stack.* output.*``.
    """

    def __init__(
        self,
        config: NeuralConfig,
        vocab_size: int,
        *,
        drops: Drops | None = None,
        penalties: Penalties | None = None,
        clusters: Clusters | None = None,
    ) -> None:
        """``drops`` and ``penalties`` (default: none) act in training only.

        ``clusters`` sort the types of an adaptive or sampled softmax (default: by id; see
        ``make_clusters``).
        """
        super().__init__()
        drops = drops or Drops()
        self.config = config
        self.vocab_size = vocab_size
        self.clusters = clusters or make_clusters(config, vocab_size)
        self.output_drop = dropout.check("output dropout", drops.between)
        self.penalties = penalties or Penalties()
        self.embedding = self._make_embedding(drops)
        self.stack = make_stack(config, embedded_size(config, vocab_size), drops)
        self.output = self._make_output()

    def _make_embedding(self, drops: Drops) -> Embedding | AdaptiveEmbedding | OneHot:
        config, size = self.config, self.config.embedding_size
        if config.input == "one-hot":
            return OneHot(self.vocab_size)
        if config.softmax == "adaptive" and config.tied:
            assert self.clusters is not None
            return AdaptiveEmbedding(self.clusters, size, type_drop=drops.embedding)
        # Tied to a full softmax, the gradient is dense anyway.
        sparse = config.softmax != "full" or config.tied
        return Embedding(self.vocab_size, size, type_drop=drops.embedding, sparse=sparse)

    def _make_output(self) -> Output | AdaptiveOutput:
        config, size, tied = self.config, self.config.top_size, self.embedding if self.config.tied else None
        if config.softmax == "adaptive":
            assert self.clusters is not None and not isinstance(tied, (Embedding, OneHot))
            return AdaptiveOutput(size, self.clusters, tied=tied)
        assert not isinstance(tied, (AdaptiveEmbedding, OneHot))
        if config.softmax == "sampled":
            assert self.clusters is not None
            return SampledOutput(size, self.clusters, samples=config.drawn, tied=tied)
        return Output(size, self.vocab_size, tied=tied)

    def begin(self, probs: NDArray[np.floating], vectors: NDArray[np.float32] | None) -> None:
        """Start from the types' frequencies in the text ``probs[V]`` and, if given, from
        ``vectors[V, E]``.
        """
        self.output.begin(torch.from_numpy(probs.astype(np.float32)))
        if vectors is not None:
            self.begin_embedding(vectors)

    def begin_embedding(self, vectors: NDArray[np.float32]) -> None:
        """Start embeddings as ``vectors[V, E]``; one-hot input has none."""
        if not isinstance(self.embedding, OneHot):
            self.embedding.begin(torch.from_numpy(vectors))

    def initial_state(self, batch: int) -> tuple[Tensor, ...]:
        """Zeros: the state before any token."""
        return self.stack.initial_state(batch)

    def forward(
        self,
        inputs: Tensor,
        state: tuple[Tensor, ...],
        *,
        reset: Tensor | None = None,
        lengths: Tensor | None = None,
        masks: Masks | None = None,
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """From ``inputs[B, T]`` (ids, V for `<s>`) to ``y[B, T, E]``, the input of ``output``."""
        raw, state = self.stack(self.embedding(inputs, masks), state, reset, lengths, masks)
        return dropout.locked(raw, self.output_drop, masks), state

    def loss(self, chunk: Chunk, state: tuple[Tensor, ...], masks: Masks | None = None) -> Loss:
        """Summed nats of a chunk's targets, and the next state; with ``masks`` the penalties
        too.
        """
        device = self.output.bias.device
        inputs, targets, starts = (
            torch.from_numpy(part).to(device) for part in (chunk.inputs, chunk.targets, chunk.reset)
        )
        reset = starts if chunk.reset.any() else None
        raw, state = self.stack(self.embedding(inputs, masks), state, reset, None, masks)
        y = dropout.locked(raw, self.output_drop, masks)
        total, count = self.output.loss(y, targets, masks)
        penalties = () if masks is None else self.penalties.of(y, raw=raw, reset=reset)
        return Loss(total, count, state, penalties)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Copies of all weights, and the clusters."""
        weights = {name: p.detach().cpu().numpy().copy() for name, p in self.named_parameters()}
        return {**weights, **cluster_arrays(self.config, self.clusters)}

    def load_arrays(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Set all weights.

        Raises:
            FolderError: a name, shape or type that is not this network's, or a number that is not
                finite.
        """
        wanted = dict(self.named_parameters())
        _check_weights(arrays, self)
        with torch.no_grad():
            for name, parameter in wanted.items():
                parameter.copy_(torch.from_numpy(np.array(arrays[name])))


class NeuralModel:
    """A trained network as a LanguageModel: NumPy in and out, fp32, no masks.

    A state's parts are the stack's state and ``top``, the last layer's output for the next token.
    """

    batchable: bool = True
    exact: bool = True
    forgets_lines: bool = False

    def __init__(self, network: Network, tokenizer: Tokenizer, config: NeuralConfig) -> None:
        self.network = network.eval()
        self.tokenizer = tokenizer
        self.config = config
        self.model_hash = weights_hash(config, tokenizer, network.to_arrays())

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]], tokenizer: Tokenizer, config: NeuralConfig) -> "NeuralModel":
        """Rebuild from ``to_arrays``.

        Raises:
            FolderError: weights that do not fit the configuration.
        """
        # First without memory, for a hostile configuration must not allocate more than the file
        # holds.
        clusters = read_clusters(config, tokenizer.size, arrays)
        with torch.device("meta"):
            _check_weights(arrays, Network(config, tokenizer.size, clusters=clusters))
        network = Network(config, tokenizer.size, clusters=clusters)
        network.load_arrays(arrays)
        return cls(network, tokenizer, config)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """All weights by name."""
        return self.network.to_arrays()

    def start(self, batch: int = 1) -> State:
        return self._started.take(np.zeros(batch, np.int64))

    @cached_property
    def _started(self) -> State:
        # Read once and repeated, so that a start has the same bits for any number of rows.
        return self._run(torch.full((1, 1), self.tokenizer.size), self.network.initial_state(1))

    def log_probs(self, state: State) -> LogProbs:
        self._check(state)
        with torch.inference_mode():
            return self.network.output.log_probs(torch.tensor(state.parts["top"])).numpy()

    def advance(self, ids: TokenIds, state: State) -> State:
        self._check(state)
        return self._run(torch.from_numpy(np.asarray(ids, np.int64))[:, None], self._unpack(state))

    def score(self, ids: TokenIds, lengths: Lengths, state: State) -> tuple[LogProbs, State]:
        trace = self.trace(ids, lengths, state)
        return trace.scores, trace.state

    def trace(self, ids: TokenIds, lengths: Lengths, state: State, *, whole: bool = False) -> Trace:
        self._check(state)
        batch, time = ids.shape
        scores = np.zeros((batch, time), np.float32)
        lengths = np.asarray(lengths, np.int64)
        if not time or not lengths.any():
            nothing = np.zeros((batch, time, state.parts["top"].shape[1]), np.float32)
            kept = np.zeros((batch, time, self.tokenizer.size), np.float32) if whole else None
            return Trace(scores, nothing, kept, state)
        real = np.arange(time)[None, :] < lengths[:, None]
        safe = torch.from_numpy(np.where(real, ids, 0).astype(np.int64))
        with torch.inference_mode():
            y, after = self.network(safe, self._unpack(state), lengths=torch.from_numpy(lengths))
            top = torch.tensor(state.parts["top"])
            # The token at t is predicted from the tokens before it: outputs shifted by one
            # position.
            before = torch.cat([top[:, None], y[:, :-1]], 1)
            mask = torch.from_numpy(real)
            kept = None
            if whole:
                kept = self.network.output.log_probs(before).numpy()
                scores[real] = np.take_along_axis(kept, safe.numpy()[..., None], axis=2)[..., 0][real]
            else:
                scores[real] = self.network.output.log_prob_of(before[mask], safe[mask]).numpy()
            last = torch.from_numpy(np.maximum(lengths - 1, 0))
            ended = y[torch.arange(batch), last]
            top = torch.where(torch.from_numpy(lengths > 0)[:, None], ended, top)
        return Trace(scores, before.numpy(), kept, self._pack(top, after))

    def features(self, state: State) -> NDArray[np.float32]:
        return state.parts["top"]

    def describe(self) -> dict[str, Any]:
        return describe_network(self.config, self.network.to_arrays())

    def _run(self, inputs: Tensor, state: tuple[Tensor, ...]) -> State:
        with torch.inference_mode():
            y, after = self.network(inputs, state)
            return self._pack(y[:, -1], after)

    def _pack(self, top: Tensor, state: tuple[Tensor, ...]) -> State:
        parts = {f"stack.{number}": part.numpy() for number, part in enumerate(state)}
        return State(self.model_hash, {"top": top.numpy(), **parts})

    def _unpack(self, state: State) -> tuple[Tensor, ...]:
        return tuple(torch.tensor(state.parts[f"stack.{number}"]) for number in range(len(state.parts) - 1))

    def _check(self, state: State) -> None:
        if state.model_hash != self.model_hash:
            raise ModelError("this state belongs to another model; begin with this model's start()")


def _check_weights(arrays: dict[str, NDArray[Any]], network: Network) -> None:
    shapes = {name: tuple(parameter.shape) for name, parameter in network.named_parameters()}
    check_weights(arrays, shapes, fixed=cluster_arrays(network.config, network.clusters))


def grow_arrays(arrays: dict[str, NDArray[Any]], old_size: int, new_size: int) -> dict[str, NDArray[Any]]:
    """Weights for a vocabulary that has grown at its end, from ``old_size`` to ``new_size`` types.

    A new type starts with the vectors of `<unk>`, and shares its probability; with rare types in
    tails, see ``grow_clusters``.
    """
    added = new_size - old_size
    if not added:
        return dict(arrays)
    sorted_ones = grow_clusters(arrays, added)
    grown = {**arrays, **sorted_ones}
    for name, array in arrays.items():
        if name in sorted_ones:
            continue
        if name == "stack.layers.0.weight_ih" and array.shape[1] == old_size + 1 and "embedding.weight" not in arrays:
            # One-hot input: types are columns, `<s>` the last one.
            grown[name] = np.concatenate([array[:, :-1], np.repeat(array[:, :1], added, 1), array[:, -1:]], 1)
        elif name == "embedding.weight" or (name == "output.weight" and array.shape[0] == old_size):
            grown[name] = np.concatenate([array[:old_size], np.repeat(array[:1], added, 0), array[old_size:]])
        elif name == "output.bias":
            shared = array.copy()
            shared[0] -= np.float32(np.log1p(added))
            grown[name] = np.concatenate([shared, np.repeat(shared[:1], added)])
    return grown
