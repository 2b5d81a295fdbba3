"""Results: what an evaluation returns, and how it becomes JSON."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from elman.metrics.intervals import Interval


@dataclasses.dataclass(frozen=True, kw_only=True)
class Results:
    """Base of the dataclasses that evaluations return."""

    def to_json(self) -> dict[str, Any]:
        """The fields by their names; an interval is ``{"value", "low", "high"}``."""
        return {field.name: as_json(getattr(self, field.name)) for field in dataclasses.fields(self)}


def as_json(value: Any) -> Any:
    """A result as JSON, with all that it holds.

    >>> as_json({"f1": Interval(0.5, 0.4, 0.6)})
    {'f1': {'value': 0.5, 'low': 0.4, 'high': 0.6}}
    """
    if isinstance(value, Interval):
        return value._asdict()
    if isinstance(value, Mapping):
        return {name: as_json(part) for name, part in value.items()}
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, (list, tuple)):
        return [as_json(part) for part in value]
    if hasattr(value, "to_json"):
        return value.to_json()
    return dataclasses.asdict(value) if dataclasses.is_dataclass(value) and not isinstance(value, type) else value
