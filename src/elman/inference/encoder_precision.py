"""Choose which weights of an encoder are stored in 8 bits by comparing predictions.

With 8 bits at least 99% of the predictions must be those of the network, and the task's figure may
change by at most 0.2 points. Groups of weights that change more stay float32. In float32 every
logit must agree to 1e-4.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.errors import ModelError
from elman.inference.encoder import Arrays, InferenceEncoder, Texts, inference_encoder
from elman.inference.group_choice import choose_groups
from elman.inference.weights import groups_of
from elman.models.encoder_config import EncoderConfig

FLOAT_BOUND = 1e-4
"""Largest error of a float32 logit, relative to the largest logit if that is above 1."""
AGREEMENT = 0.99
"""Share of predictions that must stay the same in 8 bits."""
FIGURE_BOUND = 0.2
"""Points (per cent) by which the task's figure may change in 8 bits."""

Figure = Callable[[NDArray[np.float32]], float]


def likeliest(logits: NDArray[np.float32]) -> NDArray[Any]:
    """The label of each text ``[N, 1]``."""
    return logits.argmax(axis=1)[:, None]


@dataclasses.dataclass(frozen=True)
class MeasuredEncoder:
    """An encoder of the engine, and its agreement with the network."""

    encoder: InferenceEncoder
    parity: dict[str, Any]
    """For the model card: precision, what stayed float32, differences."""


def measured_encoder(
    arrays: Arrays,
    config: EncoderConfig,
    *,
    vocab_size: int,
    outputs: int,
    texts: Texts,
    logits: NDArray[np.float32],
    figure: Figure | None = None,
    predicted: Callable[[NDArray[np.float32]], NDArray[Any]] = likeliest,
    precision: str = "int8",
) -> MeasuredEncoder:
    """Build the engine's encoder of a network and compare the two.

    Args:
        arrays: the network's weights by name (``Encoder.to_arrays``).
        texts: validation texts, as ids.
        logits: the network's own logits of them ``[N, K]``.
        figure: from logits ``[N, K]`` of the texts to the task's figure in per cent (None: only the
            predictions are compared).
        predicted: from logits to what is compared, a row for each prediction ``[M, ..]``; by default
            the label with the highest logit.
        precision: ``int8`` or ``fp32``.

    Raises:
        ModelError: the engine's float32 logits differ from the network's.
    """

    def built(groups: frozenset[str]) -> InferenceEncoder:
        return inference_encoder(arrays, config, vocab_size=vocab_size, outputs=outputs, int8=groups)

    plain = built(frozenset())
    difference = float(np.abs(plain.logits(texts) - logits).max(initial=0))
    bound = FLOAT_BOUND * max(float(np.abs(logits).max(initial=0)), 1)
    if not difference <= bound:
        raise ModelError(f"the engine's logits differ from the network's by {difference:.1e}, more than {bound:.0e}")
    facts: dict[str, Any] = {"texts": len(logits), "fp32": {"largest_difference": difference}}
    if precision == "fp32":
        return MeasuredEncoder(plain, {"precision": "fp32", **facts})

    def changes(groups: frozenset[str]) -> tuple[float, float]:
        """Share of predictions that differ, and points by which the figure changes."""
        rounded = built(groups).logits(texts)
        differ = (predicted(rounded) != predicted(logits)).any(axis=1)
        changed = float(differ.mean()) if len(differ) else 0.0
        return changed, figure(rounded) - figure(logits) if figure else 0.0

    def cost(groups: frozenset[str]) -> float:
        changed, points = changes(groups)
        return max(changed / (1 - AGREEMENT), abs(points) / FIGURE_BOUND)

    every = groups_of(arrays)
    kept, _ = choose_groups(every, cost, bound=1 + 1e-9)
    share, points = changes(kept) if kept else (0.0, 0.0)
    encoder = built(kept)
    about8 = {"equal_predictions": 1 - share, "figure_change": points, "kept_in_fp32": sorted(set(every) - kept)}
    return MeasuredEncoder(encoder, {"precision": encoder.precision, **facts, "int8": about8})
