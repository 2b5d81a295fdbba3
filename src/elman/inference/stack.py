"""One step of all layers of a network, recorded one above the other.

    step     ids, NAME.k   -> top, next.NAME.k

``NAME`` is the prefix of the stack's weights; ``NAME.k`` are the parts of the layers' states.
"""

import dataclasses

from elman.cells.operators import linear, norm
from elman.cells.recording import record_step
from elman.cells.symbol import Symbol
from elman.errors import FolderError
from elman.inference.program import rows
from elman.models.stack_config import StackConfig

_LARGEST = 1 << 24


@dataclasses.dataclass(frozen=True)
class RecordedStack:
    """One step of a stack."""

    top: Symbol
    """The last layer's output, projected where there is a projection, plus the skip connections."""
    after: dict[str, Symbol]
    """The parts of the next state, named ``next.NAME``."""
    states: dict[str, int]
    """The size of each part of the state by name."""


def record_stack(config: StackConfig, x: Symbol, *, name: str = "stack") -> RecordedStack:
    """Record one step of all layers.

    Args:
        x: the input of the first layer.
        name: the prefix of the names of weights and state parts.
    """
    cell = config.kind
    states: dict[str, int] = {}
    after: dict[str, Symbol] = {}
    outputs: list[Symbol] = []
    for number, sizes in enumerate(config.sizes(x.size)):
        parts = cell.state(sizes)
        names = [f"{name}.{len(states) + index}" for index in range(len(parts))]
        states |= dict(zip(names, parts.values(), strict=True))
        state = {part: Symbol.input(part, states[part]) for part in names}
        recorded = record_step(cell, sizes, x=x, state=state, prefix=f"{name}.layers.{number}.", named=False)
        after |= {f"next.{part}": new for part, new in zip(names, recorded.after, strict=True)}
        outputs.append(recorded.output)
        x = recorded.output
    top = norm(x, Symbol.parameter(f"{name}.gain", (config.top_size,))) if cell.adds else x
    if config.projection:
        top = linear(top, Symbol.parameter(f"{name}.projection.weight", (config.top_size, top.size)))
    for number, below in enumerate(outputs[:-1] if config.shortcuts else ()):
        shape = config.top_size, below.size
        top = top + linear(below, Symbol.parameter(f"{name}.skips.{number}.weight", shape))
    return RecordedStack(top, after, states)


def check_states(config: StackConfig) -> None:
    """Raise if a state would be too large.

    A hostile configuration must not allocate memory beyond any real model's.

    Raises:
        FolderError: a part of a state has more than 2^24 numbers.
    """
    largest = max(size for parts in config.states for size in parts.values())
    if largest > _LARGEST:
        raise FolderError(f"its state would have parts of {largest} numbers; the folder is damaged")


def record_embedding(config: StackConfig, ids: Symbol, vocab: int) -> Symbol:
    """The input of the first layer for ``ids`` from 0 to V.

    It is a row of one table ``[V + 1, E]``, or a unit vector.
    """
    if config.input == "one-hot":
        return Symbol("one_hot", (ids,), (vocab + 1,))
    return rows(Symbol.parameter("embedding.weight", (vocab + 1, config.embedding_size)), ids)
