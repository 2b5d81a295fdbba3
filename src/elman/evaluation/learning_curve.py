"""How good a tagger is when it is trained on less data, and what more data would bring."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from elman.errors import UsageError
from elman.progress import Progress

Example = TypeVar("Example")
"""Such as a tagged sentence."""
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
    examples: Sequence[Example],
    *,
    train: Callable[[Sequence[Example]], Predictor],
    evaluate: Callable[[Predictor], dict[str, Any]],
    shares: Sequence[float] = SHARES,
    seed: int = 1,
    progress: Progress | None = None,
) -> list[CurvePoint]:
    """Train on growing random parts of the examples, each of which holds the one before it.

    Args:
        examples: the training part.
        train: from examples to a predictor.
        evaluate: from a predictor to figures on the same test data every time, as JSON.
        shares: of the examples, each above 0 and at most 1.

    Raises:
        UsageError: no examples, or a share that is not allowed.

    >>> curve = learning_curve([1, 2, 3, 4], train=len, evaluate=lambda size: {"size": size}, shares=(0.5, 1.0))
    >>> [point.to_json() for point in curve]
    [{'examples': 2, 'size': 2}, {'examples': 4, 'size': 4}]
    """
    if not examples:
        raise UsageError("a learning curve needs training data; give at least one example")
    for share in shares:
        if not 0 < share <= 1:
            raise UsageError(f"a share of the training data is {share}; it must be above 0 and at most 1")
    order = np.random.default_rng(seed).permutation(len(examples))
    sizes = sorted({max(1, round(share * len(examples))) for share in shares})
    points = []
    with (progress or Progress()).stage("learning curve", total=sum(sizes), unit="examples") as advance:
        for size in sizes:
            # In their own order, so that all of the examples are the usual training.
            part = [examples[int(index)] for index in sorted(order[:size])]
            points.append(CurvePoint(examples=size, figures=evaluate(train(part))))
            advance(size)
    return points
