"""Choose which weights of an outcome network are stored in 8 bits by comparing predictions.

The bounds are those of ``encoder_precision.py``; the log loss may also change by at most 0.002
nats.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from elman.inference.measured import BOUNDS, Measured, float_difference, measured
from elman.inference.outcome import Arrays, InferenceOutcome, inference_outcome
from elman.inference.weights import groups_of
from elman.metrics.calibration import log_loss, softmax
from elman.models.outcome_config import OutcomeConfig, OutcomeSizes

NATS_BOUND = 0.002
_DRIFT = 20
"""Through a history rounding errors add up: the float32 bound is this many times larger."""


def measured_outcome(
    arrays: Arrays,
    config: OutcomeConfig,
    sizes: OutcomeSizes,
    *,
    run: Callable[[InferenceOutcome], NDArray[np.float32]],
    logits: NDArray[np.float32],
    targets: NDArray[np.int64],
) -> Measured[InferenceOutcome]:
    """Build the engine's network and compare the two.

    Args:
        run: the engine's logits of the validation rows ``[N, K]``.
        logits: those of the network in torch.
        targets: the outcomes of these rows ``[N]``.

    Raises:
        ModelError: the engine's float32 logits differ from the network's.
    """

    def built(groups: frozenset[str]) -> InferenceOutcome:
        return inference_outcome(arrays, config, sizes, int8=groups)

    drift = _DRIFT if sizes.roles else 1
    difference = float_difference(run(built(frozenset())), logits, "logits", drift=drift)
    nats, best = log_loss(targets, softmax(logits)), logits.argmax(axis=1)

    def changes(network: InferenceOutcome) -> dict[str, float]:
        found = run(network)
        answers = found.argmax(axis=1)
        right = 100 * (float((answers == targets).mean()) - float((best == targets).mean()))
        return {
            "equal_predictions": float((answers == best).mean()),
            "figure_change": right,
            "nats_change": log_loss(targets, softmax(found)) - nats,
        }

    facts = {"rows": len(logits), "fp32": {"largest_difference": difference}}
    return measured(built, groups_of(arrays), changes, {**BOUNDS, "nats_change": NATS_BOUND}, facts)
