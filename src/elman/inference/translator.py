"""InferenceTranslator: a translator's network computed by the engine, without torch, in 8 bits or float32.

It reads all sources at once and then takes a step for all rows at once. No row depends on another.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.padding import pad
from elman.errors import FolderError
from elman.inference import pooling
from elman.inference.engine import PATIENCE
from elman.inference.engine_network import Arrays, EngineNetwork, EngineNetworkConfig
from elman.inference.stack import check_states
from elman.inference.translator_program import translator_program
from elman.inference.weights import gain_of
from elman.models.translator_config import TranslatorConfig, TranslatorSizes

Parts = dict[str, NDArray[np.float32]]
_ROWS = 256
"""Sources read at a time, of similar length."""
_SCORE = "attention.score"


@dataclasses.dataclass(frozen=True, kw_only=True)
class InferenceTranslatorConfig(EngineNetworkConfig):
    """The configuration of an ``InferenceTranslator``."""

    source: int
    """Types of the source."""
    target: int
    """Types of the target (V)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        TranslatorSizes(self.source, self.target)


@dataclasses.dataclass(frozen=True)
class SourceMemory:
    """What the decoder knows of N sources."""

    values: NDArray[np.float32]
    """Outputs of the encoder after all tokens of all sources ``[tokens, D]``."""
    keys: NDArray[np.float32]
    """Their keys ``[tokens, A]``; no numbers without attention."""
    starts: NDArray[np.int64]
    """Where each source begins ``[N + 1]``."""
    states: Parts
    """The decoder's first state by name ``[N, size]``."""

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens of each source ``[N]``."""
        return np.diff(self.starts)


class InferenceTranslator(EngineNetwork):
    """A translator's network.

    Args:
        arrays: the weights by name; for 8-bit matrices, codes and scales are enough
            (``to_arrays``).
        patience: see ``Engine``.

    Raises:
        FolderError: the weights do not fit the configuration.
        UsageError: the network's configuration is invalid.
    """

    def __init__(self, arrays: Arrays, config: InferenceTranslatorConfig, *, patience: int = PATIENCE) -> None:
        self.config = config
        self.shape = TranslatorConfig.from_json(config.network)
        self.sizes = TranslatorSizes(config.source, config.target)
        check_states(self.shape)
        super().__init__(arrays, config, translator_program(self.shape, self.sizes), patience=patience)
        self._score = np.zeros(0, np.float32)
        if self.shape.attention == "additive":
            self._score = _vector(arrays, _SCORE, self.shape.key_size)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """The weights that are needed."""
        return {**super().to_arrays(), **({_SCORE: self._score} if len(self._score) else {})}

    @cached_property
    def state_sizes(self) -> dict[str, int]:
        """The parts of the decoder's state, and their sizes."""
        return {name: size for name, size in self.program.states.items() if name.startswith("stack.")}

    def read(self, sources: Sequence[NDArray[np.int64]]) -> SourceMemory:
        """Read sources, each of at least one token.

        Raises:
            ModelError: an id that is out of bounds.
        """
        lengths = np.array([len(ids) for ids in sources], np.int64)
        starts = np.concatenate([[0], np.cumsum(lengths)])
        values = np.empty((starts[-1], self.shape.token_size), np.float32)
        wholes = np.empty((len(sources), self.shape.token_size), np.float32)
        order = np.argsort(-lengths, kind="stable")
        size = self.shape.top_size
        for some in (order[start : start + _ROWS] for start in range(0, len(order), _ROWS)):
            read, counts = pad([sources[number] for number in some.tolist()], fill=0)
            tokens = self._tokens(read, counts)
            wholes[some, :size] = pooling.last(tokens[..., :size], counts)
            wholes[some, size:] = tokens[:, 0, size:]
            for row, number in enumerate(some.tolist()):
                values[starts[number] : starts[number + 1]] = tokens[row, : counts[row]]
        keys = np.zeros((len(values), 0), np.float32)
        if self.shape.attends:
            keys = self._run("keys", {}, {"token": values}, ["key"])[0]
        states = {name: np.zeros((len(sources), size), np.float32) for name, size in self.state_sizes.items()}
        if self.shape.begin_size and len(sources):
            states = dict(zip(states, self._run("begin", {}, {"whole": wholes}, list(states)), strict=True))
        return SourceMemory(values, keys, starts, states)

    def _tokens(self, read: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.float32]:
        """The encoder's outputs ``[B, S, D]`` of sources sorted by length, the longest first."""
        sides = [self._side("forward", read, counts)]
        if self.shape.bidirectional:
            there = self._side("backward", pooling.mirrored(read, counts), counts)
            sides.append(pooling.mirrored(there, counts))
        return np.concatenate(sides, axis=2)

    def _side(self, direction: str, read: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.float32]:
        names = (name for name in self.program.states if name.startswith(f"{direction}."))
        state = {name: np.zeros((len(read), self.program.states[name]), np.float32) for name in names}
        return self._engines[f"{direction}.step"].along(read, counts, state, top="token")[0]

    def step(
        self, ids: NDArray[np.int64], state: Mapping[str, NDArray[np.float32]], memory: SourceMemory, which: Any
    ) -> tuple[Parts, NDArray[np.float32]]:
        """One token more for each of R rows.

        Args:
            ids: ``[R]``; V is `<s>`.
            state: the parts of the decoder's state, and ``vector``.
            which: the source of each row ``[R]``.

        Returns:
            The state after it, and the weights over each row's source ``[R, S]``, S those of the
            longest; without attention zeros.
        """
        given = {name: state[name] for name in self.state_sizes}
        if self.shape.input_feeding:
            given["vector"] = state["vector"]
        additive = self.shape.attention == "additive"
        wanted = [*(f"next.{name}" for name in self.state_sizes), "top", *(["query"] if additive else [])]
        found = self._run("step", {"ids": np.asarray(ids, np.int64)}, given, wanted)
        parts = dict(zip(self.state_sizes, found, strict=False))
        read = {"top": found[len(parts)]}
        weights = np.zeros((len(ids), int(memory.lengths.max(initial=0))), np.float32)
        if self.shape.attends:
            from elman.inference.attention_kernels import attend  # brings numba along

            read["context"] = np.empty((len(ids), self.shape.token_size), np.float32)
            attend(
                found[-1], np.array(which, np.int64), memory.keys, memory.values, memory.starts, self._score, weights,
                read["context"],
            )  # fmt: skip
        parts["vector"] = self._run("combine", {}, read, ["vector"])[0]
        return parts, weights

    def log_probs(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Log-probabilities of all types ``[R, V]``."""
        return self._run("output", {"targets": np.zeros(len(vectors), np.int64)}, {"vector": vectors}, ["log_probs"])[0]

    def chosen(self, vectors: NDArray[np.float32], ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """The log-probability of one type each ``[R]``."""
        return self._run("output", {"targets": ids}, {"vector": vectors}, ["chosen"])[0][:, 0]

    def _run(self, name: str, ids: Any, vectors: Mapping[str, NDArray[np.float32]], wanted: list[str]) -> list[Any]:
        # Kernels are compiled for whole, writable arrays only: each other kind would be compiled by itself.
        return [np.require(part, requirements=["C", "W"]) for part in self._engines[name].run(ids, vectors, wanted)]


def inference_translator(
    arrays: Arrays, config: TranslatorConfig, sizes: TranslatorSizes, *, int8: Iterable[str], patience: int = PATIENCE
) -> InferenceTranslator:
    """The engine's translator of a network's own weights, those of the groups ``int8`` in 8 bits."""
    settings = InferenceTranslatorConfig(
        network=config.to_json(), source=sizes.source, target=sizes.target, int8=sorted(int8), gain=gain_of(arrays)
    )
    return InferenceTranslator(arrays, settings, patience=patience)


def _vector(arrays: Arrays, name: str, size: int) -> NDArray[np.float32]:
    array = arrays.get(name)
    if array is None or array.shape != (size,) or array.dtype != np.float32 or not np.isfinite(array).all():
        raise FolderError(f"the weights lack {name!r} as finite float32[{size}]; the folder is damaged")
    return array
