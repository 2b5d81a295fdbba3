"""InferenceModel: a trained network as a language model, computed by elman's engine, without torch.

Programs are built from the weights on loading, so old models use new programs. In 8 bits no result
depends on the other rows of a batch, on the processor, or on whether it was interpreted or
compiled. States are bound to the program: a torch model and this one refuse each other's states,
since their results would differ in the last bits.
"""

import dataclasses
import hashlib
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.config import Config
from elman.errors import ModelError
from elman.inference.engine import PATIENCE, Engine
from elman.inference.network import network_program
from elman.inference.passes import optimise
from elman.inference.program import Program
from elman.inference.stack import check_states
from elman.inference.weights import ProgramWeights, check_precision, gain_of, in_8_bits, stored_arrays
from elman.models.network_config import NeuralConfig
from elman.models.network_facts import size_in_words
from elman.models.protocol import State
from elman.models.softmax_clusters import cluster_arrays, read_clusters
from elman.models.trace import Trace
from elman.notation import Lengths, LogProbs, TokenIds
from elman.text.tokenizer import Tokenizer

_SCORES = 1 << 20
"""Most probabilities in memory at a time while scoring."""
_TOGETHER = 32
"""A multiple of the rows that the engine's kernels compute together."""
_ARITHMETIC = 1
"""The version of the arithmetic: other arithmetic gives other bits."""

