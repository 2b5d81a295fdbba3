"""InferenceDecoder: networks with a decoder computed by the engine, without torch, in 8 bits or
float32.

They read all sources at once and then take a step for all rows at once. No row depends on another.
"""

import dataclasses
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.inference.engine_network import Arrays, EngineNetwork, EngineNetworkConfig
from elman.inference.program import Program
from elman.inference.stack import check_states
from elman.inference.weights import checked_weights
from elman.models.decoder_config import DecoderConfig

Parts = dict[str, NDArray[np.float32]]
_SCORE = "attention.score"


@dataclasses.dataclass(frozen=True)
class SourceMemory:
    """What the decoder knows of N sources."""

    values: NDArray[np.float32]
    """Outputs of the encoder after all parts of all sources ``[parts, D]``."""
    keys: NDArray[np.float32]
    """Their keys ``[parts, A]``; no numbers without attention."""
    starts: NDArray[np.int64]
    """Where each source begins ``[N + 1]``."""
    states: Parts
    """The decoder's first state by name ``[N, size]``."""

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Parts (tokens, patches) of each source ``[N]``."""
        return np.diff(self.starts)


class InferenceDecoder(EngineNetwork):
    """A network that writes about what it has read; subclasses read.

    A subclass sets ``shape``, the configuration of the network, before it calls ``__init__``.
    """

    shape: DecoderConfig

    def __init__(self, arrays: Arrays, config: EngineNetworkConfig, program: Program, *, patience: int) -> None:
        check_states(self.shape)
        super().__init__(arrays, config, program, patience=patience)
        self._score = np.zeros(0, np.float32)
        if self.shape.attention == "additive":
            self._score = checked_weights(arrays, _SCORE, (self.shape.key_size,))

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """The weights that are needed."""
        return {**super().to_arrays(), **({_SCORE: self._score} if len(self._score) else {})}

    @cached_property
    def state_sizes(self) -> dict[str, int]:
        """The parts of the decoder's state, and their sizes."""
        return {name: size for name, size in self.program.states.items() if name.startswith("stack.")}

    @abstractmethod
    def read(self, sources: Sequence[NDArray[Any]]) -> SourceMemory:
        """Read sources, each of at least one part."""

    def remembered(
        self, values: NDArray[np.float32], lengths: NDArray[np.int64], wholes: NDArray[np.float32]
    ) -> SourceMemory:
        """What the decoder knows of sources.

        Args:
            values: as in ``SourceMemory``.
            lengths: parts of each source ``[N]``.
            wholes: what the decoder's state follows from ``[N, D]``.
        """
        keys = np.zeros((len(values), 0), np.float32)
        if self.shape.attends:
            keys = self.run("keys", {}, {"token": values}, ["key"])[0]
        states = {name: np.zeros((len(lengths), size), np.float32) for name, size in self.state_sizes.items()}
        if self.shape.begin_size and len(lengths):
            states = dict(zip(states, self.run("begin", {}, {"whole": wholes}, list(states)), strict=True))
        return SourceMemory(values, keys, np.concatenate([[0], np.cumsum(lengths)]), states)

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
        found = self.run("step", {"ids": np.asarray(ids, np.int64)}, given, wanted)
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
        parts["vector"] = self.run("combine", {}, read, ["vector"])[0]
        return parts, weights

    def log_probs(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Log-probabilities of all types ``[R, V]``."""
        return self.run("output", {"targets": np.zeros(len(vectors), np.int64)}, {"vector": vectors}, ["log_probs"])[0]

    def chosen(self, vectors: NDArray[np.float32], ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """The log-probability of one type each ``[R]``."""
        return self.run("output", {"targets": ids}, {"vector": vectors}, ["chosen"])[0][:, 0]

    def run(self, name: str, ids: Any, vectors: Mapping[str, NDArray[np.float32]], wanted: list[str]) -> list[Any]:
        """The ``wanted`` outputs of one of the functions."""
        # Kernels are compiled for whole, writable arrays only: each other kind would be compiled by
        # itself.
        return [np.require(part, requirements=["C", "W"]) for part in self._engines[name].run(ids, vectors, wanted)]
