"""Schedules against values that anyone can work out on paper."""

import pytest

from elman.training.schedule import ScheduleName, make_schedule


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # Ten updates, two of them rising; the floor is 0.1.
        ("linear", [0.5, 1.0, 0.8875, 0.775, 0.6625, 0.55, 0.4375, 0.325, 0.2125, 0.1]),
        ("trapezoid", [0.5, 1.0, 1.0, 1.0, 1.0, 1.0, 0.775, 0.55, 0.325, 0.1]),
        ("constant", [0.5] + [1.0] * 9),
        ("one-cycle", [0.5, 1.0, 0.965746, 0.868198, 0.722208, 0.55, 0.377792, 0.231802, 0.134254, 0.1]),
    ],
)
def test_ten_updates(name: ScheduleName, expected: list[float]) -> None:
    factor = make_schedule(name, updates=10, warmup=0.2, cooldown=0.4, floor=0.1)
    assert [factor(update) for update in range(10)] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("name", ["one-cycle", "linear", "trapezoid", "constant"])
@pytest.mark.parametrize("updates", [1, 2, 3, 7])
@pytest.mark.parametrize("warmup", [0.0, 0.5, 1.0])
def test_short_runs_stay_in_range(name: ScheduleName, updates: int, warmup: float) -> None:
    factor = make_schedule(name, updates=updates, warmup=warmup, cooldown=1 - warmup)
    assert all(0 < factor(update) <= 1 for update in range(updates + 3))
    assert max(factor(update) for update in range(updates)) == 1


def test_a_longer_trapezoid_begins_like_a_shorter_one() -> None:
    short = make_schedule("trapezoid", updates=100, warmup=0.1, cooldown=0.2)
    long = make_schedule("trapezoid", updates=200, warmup=0.05, cooldown=0.1)
    assert [short(update) for update in range(80)] == [long(update) for update in range(80)]
    assert [short(80 + n) for n in range(20)] == [long(180 + n) for n in range(20)]
