"""The plan of a translator from its data.

Measured on Multi30k (``docs/translation.md``): after two passes a rate of 0.01 is far ahead of
0.005 and 0.0025.
"""

from collections.abc import Mapping
from typing import Any

from elman.tasks.translate.plan import TranslatePlan

MOST_EPOCHS = 40
"""More would only memorise the pairs."""


def choose_plan(given: Mapping[str, Any], *, pairs: int) -> TranslatePlan:
    """The plan except its length; what the user fixed (``given``) is kept.

    >>> choose_plan({}, pairs=30_000).batch
    96
    """
    settings: dict[str, Any] = {
        "updates": 1,
        "batch": 16 if pairs < 2_000 else 96 if pairs < 200_000 else 128,
        "rate": 1e-2,
        "warmup": 0.1,
        "clip": 1.0,
        "weight_decay": 0.01,
        "dropout": 0.2,
        "input_dropout": 0.2,
        "output_dropout": 0.2,
        "validations": 12,
        "average_from": 0.8,
    }
    return TranslatePlan(**{**settings, **given})
