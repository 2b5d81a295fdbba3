"""Measured: a network of the engine with as many weights in 8 bits as its answers allow."""

import dataclasses
from collections.abc import Callable, Collection, Mapping
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from elman.errors import ModelError
from elman.inference.group_choice import choose_groups

FLOAT_BOUND = 1e-4
"""Largest error of a float32 output, relative to the largest output if that is above 1."""
AGREEMENT = 0.99
"""Share of predictions that must stay the same in 8 bits."""
FIGURE_BOUND = 0.2
"""Points (per cent) by which the task's figure may change in 8 bits."""
BOUNDS = {"equal_predictions": 1 - AGREEMENT, "figure_change": FIGURE_BOUND}

N = TypeVar("N", bound=Any)


@dataclasses.dataclass(frozen=True)
class Measured(Generic[N]):
    """A network of the engine, and its agreement with the one in torch."""

    network: N
    parity: dict[str, Any]
    """For the model card: precision, what stayed float32, differences."""


def measured(
    built: Callable[[frozenset[str]], N],
    groups: Collection[str],
    changes: Callable[[N], Mapping[str, float]],
    bounds: Mapping[str, float],
    facts: Mapping[str, Any],
) -> Measured[N]:
    """Choose which groups of weights are in 8 bits.

    Args:
        built: the engine's network with some groups in 8 bits.
        changes: how its answers compare with those of the network in torch: ``equal_predictions``,
            the share that is the same, and changes of figures by name.
        bounds: how far each may be from 1, or from 0.
        facts: further parts of ``parity``.
    """

    ideal = {name: float(name == "equal_predictions") for name in bounds}

    def cost(some: frozenset[str]) -> float:
        found = changes(built(some))
        return max(abs(found[name] - ideal[name]) / bound for name, bound in bounds.items())

    kept, _ = choose_groups(groups, cost, bound=1 + 1e-9)
    network = built(kept)
    found = changes(network) if kept else ideal
    about8 = {**found, "kept_in_fp32": sorted(set(groups) - kept)}
    return Measured(network, {"precision": network.precision, **facts, "int8": about8})


def float_difference(found: NDArray[Any], wanted: NDArray[Any], what: str, *, drift: float = 1) -> float:
    """The largest difference between outputs of the engine in float32 and those of the network in
    torch.

    Args:
        what: the outputs in words.
        drift: how many times larger than usual rounding errors may be.

    Raises:
        ModelError: it is above the bound.
    """
    difference = float(np.abs(found - wanted).max(initial=0))
    bound = FLOAT_BOUND * max(float(np.abs(wanted).max(initial=0)), 1) * drift
    if not difference <= bound:
        raise ModelError(f"the engine's {what} differ from the network's by {difference:.1e}, more than {bound:.0e}")
    return difference
