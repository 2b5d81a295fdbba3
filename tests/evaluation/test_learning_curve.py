"""Learning curves: sizes of parts, figures of each."""

import pytest

from elman.errors import UsageError
from elman.evaluation.learning_curve import learning_curve


def test_parts_grow_and_are_evaluated_in_turn() -> None:
    calls: list[str] = []

    def train(size: int) -> int:
        calls.append(f"train {size}")
        return size

    def evaluate(size: int) -> dict[str, int]:
        calls.append(f"evaluate {size}")
        return {"double": 2 * size}

    curve = learning_curve(100, train=train, evaluate=evaluate, shares=(0.5, 0.06, 1.0))
    assert [point.to_json() for point in curve] == [
        {"examples": 6, "double": 12},
        {"examples": 50, "double": 100},
        {"examples": 100, "double": 200},
    ]
    assert calls == [f"{verb} {size}" for size in (6, 50, 100) for verb in ("train", "evaluate")]


def test_few_examples_and_wrong_shares() -> None:
    how = {"train": int, "evaluate": lambda size: {"size": size}}
    assert [point.examples for point in learning_curve(3, **how)] == [1, 2, 3]
    with pytest.raises(UsageError, match="it must be above 0 and at most 1"):
        learning_curve(1, **how, shares=(0.5, 1.5))
    with pytest.raises(UsageError, match="at least one example"):
        learning_curve(0, **how)
