"""The engine's elementary functions against the library's, and compiled against interpreted, to the
last bit.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numba import njit

from elman.inference import functions as f
from elman.inference import vector_kernels as kernels


def drawn(low: float, high: float, count: int = 200_000) -> np.ndarray:
    draw = np.random.default_rng(1)
    even = draw.uniform(low, high, count)
    small = np.concatenate([10.0 ** draw.uniform(-37, 0, count // 4) * sign for sign in (1, -1)])
    edges = [0.0, -0.0, 1.0, -1.0, low, high, np.float32(1e-45), 0.34657359, -0.34657359, 88.0, -88.0]
    x = np.concatenate([even, small, edges]).astype(np.float32)
    return x[(x >= low) & (x <= high)]


CASES: dict[str, tuple[Callable[[Any], Any], Callable[[float], float], float, float, float, float]] = {
    "exp": (f.exp, math.exp, -87.0, 87.0, 3e-7, 0.0),
    "expm1": (f.expm1, math.expm1, -87.0, 87.0, 4e-7, 0.0),
    "sigmoid": (f.sigmoid, lambda x: 1 / (1 + math.exp(-x)), -87.0, 87.0, 4e-7, 0.0),
    "tanh": (f.tanh, math.tanh, -87.0, 87.0, 5e-7, 0.0),
    "log": (f.log, math.log, 1.0, 1e9, 2e-7, 1e-7),
    "erf": (f.erf, math.erf, -30.0, 30.0, 0.0, 6e-7),
}


@pytest.mark.parametrize("name", CASES)
def test_against_the_library(name: str) -> None:
    own, exact, low, high, relative, absolute = CASES[name]
    x = drawn(low, high)
    found = own(x)
    assert found.dtype == np.float32
    wanted = np.array([exact(float(each)) for each in x])
    np.testing.assert_allclose(found, wanted, rtol=relative, atol=absolute + 1.5e-38)


@pytest.mark.parametrize("name", CASES)
def test_compiled_is_interpreted_to_the_last_bit(name: str) -> None:
    own, _, low, high, _, _ = CASES[name]
    x = (
        np.concatenate([drawn(low, high), np.array([100.0, -100.0, 3e38, -3e38], np.float32)])
        if low < 0
        else drawn(low, high)
    )

    @njit(error_model="numpy")
    def compiled(x: Any, out: Any) -> None:
        for j in range(len(x)):
            out[j] = own(x[j])

    assert kernels.compiled  # registers what is compiled
    found = np.empty_like(x)
    compiled(x, found)
    with np.errstate(over="ignore"):
        assert found.tobytes() == own(x).tobytes()


def test_whole_numbers_are_rounded_to_even() -> None:
    x = np.array([0.5, 1.5, 2.5, -0.5, -1.5, 126.5, 0.49999997, 127.0], np.float32)
    assert f.whole(x).tolist() == [0, 2, 2, 0, -2, 126, 0, 127]


@pytest.mark.parametrize("size", [1, 2, 15, 16, 17, 31, 32, 100, 1000])
def test_sums_go_through_partial_sums_in_a_fixed_order(size: int) -> None:
    x = (10.0 ** np.random.default_rng(size).uniform(-4, 4, (3, size))).astype(np.float32)
    for row in x:
        lanes = [np.float32(0)] * f.LANES
        for place, number in enumerate(row):
            lanes[place % f.LANES] = np.float32(lanes[place % f.LANES] + number)
        while len(lanes) > 1:
            half = len(lanes) // 2
            lanes = [np.float32(one + two) for one, two in zip(lanes[:half], lanes[half:], strict=True)]
        assert f.total(row).tobytes() == lanes[0].tobytes() == np.float32(kernels.total(row)).tobytes()
    np.testing.assert_allclose(f.total(x), x.sum(axis=1, dtype=np.float64), rtol=1e-5)
