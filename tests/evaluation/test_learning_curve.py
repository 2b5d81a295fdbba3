"""Learning curves: nested parts, the same for the same seed."""

import pytest

from elman.errors import UsageError
from elman.evaluation.learning_curve import learning_curve


def test_parts_grow_and_hold_the_ones_before() -> None:
    parts: list[list[int]] = []

    def train(examples: object) -> int:
        parts.append(list(examples))  # pyright: ignore[reportArgumentType, reportCallIssue]
        return len(parts[-1])

    examples = list(range(100))
    how = {"train": train, "evaluate": lambda size: {"size": size}}
    curve = learning_curve(examples, **how)
    assert [point.to_json() for point in curve] == [{"examples": n, "size": n} for n in (6, 12, 25, 50, 100)]
    assert all(part == sorted(part) and set(part) < set(more) for part, more in zip(parts, parts[1:], strict=False))
    assert parts[-1] == examples and parts[0] != examples[:6]
    first = list(parts)
    learning_curve(examples, **how)
    assert parts[5:] == first
    learning_curve(examples, **how, seed=2)
    assert parts[10] != first[0]


def test_few_examples_and_wrong_shares() -> None:
    how = {"train": len, "evaluate": lambda size: {"size": size}}
    assert [point.examples for point in learning_curve(["a", "b", "c"], **how)] == [1, 2, 3]
    with pytest.raises(UsageError, match="it must be above 0 and at most 1"):
        learning_curve(["a"], **how, shares=(0.5, 1.5))
    with pytest.raises(UsageError, match="at least one example"):
        learning_curve([], **how)
