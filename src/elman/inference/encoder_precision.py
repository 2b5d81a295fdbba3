"""Choose which weights of an encoder are stored in 8 bits by comparing predictions.

With 8 bits at least 99% of the predictions must be those of the network, and the task's figure may
change by at most 0.2 points. Groups of weights that change more stay float32. In float32 every
logit must agree to 1e-4.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.inference.encoder import Arrays, InferenceEncoder, Texts, inference_encoder
from elman.inference.measured import BOUNDS, Measured, float_difference, measured
from elman.inference.weights import groups_of
from elman.models.encoder_config import EncoderConfig

Figure = Callable[[NDArray[np.float32]], float]


def likeliest(logits: NDArray[np.float32]) -> NDArray[Any]:
    """The label of each text ``[N, 1]``."""
    return logits.argmax(axis=1)[:, None]


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
) -> Measured[InferenceEncoder]:
    """Build the engine's encoder of a network and compare the two.

    Args:
        arrays: the network's weights by name (``Encoder.to_arrays``).
        texts: validation texts, as ids.
        logits: the network's own logits of them ``[N, K]``.
        figure: from logits ``[N, K]`` of the texts to the task's figure in per cent (None: only the
            predictions are compared).
        predicted: from logits to what is compared, a row for each prediction ``[M, ..]``; by
            default the label with the highest logit.

    Raises:
        ModelError: the engine's float32 logits differ from the network's.
    """

    def built(groups: frozenset[str]) -> InferenceEncoder:
        return inference_encoder(arrays, config, vocab_size=vocab_size, outputs=outputs, int8=groups)

    difference = float_difference(built(frozenset()).logits(texts), logits, "logits")

    def changes(encoder: InferenceEncoder) -> dict[str, float]:
        rounded = encoder.logits(texts)
        same = (predicted(rounded) == predicted(logits)).all(axis=1)
        return {
            "equal_predictions": float(same.mean()) if len(same) else 1.0,
            "figure_change": figure(rounded) - figure(logits) if figure else 0.0,
        }

    facts = {"texts": len(logits), "fp32": {"largest_difference": difference}}
    return measured(built, groups_of(arrays), changes, BOUNDS, facts)
