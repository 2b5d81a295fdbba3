"""How good a model is when it is trained on less data, and what more data would bring."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from elman.errors import UsageError
from elman.progress import Progress

Predictor = TypeVar("Predictor")

SHARES = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)
"""Of the training part."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class CurvePoint:
    """A model trained on a part of the data."""

    examples: int
    """That it was trained on."""
    figures: dict[str, Any]
    """What ``evaluate`` gave."""

    def to_json(self) -> dict[str, Any]:
        """The numbers by their names."""
        return {"examples": self.examples, **self.figures}


def learning_curve(
    examples: int,
    *,
    train: Callable[[int], Predictor],
    evaluate: Callable[[Predictor], dict[str, Any]],
    shares: Sequence[float] | None = None,
    progress: Progress | None = None,
) -> list[CurvePoint]:
    """Train on growing parts of the examples.

    Args:
        examples: size of the training part.
        train: from a number of examples to a predictor that has learned from so many
            (``elman.data.example_splits.random_part``).
        evaluate: from a predictor to figures on the same test data every time, as JSON.
        shares: of the examples, each above 0 and at most 1 (default: ``SHARES``).

    Raises:
        UsageError: no examples, or a share that is not allowed.

    >>> curve = learning_curve(4, train=int, evaluate=lambda size: {"size": size}, shares=(0.5, 1.0))
    >>> [point.to_json() for point in curve]
    [{'examples': 2, 'size': 2}, {'examples': 4, 'size': 4}]
    """
    if examples < 1:
        raise UsageError("a learning curve needs training data; give at least one example")
    shares = SHARES if shares is None else shares
    for share in shares:
        if not 0 < share <= 1:
            raise UsageError(f"a share of the training data is {share}; it must be above 0 and at most 1")
    sizes = sorted({max(1, round(share * examples)) for share in shares})
    points = []
    with (progress or Progress()).stage("learning curve", total=sum(sizes), unit="examples") as advance:
        for size in sizes:
            points.append(CurvePoint(examples=size, figures=evaluate(train(size))))
            advance(size)
    return points
