"""The compiled functions of single numbers against NumPy in float64, and bfloat16 against torch."""

import numpy as np
import pytest
import torch
from numba import njit

from elman.nn.vector_math import decay, exponential, put, sigmoid, tanh, wide


@njit(cache=True)
def _sigmoids(numbers):
    found = np.empty((2, len(numbers)), numbers.dtype)
    for j in range(len(numbers)):
        found[0, j], found[1, j] = sigmoid(numbers[j])
    return found


@njit(cache=True)
def _others(numbers):
    found = np.empty((2, len(numbers)), numbers.dtype)
    for j in range(len(numbers)):
        found[0, j], found[1, j] = tanh(numbers[j]), exponential(numbers[j])
    return found


@njit(cache=True)
def _decays(numbers):
    found = np.empty((3, len(numbers)), numbers.dtype)
    for j in range(len(numbers)):
        found[0, j], found[1, j], found[2, j] = decay(numbers[j])
    return found


@njit(cache=True)
def _widened(bits):
    found = np.empty(len(bits), np.float32)
    for j in range(len(bits)):
        found[j] = wide(bits[j])
    return found


@njit(cache=True)
def _put_all(numbers, row):
    for j in range(len(numbers)):
        put(row, j, numbers[j])


PRECISION = {np.float32: 4e-7, np.float64: 4e-15}


@pytest.mark.slow
@pytest.mark.parametrize("kind", PRECISION)
def test_sigmoid_and_what_it_lacks(kind: type) -> None:
    x = np.linspace(-80, 80, 40001).astype(kind)
    exact = 1 / (1 + np.exp(-x.astype(np.longdouble)))
    lacks = 1 / (1 + np.exp(x.astype(np.longdouble)))
    np.testing.assert_allclose(_sigmoids(x), [exact, lacks], rtol=PRECISION[kind])
    found = _sigmoids(np.array([np.inf, -np.inf, 1e30, -1e30], kind))
    np.testing.assert_allclose(found, [[1, 0, 1, 0], [0, 1, 0, 1]], atol=1e-37)
    assert np.isnan(_sigmoids(np.array([np.nan], kind))).all()


@pytest.mark.slow
@pytest.mark.parametrize("kind", PRECISION)
def test_tanh_is_exact_near_zero_and_far_out(kind: type) -> None:
    x = np.concatenate([np.linspace(-20, 20, 40001), np.logspace(-30, 0, 1001), -np.logspace(-30, 0, 1001)]).astype(
        kind
    )
    np.testing.assert_allclose(_others(x)[0], np.tanh(x.astype(np.longdouble)), rtol=PRECISION[kind])
    assert _others(np.array([np.inf, -np.inf, 1e30, -1e30], kind))[0].tolist() == [1, -1, 1, -1]
    assert np.isnan(_others(np.array([np.nan], kind))).all()


@pytest.mark.parametrize("kind", PRECISION)
def test_the_exponential_is_that_of_numpy(kind: type) -> None:
    x = np.linspace(-86, 86, 40001).astype(kind)
    np.testing.assert_allclose(_others(x)[1], np.exp(x.astype(np.longdouble)), rtol=PRECISION[kind])
    assert _others(np.array([-1e30], kind))[1, 0] <= 2e-38


@pytest.mark.slow
@pytest.mark.parametrize("kind", PRECISION)
def test_decay_is_exact_where_almost_nothing_is_lost(kind: type) -> None:
    x = np.logspace(-30, 1.9, 40001).astype(kind)
    wanted = x.astype(np.longdouble)
    kept, share = np.exp(-wanted), np.sqrt(-np.expm1(-2 * wanted))
    found = _decays(x)
    np.testing.assert_allclose(found, [kept, share, wanted * kept**2 / share], rtol=3 * PRECISION[kind], atol=1e-37)
    assert _decays(np.zeros(1, kind)).flatten().tolist() == [1, 0, 0]
    np.testing.assert_allclose(_decays(np.full(1, 1e4, kind)).flatten(), [0, 1, 0], atol=1e-32)
    assert np.isnan(_decays(np.full(1, np.nan, kind))[:2]).all()


@pytest.mark.slow
def test_bfloat16_is_read_and_rounded_as_torch_does() -> None:
    every = torch.arange(2**16, dtype=torch.int32).to(torch.uint16)
    numbers = _widened(every.numpy())
    np.testing.assert_array_equal(numbers, every.view(torch.bfloat16).float().numpy())

    draw = np.random.default_rng(1)
    singles = draw.integers(0, 2**32, 2**16, dtype=np.uint32).view(np.float32)
    halfway = (np.arange(2**16, dtype=np.uint32) << 16 | 0x8000).view(np.float32)
    for given in (singles, halfway, numbers):
        row = np.zeros(len(given), np.uint16)
        _put_all(given, row)
        rounded = torch.from_numpy(given.copy()).to(torch.bfloat16)
        found = torch.from_numpy(row).view(torch.bfloat16)
        torch.testing.assert_close(found, rounded, rtol=0, atol=0, equal_nan=True)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_stands_there_in_plain_python_is_what_is_compiled(dtype: type) -> None:
    numbers = np.concatenate([np.linspace(-90, 90, 181), [1e-7, -1e-7, 0.3]]).astype(dtype)
    close = {"rtol": 2e-6 if dtype == np.float32 else 1e-13, "atol": 0}
    compiled, others = _sigmoids(numbers), _others(numbers)
    for place, number in enumerate(numbers):
        np.testing.assert_allclose(sigmoid(number), compiled[:, place], rtol=close["rtol"], atol=1e-37)
        np.testing.assert_allclose((tanh(number), exponential(number)), others[:, place], **close)
    above = numbers[numbers > 0]
    decays = _decays(above)
    for place, number in enumerate(above):
        np.testing.assert_allclose(decay(number), decays[:, place], rtol=1e-5, atol=1e-30)
    assert decay(dtype(0)) == (1, 0, 0)


@pytest.mark.slow
def test_plain_bfloat16_is_what_is_compiled() -> None:
    numbers = np.array([0, -0.0, 1.00390625, 1.01171875, -3.3, 1e38, np.inf, -np.inf, np.nan], np.float32)
    plain, compiled = np.zeros(len(numbers), np.uint16), np.zeros(len(numbers), np.uint16)
    _put_all(numbers, compiled)
    for place, number in enumerate(numbers):
        put(plain, place, number)
    np.testing.assert_array_equal(plain, compiled)
    np.testing.assert_array_equal([wide(bits) for bits in plain], _widened(plain))
    assert wide(np.float32(0.1)) == np.float32(0.1)
    row = np.zeros(1, np.float32)
    put(row, 0, np.float32(0.1))
    assert row[0] == np.float32(0.1)
