"""Choose which weights of an outcome network are stored in 8 bits by comparing predictions.

The bounds are those of ``encoder_precision.py``; the log loss may also change by at most 0.002 nats.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.errors import ModelError
from elman.inference.encoder_precision import AGREEMENT, FIGURE_BOUND, FLOAT_BOUND
from elman.inference.group_choice import choose_groups
from elman.inference.outcome import Arrays, InferenceOutcome, inference_outcome
from elman.inference.weights import groups_of
from elman.metrics.calibration import log_loss, softmax
from elman.models.outcome_config import OutcomeConfig, OutcomeSizes

NATS_BOUND = 0.002
_DRIFT = 20
"""Through a history rounding errors add up: the float32 bound is this many times larger."""


@dataclasses.dataclass(frozen=True)
class MeasuredOutcome:
    """A network of the engine, and its agreement with the one in torch."""

    network: InferenceOutcome
    parity: dict[str, Any]
    """For the model card: precision, what stayed float32, differences."""


def measured_outcome(
    arrays: Arrays,
    config: OutcomeConfig,
    sizes: OutcomeSizes,
    *,
    run: Callable[[InferenceOutcome], NDArray[np.float32]],
    logits: NDArray[np.float32],
    targets: NDArray[np.int64],
) -> MeasuredOutcome:
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

    difference = float(np.abs(run(built(frozenset())) - logits).max(initial=0))
    bound = FLOAT_BOUND * max(float(np.abs(logits).max(initial=0)), 1) * (_DRIFT if sizes.roles else 1)
    if not difference <= bound:
        raise ModelError(f"the engine's logits differ from the network's by {difference:.1e}, more than {bound:.0e}")
    nats, best = log_loss(targets, softmax(logits)), logits.argmax(axis=1)

    def changes(groups: frozenset[str]) -> Mapping[str, float]:
        found = run(built(groups))
        answers = found.argmax(axis=1)
        right = 100 * (float((answers == targets).mean()) - float((best == targets).mean()))
        return {
            "equal_predictions": float((answers == best).mean()),
            "figure_change": right,
            "nats_change": log_loss(targets, softmax(found)) - nats,
        }

    def cost(groups: frozenset[str]) -> float:
        found = changes(groups)
        differ = (1 - found["equal_predictions"]) / (1 - AGREEMENT)
        return max(differ, abs(found["figure_change"]) / FIGURE_BOUND, abs(found["nats_change"]) / NATS_BOUND)

    every = groups_of(arrays)
    kept, _ = choose_groups(every, cost, bound=1 + 1e-9)
    network = built(kept)
    facts = {"rows": len(logits), "fp32": {"largest_difference": difference}}
    about8 = {**(changes(kept) if kept else {}), "kept_in_fp32": sorted(set(every) - kept)}
    return MeasuredOutcome(network, {"precision": network.precision, **facts, "int8": about8})
