"""The states of entities as they are stored next to the weights."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.data.entity_history import Histories
from elman.errors import FolderError
from elman.inference.outcome import States
from elman.models.outcome_config import OutcomeConfig

_PREFIX = "history."
_MOST_NAMES = 1 << 24


class StoredHistory(NamedTuple):
    """Entities and their states."""

    histories: Histories
    states: States

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Flat arrays by name, which no matrix of weights is taken for."""
        states = {f"{_PREFIX}{number}": part.ravel() for number, part in enumerate(self.states)}
        counts = {f"{_PREFIX}last": self.histories.last, f"{_PREFIX}counts": self.histories.counts}
        return {**states, **counts}


def read_history(
    arrays: dict[str, NDArray[Any]], names: Any, *, config: OutcomeConfig, roles: int
) -> StoredHistory | None:
    """Take the history out of the arrays of a file; None for a network without entities.

    Raises:
        FolderError: it does not fit the configuration.
    """
    own = {name: arrays.pop(name) for name in list(arrays) if name.startswith(_PREFIX)}
    if not roles:
        return StoredHistory(Histories.none(), ())
    sizes = [config.top_size, *(size for parts in config.states for size in parts.values())]
    good = isinstance(names, list) and len(names) <= _MOST_NAMES and all(isinstance(name, str) for name in names)
    good = good and len(set(names)) == len(names)
    states = [own.get(f"{_PREFIX}{number}", np.zeros(0)) for number in range(len(sizes))]
    last, counts = own.get(f"{_PREFIX}last", np.zeros(0)), own.get(f"{_PREFIX}counts", np.zeros(0))
    if good:
        good = all(
            part.dtype == np.float32 and part.shape == (len(names) * size,) and bool(np.isfinite(part).all())
            for part, size in zip(states, sizes, strict=True)
        )
        good = good and last.dtype == np.float64 and last.shape == (len(names),)
        good = good and counts.dtype == np.int64 and counts.shape == (len(names),)
    if not good:
        raise FolderError("the states of the entities do not fit the configuration; the folder is damaged")
    shaped = tuple(part.reshape(len(names), size) for part, size in zip(states, sizes, strict=True))
    return StoredHistory(Histories(tuple(names), last, counts), shaped)
