import math

import numpy as np
import pytest

from elman.evaluation.line_search import climb, lowest


def test_climbing_finds_the_cheapest_step_and_counts_its_questions() -> None:
    asked: list[float] = []

    def cost(value: float) -> float:
        asked.append(value)
        return abs(math.log(value / 0.3))

    assert climb(cost, 5.0, factor=2) == pytest.approx(0.3125)
    assert asked == pytest.approx([5, 10, 2.5, 1.25, 0.625, 0.3125, 0.15625])
    assert climb(cost, 0.001, factor=2, most=4) == pytest.approx(0.008)
    assert climb(lambda value: math.inf if value > 1 else -value, 1.0, factor=2) == 1.0
    assert climb(lambda value: math.inf if value > 1 else -value, 1.5, factor=2) == 0.75
    assert climb(cost, 5.0, factor=2, within=(1.0, 9.0)) == 1.25
    # A plain is not worth a walk.
    assert climb(lambda value: 100 + 1e-3 * value, 1.0, factor=2) == 1.0


def test_the_lowest_point_of_a_parabola() -> None:
    places = np.linspace(-1, 1, 9)
    assert lowest(places, 3 * (places - 0.31) ** 2 + 7) == pytest.approx(0.31)
    # At an edge there is no parabola to go by: the place beside it; flat stays put.
    assert lowest(places, places) == pytest.approx(-0.75)
    assert lowest(places, np.zeros(9)) in places
