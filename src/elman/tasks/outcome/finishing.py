"""What follows the training of a model of outcomes: its file for the engine with the states of
entities, and the temperature of its probabilities."""

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from elman.inference.outcome import InferenceOutcome
from elman.inference.outcome_history import run_history
from elman.inference.outcome_precision import measured_outcome
from elman.metrics.calibration import Reliability, fit_temperature, softmax
from elman.tasks.network_job import fit_temperature_of
from elman.tasks.outcome.data import OutcomeData
from elman.tasks.outcome.history_file import StoredHistory
from elman.tasks.outcome.logits import whole_logits, with_levels

if TYPE_CHECKING:
    from elman.tasks.outcome.job import OutcomeJob

_FEWEST_TO_CALIBRATE = 100
_BEFORE = 4000
"""Rows of history before the validation part on which the engine and the network are compared."""


def write_inference(job: "OutcomeJob") -> tuple[dict[str, Any], dict[str, Any]]:
    """Measure the network on the validation part, and write its file for the inference engine.

    Returns:
        Facts on calibration and on precision, for the model card.
    """
    data = job.data
    arrays = job.trained_weights()
    network = job.make_network()
    network.load_arrays(arrays)
    rows = data.parts["valid"]
    rows = rows[data.targets[rows] >= 0]
    piece = compared_piece(data, rows)
    keep = np.isin(piece.rows, rows)
    with torch.no_grad():
        state = network.initial_state(len(data.gaps[1].names) if data.encoding.entities else 0)
        logits = network.run(piece.batch, state)[0].float().cpu().numpy()[keep]
    made = measured_outcome(
        arrays,
        job.config,
        data.sizes,
        run=lambda engine: piece.run(engine)[keep],
        logits=logits,
        targets=data.targets[rows],
    )
    every = whole_logits(made.network, data)
    stored = StoredHistory(data.gaps[1], every[1]) if data.encoding.entities else None
    more = {"arrays": stored.to_arrays(), "config": {"history": list(stored.histories.names)}} if stored else None
    parity = job.store(made.network, made.parity, more=more)
    logits, targets = every[0][rows], data.targets[rows]
    calibration = fit_temperature_of(
        job.progress,
        count=len(targets),
        fewest=_FEWEST_TO_CALIBRATE,
        unit="rows",
        fit=lambda: fit_temperature(logits, targets),
        error=lambda cooled: Reliability.measure(targets, softmax(logits / cooled)).error,
    )
    return calibration, parity


class ComparedPiece:
    """Rows that the engine and the network both compute."""

    def __init__(self, data: OutcomeData, rows: NDArray[np.int64]) -> None:
        self.rows = rows
        self._entities = len(data.gaps[1].names) if data.encoding.entities else 0
        self.batch = with_levels(data, rows)

    def run(self, engine: InferenceOutcome) -> NDArray[np.float32]:
        """The engine's logits."""
        if not self._entities:
            return engine.logits(self.batch.ids, self.batch.numbers)
        return run_history(engine, self.batch, engine.initial_state(self._entities))[0]


def compared_piece(data: OutcomeData, rows: NDArray[np.int64]) -> ComparedPiece:
    """The validation rows, with a piece of the history before them where there are entities."""
    if data.encoding.entities and len(rows):
        rows = np.arange(max(0, int(rows[0]) - _BEFORE), int(rows[-1]) + 1)
    return ComparedPiece(data, rows)
