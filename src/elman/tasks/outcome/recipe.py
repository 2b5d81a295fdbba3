"""The plan of a model of outcomes from its data."""

from collections.abc import Mapping
from typing import Any

from elman.tasks.outcome.plan import OutcomePlan

MOST_EPOCHS = 40
"""More would only memorise the rows."""


def choose_plan(given: Mapping[str, Any], *, rows: int, entities: bool) -> OutcomePlan:
    """The plan except its length; what the user fixed (``given``) is kept.

    Args:
        entities: whether rows update states, so that a batch is a piece of their history.

    >>> choose_plan({}, rows=7000, entities=False).batch
    64
    """
    # Longer pieces let gradients reach rows that are further back.
    pieces = 512 if rows < 20_000 else 1536
    batch = pieces if entities else 16 if rows < 2000 else 64 if rows < 50_000 else 256
    settings: dict[str, Any] = {
        "updates": 1,
        "batch": batch,
        "rate": 6e-3 if entities and rows >= 20_000 else 3e-3,
        "clip": 1.0,
        "weight_decay": 0.05,
        "dropout": 0.2 if entities else 0.3,
        # With entities each validation goes through the whole history.
        "validations": 5 if entities else 12,
        "patience": 0 if entities else 6,
        "average_from": 0.5,
    }
    return OutcomePlan(**{**settings, **given})
