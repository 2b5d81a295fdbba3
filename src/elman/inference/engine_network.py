"""EngineNetwork: a network as functions of a program, computed by the engine without torch."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from elman.config import Config
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

    def compile(self) -> None:
        """Load the compiled kernels now, not after the first rows."""
        for engine in self._engines.values():
            engine.compile()
