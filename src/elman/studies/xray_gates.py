"""What a network's gates do while it reads: over a sentence, and in the mean over a text."""

import copy
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray

from elman.models.neural import Network
from elman.nn.cells import State
from elman.nn.gate_values import gates_of
from elman.nn.recurrent import Recurrent
from elman.notation import TokenIds

CLOSED, OPEN = 0.1, 0.9
"""A gate value below or above counts as saturated."""
_LONGEST = 10


@dataclass(frozen=True)
class Reading:
    """A stretch of text seen from inside: arrays ``[T, H]`` by layer and name.

    The names are those of the gates (``elman.nn.gate_values``), of the states (``hidden``, and the LSTM's ``cell``) and
    ``keep``.
    """

    layers: list[dict[str, NDArray[np.float64]]]


@dataclass(frozen=True)
class Saturation:
    """How far the values of a gate of a layer, over text, are at their ends."""

    layer: int
    gate: str
    closed: float
    """Share of values below CLOSED."""
    open: float
    """Share of values above OPEN."""
    mean: float


@dataclass(frozen=True)
class Unit:
    """A unit and how long it remembers."""

    layer: int
    unit: int
    keep: float
    """What of its state stays with each token, in the geometric mean."""
    half_life: float
    """Tokens in which that halves; infinite where all stays."""


def read_inside(network: Network, ids: TokenIds, *, warm: int = 0) -> Reading:
    """Read ``ids[N, T]`` from a document start, step by step; rows come one after the other, ``[N * (T - warm), H]``.

    Args:
        warm: how many tokens of each row are read and left out.
    """
    double = copy.deepcopy(network).double().eval()
    stack = double.stack
    layers: list[dict[str, list[torch.Tensor]]] = [{} for _ in stack.layers]

    def take(number: int, x: torch.Tensor, state: State) -> tuple[torch.Tensor, State]:
        layer = cast(Recurrent, stack.layers[number])
        found = gates_of(layer, x, state)
        y, after = layer.step(x, state)
        found["hidden"] = after[0]
        if layer.state_names == ("h", "c"):
            found["cell"] = after[1]
        for name, value in found.items():
            layers[number].setdefault(name, []).append(value)
        return y, after

    with torch.no_grad():
        state = double.initial_state(len(ids))
        for row in double.embedding(torch.from_numpy(np.ascontiguousarray(ids))).double().unbind(dim=1):
            _, state = stack.step(row, state, take)
        return Reading(
            [
                {name: torch.stack(values[warm:], dim=1).flatten(0, 1).numpy() for name, values in layer.items()}
                for layer in layers
            ]
        )


def saturation(reading: Reading) -> list[Saturation]:
    """Of each gate of each layer. ``hidden`` values stand in where there are no gates: a unit of a plain RNN is
    saturated where its size is above OPEN."""
    found = []
    for number, layer in enumerate(reading.layers):
        gates = {name: value for name, value in layer.items() if name not in ("hidden", "cell", "keep")}
        for name, value in gates.items():
            closed, opened = float((value < CLOSED).mean()), float((value > OPEN).mean())
            found.append(Saturation(number, name, closed, opened, float(value.mean())))
        if not gates:
            size = np.abs(layer["hidden"])
            closed, opened = float((size < CLOSED).mean()), float((size > OPEN).mean())
            found.append(Saturation(number, "|hidden|", closed, opened, float(size.mean())))
    return found


def longest_memories(reading: Reading, count: int = _LONGEST) -> list[Unit]:
    """The units that keep their state longest, over all layers; none for cells without gates."""
    units = []
    for number, layer in enumerate(reading.layers):
        if "keep" not in layer:
            continue
        kept = np.log(np.maximum(layer["keep"], 1e-300)).mean(axis=0)
        for unit, log_keep in enumerate(kept.tolist()):
            half_life = -np.log(2) / log_keep if log_keep < 0 else np.inf
            units.append(Unit(number, unit, float(np.exp(log_keep)), float(half_life)))
    return sorted(units, key=lambda unit: -unit.half_life)[:count]
