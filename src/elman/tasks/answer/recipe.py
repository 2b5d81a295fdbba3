"""The plan of a reader from its data."""

from collections.abc import Mapping
from typing import Any

from elman.tasks.answer.plan import AnswerPlan

MOST_EPOCHS = 30
"""More would only memorise the questions."""


def choose_plan(given: Mapping[str, Any], *, questions: int) -> AnswerPlan:
    """The plan except its length; what the user fixed (``given``) is kept.

    >>> choose_plan({}, questions=80_000).batch
    32
    """
    settings: dict[str, Any] = {
        "updates": 1,
        "batch": 16 if questions < 5_000 else 32,
        "rate": 4e-3,
        "warmup": 0.1,
        "clip": 1.0,
        "weight_decay": 0.01,
        "dropout": 0.2,
        "input_dropout": 0.2,
        "embedding_dropout": 0.05,
        "validations": 12,
        "patience": 6,
        "average_from": 0.7,
    }
    return AnswerPlan(**{**settings, **given})
