"""The plan of a captioner from its data."""

from collections.abc import Mapping
from typing import Any

from elman.tasks.decoder_plan import DecoderPlan

MOST_EPOCHS = 60
"""More would only memorise the captions."""


def choose_plan(given: Mapping[str, Any], *, captions: int) -> DecoderPlan:
    """The plan except its length; what the user fixed (``given``) is kept.

    >>> choose_plan({}, captions=30_000).batch
    32
    """
    settings: dict[str, Any] = {
        "updates": 1,
        "batch": 16 if captions < 2_000 else 32,
        "rate": 4e-3,
        "warmup": 0.1,
        "clip": 1.0,
        "weight_decay": 0.01,
        "dropout": 0.1,
        "input_dropout": 0.0,
        "output_dropout": 0.1,
        "label_smoothing": 0.05,
        "validations": 10,
        "average_from": 0.8,
    }
    return DecoderPlan(**{**settings, **given})