Arrays = Mapping[str, NDArray[Any]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class InferenceConfig(Config):
    """The configuration of an ``InferenceModel``."""

    network: dict[str, Any]
    """The configuration of the network (``NeuralConfig``)."""
    int8: list[str]
    """The groups of weights in 8 bits (``inference.weights.groups_of``)."""
    gain: float = 1.0
    """Factor of embeddings in 8-bit products with a state (``inference.passes.optimise``)."""
    model: str
    """The hash of the network."""
    about: dict[str, Any]
    """The network's description of itself."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_precision(self.int8, self.gain)


class InferenceModel:
    """A network as a LanguageModel.

    A state's parts are those of ``NeuralModel``: the stack's state and ``top``, the last layer's
    output.

    Args:
        arrays: the weights by name; for 8-bit matrices, codes and scales are enough
            (``to_arrays``).
        patience: see ``Engine``.

    Raises:
        FolderError: the weights do not fit the configuration.
        UsageError: the configuration is invalid.
    """

    kind = "inference"
    rounded: bool = True
    """Whether only its folder has the weights as they were trained."""
    batchable: bool = True
    forgets_lines: bool = False
    stepwise: bool = True
    """Whether reading many tokens at once gives the very bits that one after another gives."""
    exact: bool = True

    def __init__(
        self, arrays: Arrays, tokenizer: Tokenizer, config: InferenceConfig, *, patience: int = PATIENCE
    ) -> None:
        self.tokenizer = tokenizer
        self.config = config
        self.shape = NeuralConfig.from_json(config.network)
        self.weights_hash: str = config.model
        """The hash of the network."""
        self.weights = ProgramWeights(arrays)
        self.program = self._built(arrays)
        facts = f"{_ARITHMETIC}|{config.model}|{','.join(sorted(config.int8))}|{config.gain!r}"
        self.model_hash = hashlib.sha256(facts.encode()).hexdigest()
        self._step, self._output = (
            Engine(self.program[name], self.weights, patience=patience) for name in ("step", "output")
        )
        self._sizes = {"top": self.shape.top_size, **self.program.states}
        self._after = [f"next.{name}" for name in self._sizes]
        self.weights.check(self.program.functions.values())

    def _built(self, arrays: Arrays) -> Program:
        vocab = self.tokenizer.size
        check_states(self.shape)
        clusters = read_clusters(self.shape, vocab, arrays)
        self._cluster_arrays = cluster_arrays(self.shape, clusters)
        plain = optimise(network_program(self.shape, vocab, clusters), gain=self.config.gain)
        return plain.mapped(lambda function: in_8_bits(function, self.config.int8))

    @classmethod
    def from_arrays(cls, arrays: Arrays, tokenizer: Tokenizer, config: InferenceConfig) -> "InferenceModel":
        """Rebuild from ``to_arrays``."""
        return cls(arrays, tokenizer, config)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """The weights that the programs need."""
        return {**stored_arrays(self.program.functions.values(), self.weights), **self._cluster_arrays}

    @property
    def precision(self) -> str:
        """``int8``, ``fp32``, or ``int8+fp32`` where only some products are in 8 bits."""
        return self.program.precision

    def compile(self) -> None:
        """Load the compiled kernels now, not after the first steps."""
        self._step.compile()
        self._output.compile()

    def start(self, batch: int = 1) -> State:
        return self._started.take(np.zeros(batch, np.int64))

    def log_probs(self, state: State) -> LogProbs:
        self._check(state)
        found = self._probabilities("log_probs", state.parts["top"])
        return found if found.flags.writeable else found.copy()  # the interpreter's are views

    def advance(self, ids: TokenIds, state: State) -> State:
        self._check(state, len(ids))
        state_arrays = self._step.run({"ids": np.asarray(ids, np.int64)}, state.parts, self._after)
        return State(self.model_hash, dict(zip(self._sizes, state_arrays, strict=True)))

    def score(self, ids: TokenIds, lengths: Lengths, state: State) -> tuple[LogProbs, State]:
        trace = self.trace(ids, lengths, state)
        return trace.scores, trace.state

    def trace(self, ids: TokenIds, lengths: Lengths, state: State, *, whole: bool = False) -> Trace:
        batch, time = ids.shape
        self._check(state, batch)
        lengths = np.asarray(lengths, np.int64)
        if lengths.shape != (batch,) or (lengths.size and not (lengths.min() >= 0 and lengths.max() <= time)):
            raise ModelError(f"lengths are {lengths.tolist()[:8]}; there must be {batch} of them, from 0 to {time}")
        real = np.arange(time)[None, :] < lengths[:, None]
        safe = np.where(real, ids, 0).astype(np.int64)
        parts = {name: part for name, part in state.parts.items() if name != "top"}
        tops, after = self._step.along(safe, lengths, parts, top="next.top")
        # Each token is predicted from the tokens before it.
        every = np.concatenate([state.parts["top"][:, None], tops], axis=1)
        before = np.where(real[..., None], every[:, :-1], np.float32(0))
        scores = np.zeros((batch, time), np.float32)
        kept = np.zeros((batch, time, self.tokenizer.size), np.float32) if whole else None
        rows, targets = before[real], safe[real]
        scores[real] = self._chosen(rows, targets, shared=batch > 1)
        if kept is not None and len(rows):
            kept[real] = self._probabilities("log_probs", rows)
        last = every[np.arange(batch), lengths]
        return Trace(scores, before, kept, State(self.model_hash, {"top": last, **after}))

    def _chosen(self, rows: NDArray[np.float32], targets: NDArray[np.int64], *, shared: bool) -> NDArray[np.float32]:
        """The log-probability of each target after its row.

        With ``shared``, equal rows are computed once: lines of a batch often begin alike.
        """
        chosen = np.empty(len(rows), np.float32)
        # Whole pieces of the engine's.
        size = max(_SCORES // self.tokenizer.size // _TOGETHER, 1) * _TOGETHER
        alone = np.arange(len(rows))
        # A softmax in clusters computes only what a target needs.
        if shared and self.program["output"].outputs["chosen"].operator == "pick":
            numbers: dict[bytes, int] = {}
            which = np.array([numbers.setdefault(row.tobytes(), len(numbers)) for row in rows], np.int64)
            several = np.bincount(which, minlength=1) > 1
            alone = np.flatnonzero(~several[which])
            by_context = np.argsort(which, kind="stable")
            kinds = np.flatnonzero(several)
            for start in range(0, len(kinds), size):
                some = by_context[np.isin(which[by_context], kinds[start : start + size])]
                _, first, own = np.unique(which[some], return_index=True, return_inverse=True)
                chosen[some] = self._probabilities("log_probs", rows[some[first]])[own, targets[some]]
        for start in range(0, len(alone), size):
            some = alone[start : start + size]
            chosen[some] = self._probabilities("chosen", rows[some], targets[some])[:, 0]
        return chosen

    def features(self, state: State) -> NDArray[np.float32]:
        return state.parts["top"]

    def describe(self) -> dict[str, Any]:
        return {**self.config.about, "size": size_in_words(self.shape), "precision": self.precision}

    @cached_property
    def _started(self) -> State:
        empty = {name: np.zeros((1, size), np.float32) for name, size in self._sizes.items()}
        return self.advance(np.array([self.tokenizer.size]), State(self.model_hash, empty))

    def _probabilities(
        self, wanted: str, top: NDArray[Any], targets: NDArray[np.int64] | None = None
    ) -> NDArray[np.float32]:
        targets = np.zeros(len(top), np.int64) if targets is None else targets
        return self._output.run({"targets": targets}, {"top": top}, [wanted])[0]

    def _check(self, state: State, batch: int | None = None) -> None:
        if state.model_hash != self.model_hash:
            raise ModelError("this state belongs to another model; begin with this model's start()")
        if batch is not None and batch != state.batch:
            raise ModelError(f"{batch} rows of ids were given with a state of {state.batch}; give as many as it has")


def inference_model(
    arrays: Arrays,
    config: NeuralConfig,
    tokenizer: Tokenizer,
    *,
    model_hash: str,
    about: Mapping[str, Any],
    int8: Iterable[str],
) -> InferenceModel:
    """The model of a network's own weights, those of the groups ``int8`` in 8 bits."""
    settings = inference_config(arrays, config, model_hash=model_hash, about=about, int8=int8)
    return InferenceModel(arrays, tokenizer, settings)


def inference_config(
    arrays: Arrays, config: NeuralConfig, *, model_hash: str, about: Mapping[str, Any], int8: Iterable[str]
) -> InferenceConfig:
    """As for ``inference_model``: its configuration."""
    return InferenceConfig(
        network=config.to_json(), int8=sorted(int8), gain=gain_of(arrays), model=model_hash, about=dict(about)
    )
