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
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.config import Config
from elman.errors import FolderError, ModelError, UsageError
from elman.models.protocol import State
from elman.models.runtime_file import check_graph, contents, outputs_of, part, unseal
from elman.models.session import Session
from elman.models.trace import Trace
from elman.notation import Lengths, LogProbs, TokenIds
from elman.text.tokenizer import Tokenizer

PROGRAM = "program"
"""The name of the graph's bytes among a model's arrays."""
_FLOAT, _INT64 = 1, 7
"""ONNX's numbers of types."""
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
    exact: bool = True

    def __init__(
        self,
        program: bytes,
        weights: Callable[[], Arrays],
        tokenizer: Tokenizer,
        *,
        threads: int = 1,
        tape: bool = True,
    ) -> None:
        """``program`` is what ``elman.export`` makes; ``weights`` are asked for if it leaves some outside.

        Parts that are all in 8 bits run as a tape; without ``tape``, and whatever it cannot do, by onnxruntime.

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
        how: dict[str, Any] = {"threads": threads, "tape": tape}
        self._step, self._end = (_engine(graph, names, self.weights, tokenizer.size, **how) for names in (steps, _ENDS))
        self._sizes = _check_sizes(graph, self._step, self._end, tokenizer.size)

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
        self._check(state, len(ids))
        return State(self.model_hash, self._advanced(np.asarray(ids, np.int64), state.parts))

    def score(self, ids: TokenIds, lengths: Lengths, state: State) -> tuple[LogProbs, State]:
        found = self.trace(ids, lengths, state)
        return found.scores, found.state

    def trace(self, ids: TokenIds, lengths: Lengths, state: State, *, whole: bool = False) -> Trace:
        batch, time = ids.shape
        self._check(state, batch)
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
            chosen[some] = self._probabilities("chosen", rows[some], targets[some]).reshape(-1)
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
        found = self._step.run({"ids": ids}, parts, self._after)
        return dict(zip(self._sizes, found, strict=True))

    def _probabilities(
        self, wanted: str, top: NDArray[Any], targets: NDArray[np.int64] | None = None
    ) -> NDArray[np.float32]:
        targets = np.zeros(len(top), np.int64) if targets is None else targets
        return self._end.run({"targets": targets}, {"top": top}, [wanted])[0]

    @cached_property
    def _after(self) -> list[str]:
        return [f"next.{name}" for name in self._sizes]

    def _check(self, state: State, batch: int | None = None) -> None:
        if state.model_hash != self.model_hash:
            raise ModelError("this state belongs to another model; begin with this model's start()")
        if batch is not None and batch != state.batch:
            raise ModelError(f"{batch} rows of ids came with a state of {state.batch}; give as many as it has")


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


def _engine(graph: memoryview, outputs: Sequence[str], weights: Arrays, vocab: int, *, threads: int, tape: bool) -> Any:
    """What computes a part of the graph: a tape where all of it is in 8 bits, else onnxruntime."""
    model, needed = part(graph, outputs)
    given = {name: array for name, array in weights.items() if name in needed}
    whole = {"ids": (0, vocab), "targets": (0, vocab - 1)}
    if tape and not given:
        from elman.models.tape import Tape
        from elman.models.tape_things import Untranslatable

        try:
            return Tape(contents(model), whole)
        except Untranslatable:
            pass
    return Session(model, given, whole=whole, threads=threads)


def _check_sizes(graph: memoryview, step: Any, end: Any, vocab: int) -> dict[str, int]:
    """Sizes of a state's parts by name, ``top`` first."""
    found = contents(graph)
    sizes = {"top": end.inputs.get("top", 0)}
    sizes |= {f"stack.{k}": step.inputs.get(f"stack.{k}", 0) for k in range(len(step.inputs))}
    stack = {name: size for name, size in sizes.items() if name != "top"}
    rows: dict[str, tuple[int, list[int | str]]] = {name: (_FLOAT, ["B", size]) for name, size in stack.items()}
    after: dict[str, tuple[int, list[int | str]]] = {
        f"next.{name}": (_FLOAT, ["B", size]) for name, size in sizes.items()
    }
    good = (
        found.inputs
        == {"ids": (_INT64, ["B"]), **rows, "top": (_FLOAT, ["N", sizes["top"]]), "targets": (_INT64, ["N"])}
        and found.outputs == {**after, "log_probs": (_FLOAT, ["N", vocab]), "chosen": (_FLOAT, ["N"])}
        and step.inputs == stack
        and step.outputs == {name: shape[-1] for name, (_, shape) in after.items()}
        and end.inputs == {"top": sizes["top"]}
        and end.outputs == {"log_probs": vocab, "chosen": 1}
        and all(isinstance(size, int) and 0 < size <= 1 << 24 for size in sizes.values())
    )
    if not good:
        raise FolderError("the program does not have the inputs and outputs of this model; make it again")
    return sizes
