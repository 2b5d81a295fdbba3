"""EngineNetwork: a network as functions of a program, computed by the engine without torch."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.config import Config
from elman.inference import pooling
from elman.inference.engine import Engine
from elman.inference.passes import optimise
from elman.inference.program import Program
from elman.inference.weights import ProgramWeights, check_precision, in_8_bits, stored_arrays

Arrays = Mapping[str, NDArray[Any]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class EngineNetworkConfig(Config):
    """What is stored with the weights of such a network; each network adds its sizes."""

    network: dict[str, Any]
    """The configuration of the trained network."""
    int8: list[str]
    """The groups of weights in 8 bits (``inference.weights.groups_of``)."""
    gain: float = 1.0
    """Factor of embeddings in 8-bit products with a state (``inference.passes.optimise``)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_precision(self.int8, self.gain)


@dataclasses.dataclass(frozen=True, kw_only=True)
class HistoryNetworkConfig(EngineNetworkConfig):
    """What is stored with a network that goes on from what it has read: the end of each series, or
    the state of each entity, lies beside the weights."""

    sizes: dict[str, Any]
    """The sizes that follow from its data."""
    history: list[str] = dataclasses.field(default_factory=list)
    """The names of these series or entities."""


class EngineNetwork:
    """Base of the engine's networks.

    Args:
        arrays: the weights by name; for 8-bit matrices, codes and scales are enough
            (``to_arrays``).
        program: as the network is written down; it is optimised here.
        patience: see ``Engine``.

    Raises:
        FolderError: the weights do not fit the program.
    """

    shape: Any
    """The configuration of the trained network."""

    def __init__(self, arrays: Arrays, config: EngineNetworkConfig, program: Program, *, patience: int) -> None:
        self.weights = ProgramWeights(arrays)
        self.program = optimise(program, gain=config.gain).mapped(lambda function: in_8_bits(function, config.int8))
        self.weights.check(self.program.functions.values())
        self._engines = {
            name: Engine(function, self.weights, patience=patience) for name, function in self.program.functions.items()
        }

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """The weights that are needed."""
        return stored_arrays(self.program.functions.values(), self.weights)

    @property
    def precision(self) -> str:
        """``int8``, ``fp32``, or ``int8+fp32`` where only some products are in 8 bits."""
        return self.program.precision

    def along(
        self,
        name: str,
        read: NDArray[np.int64],
        counts: NDArray[np.int64],
        *,
        top: str = "token",
        table: tuple[str, NDArray[np.float32]] | None = None,
    ) -> NDArray[np.float32]:
        """The outputs ``[B, T, size]`` of a stack along rows, from zeros on.

        Args:
            name: of the stack; "" if there is only one.
            read: what is read ``[B, T]``: ids, or the rows of a ``table``.
            counts: how much of it is real ``[B]``, falling.
            top: the name of the output.
            table: the name of the input, and its vectors.
        """
        prefix = f"{name}." if name else ""
        sizes = {part: size for part, size in self.program.states.items() if part.startswith(prefix)}
        state = {part: np.zeros((len(read), size), np.float32) for part, size in sizes.items()}
        return self._engines[f"{prefix}step"].along(read, counts, state, top=top, table=table)[0]

    def both_ways(
        self,
        read: NDArray[np.int64],
        counts: NDArray[np.int64],
        *,
        name: str = "",
        tables: tuple[str, Mapping[str, NDArray[np.float32]]] | None = None,
    ) -> NDArray[np.float32]:
        """The outputs ``[B, T, D]`` of the stacks of all directions, each at its token.

        Args:
            name: before the names of the stacks.
            tables: the name of the input, and its vectors for each stack by name.
        """
        sides = []
        for direction in self.shape.directions:
            stack = name + direction
            table = None if tables is None else (tables[0], tables[1][stack])
            if direction == "forward":
                sides.append(self.along(stack, read, counts, table=table))
            else:
                there = self.along(stack, pooling.mirrored(read, counts), counts, table=table)
                sides.append(pooling.mirrored(there, counts))
        return np.concatenate(sides, axis=2)

    def compile(self) -> None:
        """Load the compiled kernels now, not after the first rows."""
        for engine in self._engines.values():
            engine.compile()
