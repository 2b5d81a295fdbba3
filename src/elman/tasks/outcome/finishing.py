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
from elman.models.outcome import OutcomeNetwork
from elman.storage import folder as model_folder
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
    data, progress = job.data, job.progress
    arrays = model_folder.read_arrays(job.folder / model_folder.WEIGHTS_FILE)
    network = OutcomeNetwork(job.config, data.sizes)
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
    size = model_folder.write_inference(
        job.folder,
        {**made.network.to_arrays(), **(stored.to_arrays() if stored else {})},
        config={
            **made.network.config.to_json(),
            **({"history": list(stored.histories.names)} if stored else {}),
        },
        parity=made.parity,
    )
    progress.say(f"{model_folder.INFERENCE_FILE}: {made.parity['precision']}, {size / 1e6:.2f} MB")
    logits, targets = every[0][rows], data.targets[rows]
    temperature = 1.0
    if len(targets) < _FEWEST_TO_CALIBRATE:
        progress.say(f"not calibrated: {len(targets)} rows of the validation part are too few to fit a temperature")
    else:
        temperature = fit_temperature(logits, targets)
    before, after = (Reliability.measure(targets, softmax(logits / cooled)).error for cooled in (1.0, temperature))
    if temperature != 1:
        progress.say(
            f"calibrated: temperature {temperature:.2f}; expected calibration error on the validation part "
            f"{100 * before:.1f}% before, {100 * after:.1f}% after"
        )
    calibration = {"temperature": temperature, "error_before": before, "error_after": after}
    return calibration, {**made.parity, "bytes": size}


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
