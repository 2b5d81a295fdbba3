"""DynamicEvaluation: a network that keeps learning while it reads.

The text is read in segments of ``bptt`` tokens. After each, the weights take one step of gradient
descent on its loss, scaled by each weight's usual gradient, and decay towards the trained weights:

    w <- w - rate * gradient / (rms + floor * mean(rms)) + pull * (trained - w)
    pull = min(decay * rms / mean(rms), 1)

Krause, Kahembwe, Murray and Renals (2018), "Dynamic evaluation of neural sequence models". ``rms``
is the root mean square of each weight's gradient over some text, see ``gradient_rms``; gradients
are means over the tokens of a segment. The weights are part of the state: a document starts with
the trained ones, and reading one text never affects another.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from elman.config import Config
from elman.errors import FolderError, ModelError, UsageError
from elman.models.composite import build_parts, check_part, join_arrays, part_configs
from elman.models.neural import NeuralModel
from elman.models.parameter_vector import ParameterVector
from elman.models.protocol import State
from elman.models.trace import Trace
from elman.notation import Lengths, LogProbs, TokenIds
from elman.progress import counted
from elman.text.tokenizer import Tokenizer

_LARGEST = 2.0
"""Gradients are clipped to this many times their usual size."""
_ROWS = 16
"""Segments read together by ``gradient_rms``."""
_EMPTY = -1
"""The id of positions in the segment that are not read yet."""


@dataclass(frozen=True, kw_only=True)
class DynamicConfig(Config):
    """How a network keeps learning while it reads."""

    rate: float
    """Size of a step, relative to the usual gradient."""
    decay: float = 0.0
    """Share of the way back to the trained weights at each step, for a weight with usual
    gradients."""
    floor: float = 0.3
    """Added to each weight's rms, as a fraction of their mean."""
    bptt: int = 20
    """Tokens of a segment."""
    parts: list
    """The network inside, ``[{"model": ..., "config": {...}}]``."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0.0 <= self.rate <= 1e3:
            raise UsageError(f"the rate of dynamic evaluation is {self.rate:g}; it must be from 0 to 1000")
        if not 0.0 <= self.decay <= 1.0:
            raise UsageError(f"the decay of dynamic evaluation is {self.decay:g}; it must be from 0 to 1")
        if not 1e-6 <= self.floor <= 1e6:
            raise UsageError(f"the floor of dynamic evaluation is {self.floor:g}; it must be above 0")
        if not 1 <= self.bptt <= 1 << 12:
            raise UsageError(f"bptt of dynamic evaluation is {self.bptt}; it must be from 1 to 4096 tokens")
        if len(self.parts) != 1:
            raise UsageError(f"dynamic evaluation needs one network, not {len(self.parts)}")
        check_part(self.parts[0])


class DynamicEvaluation:
    """A network that learns while it reads, itself a language model; one row at a time.

    A state holds the weights, the inputs of the segment so far (``inputs[1, bptt]``), the network's
    state before them (``begin.*``) and after them (``now.*``), and ``top``, from which the next
    token is predicted.

    Args:
        model: the trained network.
        rms: the result of ``gradient_rms`` for it.
        rate, decay, floor, bptt: see ``DynamicConfig``.

    Raises:
        UsageError: a value out of range.
    """

    batchable: bool = False
    exact: bool = True
    forgets_lines: bool = False

    def __init__(
        self,
        model: NeuralModel,
        rms: NDArray[np.float32],
        *,
        rate: float,
        decay: float = 0.0,
        floor: float = 0.3,
        bptt: int = 20,
    ) -> None:
        stand_in = [{"model": "", "config": {}}]
        checked = DynamicConfig(rate=rate, decay=decay, floor=floor, bptt=bptt, parts=stand_in)
        self.model = model
        self.tokenizer = model.tokenizer
        self.rms = rms
        self.rate, self.decay, self.floor, self.bptt = checked.rate, checked.decay, checked.floor, checked.bptt
        self._vector = ParameterVector(model.network)
        # The state whose weights are loaded. Arrays of states never change, so they are not loaded
        # twice.
        self._loaded: NDArray[np.float32] | None = None
        usual = torch.tensor(rms)
        self._usual_size = float(torch.linalg.vector_norm(usual))
        self._steps = self.rate / (usual + self.floor * usual.mean())
        self._pull = (usual * (self.decay / usual.mean())).clamp(max=1)
        digest = hashlib.sha256(f"dynamic|{rate}|{decay}|{floor}|{bptt}|{model.model_hash}".encode())
        digest.update(rms.tobytes())
        self.model_hash = digest.hexdigest()

    @property
    def config(self) -> DynamicConfig:
        """The configuration for ``from_arrays``."""
        return DynamicConfig(
            rate=self.rate, decay=self.decay, floor=self.floor, bptt=self.bptt, parts=part_configs([self.model])
        )

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """The trained weights, under ``"0."``, and ``rms``."""
        return {"rms": self.rms, **join_arrays([self.model])}

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, NDArray[Any]], tokenizer: Tokenizer, config: DynamicConfig
    ) -> "DynamicEvaluation":
        """The model that ``to_arrays`` was called on.

        Raises:
            FolderError: the arrays are damaged or do not fit the configuration.
        """
        own_arrays = {name: array for name, array in arrays.items() if name != "rms"}
        (model,) = build_parts(own_arrays, tokenizer, config.parts)
        rms = arrays.get("rms")
        if not isinstance(model, NeuralModel):
            raise FolderError("dynamic evaluation of something that is no network; the folder is damaged")
        size = sum(parameter.numel() for parameter in model.network.parameters())
        if rms is None or rms.dtype != np.float32 or rms.shape != (size,) or not (np.isfinite(rms) & (rms >= 0)).all():
            raise FolderError("'rms' does not fit the network; the folder is damaged")
        return cls(model, rms, rate=config.rate, decay=config.decay, floor=config.floor, bptt=config.bptt)

    def start(self, batch: int = 1) -> State:
        """A document start: the trained weights, nothing read."""
        _check_alone(batch)
        return self._started

    @cached_property
    def _started(self) -> State:
        vector, first = self._vector, [self.tokenizer.size]
        vector.weights.copy_(vector.trained)
        begin = vector.network.initial_state(1)
        return self._packed(self._kept(), _Segment(first, begin, *self._read(first, begin)))

    def log_probs(self, state: State) -> LogProbs:
        """Natural log-probabilities of every type as the next token, ``[1, V]``."""
        top = self._load(state).top
        with torch.no_grad():
            return self._vector.network.output.log_probs(top).numpy()

    def advance(self, ids: TokenIds, state: State) -> State:
        """The state after one more token; every ``bptt`` tokens the weights change."""
        return self.trace(np.asarray(ids, np.int64)[:, None], np.ones(len(ids), np.int64), state).state

    def score(self, ids: TokenIds, lengths: Lengths, state: State) -> tuple[LogProbs, State]:
        """Log-probability of each given token ``[1, T]``, and the state after the last real one."""
        trace = self.trace(ids, lengths, state)
        return trace.scores, trace.state

    def trace(self, ids: TokenIds, lengths: Lengths, state: State, *, whole: bool = False) -> Trace:
        """As ``score``, with the features and, if ``whole``, all log-probabilities before each
        token.

        Every completed segment takes one forward and one backward pass.
        """
        _check_alone(len(ids))
        segment, weights = self._load(state), state.parts["weights"]
        tokens = np.asarray(ids[0, : lengths[0]], np.int64).tolist()
        scores = np.zeros((1, ids.shape[1]), np.float32)
        seen = np.zeros((1, ids.shape[1], segment.top.shape[1]), np.float32)
        kept = np.zeros((1, ids.shape[1], self.tokenizer.size), np.float32) if whole else None
        done, learned = 0, False
        while done < len(tokens):
            new = tokens[done : done + self.bptt + 1 - len(segment.inputs)]
            if len(segment.inputs) + len(new) > self.bptt:
                y, log_probs, segment = self._completed(segment, new)
                learned = True
            else:
                y, log_probs, segment = self._continued(segment, new)
            span = slice(done, done + len(new))
            seen[0, span] = y.numpy()
            scores[0, span] = log_probs[torch.arange(len(new)), torch.tensor(new)].numpy()
            if kept is not None:
                kept[0, span] = log_probs.numpy()
            done += len(new)
        if learned:
            weights = self._kept()
        return Trace(scores, seen, kept, self._packed(weights, segment))

    def features(self, state: State) -> NDArray[np.float32]:
        """The network's hidden vector, ``[1, H]``."""
        return state.parts["top"]

    def describe(self) -> dict[str, Any]:
        """Name, parameters of the network, and the learning settings."""
        about = self.model.describe()
        rule = f"rate {self.rate:g}, decay {self.decay:g}, segments of {self.bptt}"
        size = f"{about['name']} ({about['size']}), {rule}"
        return {"name": "dynamic", "parameters": about["parameters"], "size": size, "parts": [about]}

    def _completed(self, segment: "_Segment", new: list[int]) -> tuple[Tensor, Tensor, "_Segment"]:
        """Outputs and log-probabilities before each of the ``new`` tokens that complete a segment,
        and the next segment.
        """
        read = [*segment.inputs, *new]
        lesson = self._vector.learn(torch.tensor([read[:-1]]), torch.tensor([read[1:]]), segment.begin)
        vector, self._loaded = self._vector, None
        # An unusually surprising segment must not derail the network.
        size = float(torch.linalg.vector_norm(vector.gradient))
        scale = min(_LARGEST * self._usual_size / max(size, 1e-30), 1.0)
        vector.weights.lerp_(vector.trained, self._pull).addcmul_(vector.gradient, self._steps, value=-scale)
        after = _Segment(read[-1:], lesson.state, *self._read(read[-1:], lesson.state))
        return lesson.y[0, -len(new) :], lesson.log_probs[0, -len(new) :], after

    def _continued(self, segment: "_Segment", new: list[int]) -> tuple[Tensor, Tensor, "_Segment"]:
        y, now = self._run(new, segment.now)
        before = torch.cat([segment.top, y[:-1]])
        with torch.no_grad():
            log_probs = self._vector.network.output.log_probs(before)
        return before, log_probs, _Segment([*segment.inputs, *new], segment.begin, now, y[-1:])

    def _read(self, tokens: list[int], state: tuple[Tensor, ...]) -> tuple[tuple[Tensor, ...], Tensor]:
        y, now = self._run(tokens, state)
        return now, y[-1:]

    @torch.no_grad()
    def _run(self, tokens: list[int], state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        y, now = self._vector.network(torch.tensor([tokens]), state)
        return y[0], now

    def _kept(self) -> NDArray[np.float32]:
        """A copy of the current weights, for a state."""
        self._loaded = self._vector.weights.numpy().copy()[None]
        return self._loaded

    def _packed(self, weights: NDArray[np.float32], segment: "_Segment") -> State:
        inputs = np.full((1, self.bptt), _EMPTY, np.int64)
        inputs[0, : len(segment.inputs)] = segment.inputs
        states = {"begin": segment.begin, "now": segment.now}
        carried = {f"{name}.{k}": part.numpy() for name, parts in states.items() for k, part in enumerate(parts)}
        return State(self.model_hash, {"weights": weights, "inputs": inputs, "top": segment.top.numpy(), **carried})

    def _load(self, state: State) -> "_Segment":
        """Load the state's weights, and return its segment."""
        if state.model_hash != self.model_hash:
            raise ModelError("this state belongs to another model; begin with this model's start()")
        _check_alone(state.batch)
        parts = state.parts
        if parts["weights"] is not self._loaded:
            np.copyto(self._vector.weights.numpy(), parts["weights"][0])
            self._loaded = parts["weights"]
        begin, now = (
            tuple(torch.tensor(part) for name, part in parts.items() if name.startswith(f"{which}."))
            for which in ("begin", "now")
        )
        inputs = [token for token in parts["inputs"][0].tolist() if token != _EMPTY]
        return _Segment(inputs, begin, now, torch.tensor(parts["top"]))


class _Segment(NamedTuple):
    """The position of a reader in its segment."""

    inputs: list[int]
    begin: tuple[Tensor, ...]
    """The network's state before the inputs."""
    now: tuple[Tensor, ...]
    """And after them."""
    top: Tensor
    """The last layer's output after them, ``[1, H]``."""


def _check_alone(batch: int) -> None:
    if batch != 1:
        raise ModelError(f"dynamic evaluation reads one text at a time, not {batch}: each has weights of its own")


def gradient_rms(
    model: NeuralModel, ids: TokenIds, *, bptt: int = 20, advance: Callable[[int], None] = lambda tokens: None
) -> NDArray[np.float32]:
    """The root mean square of each weight's gradient over the segments of a text, ``[P]``.

    Gradients are means over the tokens of a segment. Up to 16 distant segments are read at a time.
    The gradient of n segments is smaller than that of one by the root of n, which is corrected.

    Args:
        ids: the text as one stream, ``[N]``.
        advance: called with the number of tokens done.

    Raises:
        ModelError: a text of fewer than ``bptt`` tokens.
    """
    rows = min(len(ids) // bptt, _ROWS)
    if not rows:
        raise ModelError(
            f"{counted(len(ids), 'token')}: too few to see how large gradients are; give {bptt} or more to tune on"
        )
    vector = ParameterVector(model.network)
    length = len(ids) // rows
    targets = torch.from_numpy(np.asarray(ids[: rows * length], np.int64).reshape(rows, length))
    inputs = torch.cat([targets.new_full((rows, 1), model.tokenizer.size), targets[:, :-1]], 1)
    state = model.network.initial_state(rows)
    squares, segments = torch.zeros_like(vector.gradient), 0
    for start in range(0, length - bptt + 1, bptt):
        state = vector.learn(inputs[:, start : start + bptt], targets[:, start : start + bptt], state).state
        squares.addcmul_(vector.gradient, vector.gradient)
        segments += 1
        advance(rows * bptt)
    return (squares * (rows / segments)).sqrt_().numpy()
