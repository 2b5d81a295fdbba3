"""RuntimeModel: a trained network through onnxruntime, in 8 bits or float32, without torch.

Its graph comes ready-made (``elman.export``), as ``model.onnx`` beside the weights. It has two parts that do not meet:
from ids and a state to the next state, and from the last layer's output to the probabilities; each is a session of its
own. In 8 bits every product rounds what comes in row by row, so that no result depends on the other rows
of a batch.

States are bound to the graph: a torch model and a runtime of the same weights do not take each other's, for the two
would not go on equally to the last bit.
"""

import dataclasses
import hashlib
import importlib
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.config import Config
from elman.errors import FolderError, ModelError, UsageError
from elman.models.protocol import State
from elman.models.runtime_file import check_graph, outputs_of, part, unseal
from elman.models.trace import Trace
from elman.notation import Lengths, LogProbs, TokenIds
from elman.text.tokenizer import Tokenizer

PROGRAM = "program"
"""The name of the graph's bytes among a model's arrays."""
_ENDS = ("log_probs", "chosen")
_SCORES = 1 << 20
"""Probabilities that exist at a time while scoring."""

Arrays = Mapping[str, NDArray[Any]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class RuntimeConfig(Config):
    """What is known of a runtime beside its graph."""

    precision: str = "int8"
    """``int8``, ``fp32``, or ``int8+fp32`` where only some layers are in 8 bits."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.precision not in ("int8", "fp32", "int8+fp32"):
            raise UsageError(f"precision is {self.precision[:20]!r}; it must be int8, fp32 or int8+fp32")


class RuntimeModel:
    """A network as a LanguageModel, computed by onnxruntime.

    A state's parts are those of ``NeuralModel``: the stack's state and ``top``, the last layer's output.
    """

    kind = "runtime"
    batchable: bool = True
    forgets_lines: bool = False
    forgets_lines: bool = False
    exact: bool = True

    def __init__(
        self, program: bytes, weights: Callable[[], Arrays], tokenizer: Tokenizer, *, threads: int = 1
    ) -> None:
        """``program`` is what ``elman.export`` makes; ``weights`` are asked for if it leaves some outside.

        Raises:
            FolderError: the program is damaged, hostile, or of another model.
        """
        self.program = program
        self.tokenizer = tokenizer
        self.threads = threads
        graph, facts = unseal(program)
        outside = check_graph(graph)
        given = weights() if outside else {}
        self.weights = {name: _weight(given, name, shape) for name, shape in outside.items()}
        self.facts = _check_facts(facts, tokenizer)
        self.precision: str = self.facts["precision"]
        self.weights_hash: str = self.facts["model"]
        """The hash of the network that the graph was made from."""
        self.model_hash = hashlib.sha256(f"runtime|{self.facts['graph']}|{self.weights_hash}".encode()).hexdigest()
        steps = [name for name in outputs_of(graph) if name not in _ENDS]
        self._step, self._end = (_session(graph, names, self.weights, threads=threads) for names in (steps, _ENDS))
        self._sizes = _check_sessions(self._step, self._end, tokenizer.size)

    @classmethod
    def from_arrays(cls, arrays: Arrays, tokenizer: Tokenizer, config: RuntimeConfig | None = None) -> "RuntimeModel":
        """Rebuild from ``to_arrays``.

        Raises:
            FolderError: no program among them, or a bad one.
        """
        program = arrays.get(PROGRAM)
        if program is None or program.dtype != np.uint8 or program.ndim != 1:
            raise FolderError("the weights hold no program for the runtime; the folder is damaged")
        model = cls(program.tobytes(), lambda: arrays, tokenizer)
        if config is not None and config.precision != model.precision:
            raise FolderError(f"the program is in {model.precision}, not in {config.precision}; the folder is damaged")
        return model

    @property
    def config(self) -> RuntimeConfig:
        """What ``from_arrays`` needs beside the arrays and the tokenizer."""
        return RuntimeConfig(precision=self.precision)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """The program and the weights that it takes from outside."""
        return {PROGRAM: np.frombuffer(self.program, np.uint8), **self.weights}

    def start(self, batch: int = 1) -> State:
        return self._started.take(np.zeros(batch, np.int64))

    def log_probs(self, state: State) -> LogProbs:
        self._check(state)
        return self._probabilities("log_probs", state.parts["top"])

    def advance(self, ids: TokenIds, state: State) -> State:
        self._check(state)
        return State(self.model_hash, self._advanced(np.asarray(ids, np.int64), state.parts))

    def score(self, ids: TokenIds, lengths: Lengths, state: State) -> tuple[LogProbs, State]:
        found = self.trace(ids, lengths, state)
        return found.scores, found.state

    def trace(self, ids: TokenIds, lengths: Lengths, state: State, *, whole: bool = False) -> Trace:
        self._check(state)
        batch, time = ids.shape
        lengths = np.asarray(lengths, np.int64)
        real = np.arange(time)[None, :] < lengths[:, None]
        safe = np.where(real, ids, 0).astype(np.int64)
        before = np.zeros((batch, time, self._sizes["top"]), np.float32)
        parts = state.parts
        for place in range(int(lengths.max(initial=0))):
            before[:, place] = parts["top"]
            here = self._advanced(safe[:, place], parts)
            going = real[:, place, None]
            parts = here if going.all() else {name: np.where(going, here[name], parts[name]) for name in here}
        scores = np.zeros((batch, time), np.float32)
        kept = np.zeros((batch, time, self.tokenizer.size), np.float32) if whole else None
        rows, targets = before[real], safe[real]
        chosen = np.empty(len(rows), np.float32)
        size = max(_SCORES // self.tokenizer.size, 1)
        for start in range(0, len(rows), size):
            some = slice(start, start + size)
            chosen[some] = self._probabilities("chosen", rows[some], targets[some])
        scores[real] = chosen
        if kept is not None and len(rows):
            kept[real] = self._probabilities("log_probs", rows)
        return Trace(scores, before, kept, state if parts is state.parts else State(self.model_hash, dict(parts)))

    def features(self, state: State) -> NDArray[np.float32]:
        return state.parts["top"]

    def describe(self) -> dict[str, Any]:
        return {**self.facts["about"], "precision": self.precision}

    @cached_property
    def _started(self) -> State:
        empty = {name: np.zeros((1, size), np.float32) for name, size in self._sizes.items()}
        return State(self.model_hash, self._advanced(np.array([self.tokenizer.size]), empty))

    def _advanced(self, ids: NDArray[np.int64], parts: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        given = {name: part for name, part in parts.items() if name != "top"}
        found = self._step.run(self._after, {"ids": ids, **given})
        return dict(zip(self._sizes, found, strict=True))

    def _probabilities(
        self, wanted: str, top: NDArray[Any], targets: NDArray[np.int64] | None = None
    ) -> NDArray[np.float32]:
        targets = np.zeros(len(top), np.int64) if targets is None else targets
        return self._end.run([wanted], {"top": top, "targets": targets})[0]

    @cached_property
    def _after(self) -> list[str]:
        return [f"next.{name}" for name in self._sizes]

    def _check(self, state: State) -> None:
        if state.model_hash != self.model_hash:
            raise ModelError("this state belongs to another model; begin with this model's start()")


def _weight(weights: Arrays, name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
    array = weights.get(name)
    if array is None or array.shape != shape or array.dtype != np.float32:
        raise FolderError(f"the program takes {name[:40]!r} from the weights, which they do not hold like that")
    if not np.isfinite(array).all():
        raise FolderError(f"{name[:40]!r} holds numbers that are not finite; the model is damaged, train it again")
    return np.ascontiguousarray(array)


def _check_facts(facts: dict[str, Any], tokenizer: Tokenizer) -> dict[str, Any]:
    about = facts.get("about")
    texts = [facts.get(name) for name in ("precision", "model", "tokenizer", "graph")]
    if not all(isinstance(text, str) for text in texts) or not isinstance(about, dict):
        raise FolderError("elman's note in the program is damaged")
    if facts["tokenizer"] != tokenizer.hash:
        raise FolderError("the program was made for another vocabulary; copy or train the model again")
    RuntimeConfig(precision=facts["precision"])
    return facts


def _session(graph: memoryview, outputs: Sequence[str], weights: Arrays, *, threads: int) -> Any:
    onnxruntime: Any = importlib.import_module("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    # Threads that wait should sleep: a second busy process would halve the speed of both.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    model, needed = part(graph, outputs)
    given = {name: array for name, array in weights.items() if name in needed}
    if given:
        values = [onnxruntime.OrtValue.ortvalue_from_numpy(array) for array in given.values()]
        options.add_external_initializers(list(given), values)
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has a tree of its own
        short = " ".join(str(error).split())[:120]
        raise FolderError(
            f"onnxruntime does not take the program ({short}); make it again with `elman export`"
        ) from error


def _check_sessions(step: Any, end: Any, vocab: int) -> dict[str, int]:
    """Sizes of a state's parts by name, ``top`` first."""
    numbers, ids = "tensor(float)", "tensor(int64)"
    inputs, outputs, inputs_end, outputs_end = (
        {each.name: (each.type, list(each.shape)) for each in found()}
        for found in (step.get_inputs, step.get_outputs, end.get_inputs, end.get_outputs)
    )
    sizes = {"top": inputs_end.get("top", ("", [0]))[1][-1]}
    sizes |= {f"stack.{k}": inputs.get(f"stack.{k}", ("", [0]))[1][-1] for k in range(len(inputs) - 1)}
    stack = {name: (numbers, ["B", size]) for name, size in sizes.items() if name != "top"}
    good = (
        inputs == {"ids": (ids, ["B"]), **stack}
        and outputs == {f"next.{name}": (numbers, ["B", size]) for name, size in sizes.items()}
        and inputs_end == {"top": (numbers, ["N", sizes["top"]]), "targets": (ids, ["N"])}
        and outputs_end == {"log_probs": (numbers, ["N", vocab]), "chosen": (numbers, ["N"])}
        and all(isinstance(size, int) and 0 < size <= 1 << 24 for size in sizes.values())
    )
    if not good:
        raise FolderError("the program does not have the inputs and outputs of this model; make it again")
    return sizes
