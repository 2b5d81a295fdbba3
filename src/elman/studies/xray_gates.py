"""The gates of a network while it reads: along a sentence, and on average over a text."""

import copy
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray

from elman.cells.gates import KEEP, gate_values, meaning
from elman.models.neural import Network
from elman.nn.recurrent import Recurrent, State
from elman.notation import TokenIds

CLOSED, OPEN = 0.1, 0.9
"""A gate value below or above counts as saturated."""
_LONGEST = 10
_STATE = "state "


@dataclass(frozen=True)
class Inside:
    """The inside of a layer: arrays ``[T, H]``."""

    gates: dict[str, NDArray[np.float64]]
    """Gates by the names of ``elman.cells.gates``."""
    states: dict[str, NDArray[np.float64]]
    """The parts of the new state that have H numbers, by their names."""
    keep: NDArray[np.float64] | None
    """The kept share of the old state; None for cells without one."""
    meanings: dict[str, str]
    """The usual names of gates and states, if there are any."""


@dataclass(frozen=True)
class Reading:
    """The insides of all layers along a text."""

    layers: list[Inside]


@dataclass(frozen=True)
class Saturation:
    """Saturation of a gate of a layer over a text."""

    layer: int
    gate: str
    meaning: str
    """Its usual name; may be empty."""
    closed: float
    """Share of values below CLOSED."""
    open: float
    """Share of values above OPEN."""
    mean: float


@dataclass(frozen=True)
class Unit:
    """A unit and the length of its memory."""

    layer: int
    unit: int
    keep: float
    """Share of its state kept per token, geometric mean."""
    half_life: float
    """Half-life in tokens; infinite if everything stays."""


def read_inside(network: Network, ids: TokenIds, *, warm: int = 0) -> Reading:
    """Read ``ids[N, T]`` from a document start, step by step; rows come one after the other,
    ``[N * (T - warm), H]``.

    Args:
        warm: tokens at the start of each row that are read but left out.
    """
    double = copy.deepcopy(network).double().eval()
    stack = double.stack
    values: list[dict[str, list[torch.Tensor]]] = [{} for _ in stack.layers]

    def take(number: int, x: torch.Tensor, state: State) -> tuple[torch.Tensor, State]:
        layer = cast(Recurrent, stack.layers[number])
        y, after = layer.step(x, state)
        values_by_name = gate_values(layer.cell, layer.sizes, x, state, layer.weights())
        parts = zip(layer.state_names, after, strict=True)
        values_by_name |= {f"{_STATE}{name}": part for name, part in parts if part.shape == y.shape}
        for name, value in values_by_name.items():
            values[number].setdefault(name, []).append(value)
        return y, after

    with torch.no_grad():
        state = double.initial_state(len(ids))
        for row in double.embedding(torch.from_numpy(np.ascontiguousarray(ids))).double().unbind(dim=1):
            _, state = stack.step(row, state, take)
        return Reading([_inside(network.config.cell, each, warm) for each in values])


def _inside(cell: str, values: dict[str, list[torch.Tensor]], warm: int) -> Inside:
    arrays = {name: torch.stack(each[warm:], dim=1).flatten(0, 1).numpy() for name, each in values.items()}
    keep = arrays.pop(KEEP, None)
    states = {name.removeprefix(_STATE): each for name, each in arrays.items() if name.startswith(_STATE)}
    gates = {name: each for name, each in arrays.items() if not name.startswith(_STATE)}
    meanings = {name: meaning(cell, name) for name in (*gates, *states)}
    return Inside(gates, states, keep, {name: words for name, words in meanings.items() if words})


def saturation(reading: Reading) -> list[Saturation]:
    """The saturation of each gate of each layer. Without gates the size of the state is used: a
    unit of a plain RNN is saturated above OPEN.
    """
    saturations = []
    for number, layer in enumerate(reading.layers):
        gates = layer.gates or {f"|{name}|": np.abs(value) for name, value in layer.states.items()}
        for name, value in gates.items():
            closed, opened = float((value < CLOSED).mean()), float((value > OPEN).mean())
            words = layer.meanings.get(name.strip("|"), "")
            saturations.append(Saturation(number, name, words, closed, opened, float(value.mean())))
    return saturations


def longest_memories(reading: Reading, count: int = _LONGEST) -> list[Unit]:
    """The units that keep their state longest, over all layers; none for cells without gates."""
    units = []
    for number, layer in enumerate(reading.layers):
        if layer.keep is None:
            continue
        kept = np.log(np.maximum(layer.keep, 1e-300)).mean(axis=0)
        for unit, log_keep in enumerate(kept.tolist()):
            half_life = -np.log(2) / log_keep if log_keep < 0 else np.inf
            units.append(Unit(number, unit, float(np.exp(log_keep)), float(half_life)))
    return sorted(units, key=lambda unit: -unit.half_life)[:count]
