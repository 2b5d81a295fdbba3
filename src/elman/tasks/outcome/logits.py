"""The engine's logits of rows in the order of their times."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.entity_history import levels_of
from elman.inference.outcome import InferenceOutcome
from elman.inference.outcome_history import run_history
from elman.models.outcome_batch import OutcomeBatch
from elman.tasks.outcome.data import OutcomeData


def with_levels(data: OutcomeData, rows: NDArray[np.int64]) -> OutcomeBatch:
    """Rows with the order in which they update states."""
    if not data.encoding.entities:
        return data.batch(rows)
    return data.batch(rows, levels=levels_of([data.times[row] for row in rows.tolist()], data.entities[rows]))


def whole_logits(engine: InferenceOutcome, data: OutcomeData) -> tuple[NDArray[np.float32], Any]:
    """The logits of all rows ``[N, K]``, each from the rows before it, and the states at the
    end."""
    rows = np.arange(len(data.table))
    if not data.encoding.entities:
        return engine.logits(*data.columns), ()
    return run_history(engine, with_levels(data, rows), engine.initial_state(len(data.gaps[1].names)))
