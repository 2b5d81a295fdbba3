"""Scalar functions that numba can vectorise: exponentials, and bfloat16.

The maths library's own functions are calls for one number at a time. In float32 these are exact to
about two units in the last place; in float64 they are the library's. NaN stays NaN. bfloat16 is
passed as its bits in uint16. The Python function of each name is its definition; the overload below
it is compiled.
"""

import math
from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import overload

# Products and sums may be fused, but NaN and infinity must survive to reveal a broken run.
FASTMATH = {"contract", "nsz"}
# numpy's errors: Python's would test every division for zero, and branches prevent vectorising.
compiled = njit(nogil=True, cache=True, fastmath=FASTMATH, error_model="numpy")
OPTIONS: Any = {"fastmath": FASTMATH, "error_model": "numpy"}

_ZERO, _HALF, _ONE, _TWO = (np.float32(number) for number in (0, 0.5, 1, 2))
_LOG2_E = np.float32(1 / math.log(2))
# The logarithm of 2 in two parts: a multiple of the first, which has few digits, is exact.
_LN_2 = np.float32(0.693359375)
_LN_2_LOW = np.float32(math.log(2) - 0.693359375)
_T2, _T3, _T4, _T5, _T6, _T7 = (np.float32(1 / math.factorial(power)) for power in range(2, 8))
_MOST = np.float32(87)
"""Up to this size, e^x and e^-x are normal float32 numbers."""


@compiled
def _exponential(x):
    """``2^n`` and ``e^r - 1`` where ``x = n ln 2 + r`` and r is small; float32 within ±87."""
    n = np.int32(x * _LOG2_E + (_HALF if x >= _ZERO else -_HALF))
    whole = np.float32(n)
    r = x - whole * _LN_2 - whole * _LN_2_LOW
    series = ((((_T7 * r + _T6) * r + _T5) * r + _T4) * r + _T3) * r + _T2
    power = np.int32((n + np.int32(127)) << np.int32(23)).view(np.float32)
    return power, series * r * r + r


def exponential(x) -> Any:
    """``e^x``; in float32, x is clamped to ±87."""
    return np.exp(np.clip(x, -_MOST, _MOST) if getattr(x, "dtype", None) == np.float32 else x)


@overload(exponential, jit_options=OPTIONS)
def _e_to_the(x):
    def single(x):
        power, remainder = _exponential(min(max(x, -_MOST), _MOST))
        return power + power * remainder if x == x else x

    def double(x):
        return math.exp(x)

    return single if x == types.float32 else double


def sigmoid(x) -> Any:
    """``1 / (1 + e^-x)`` and its complement to 1, both exact where they are small."""
    e = np.exp(-abs(x))
    large, small = 1 / (1 + e), e / (1 + e)
    return (large, small) if x >= 0 else (small, large) if x < 0 else (x, x)


@overload(sigmoid, jit_options=OPTIONS)
def _sigmoid(x):
    def single(x):
        power, remainder = _exponential(min(max(-x, -_MOST), _MOST))
        e = power + power * remainder if x == x else x
        prob = _ONE / (_ONE + e)
        return prob, prob * e

    def double(x):
        e = math.exp(-abs(x))
        large, small = 1 / (1 + e), e / (1 + e)
        return (large, small) if x >= 0 else (small, large) if x < 0 else (x, x)

    return single if x == types.float32 else double


def tanh(x) -> Any:
    """The hyperbolic tangent, exact where it is small."""
    return np.tanh(x)


@overload(tanh, jit_options=OPTIONS)
def _tanh(x):
    def single(x):
        power, remainder = _exponential(min(max(x + x, -_MOST), _MOST))
        less = power * remainder + (power - _ONE)
        return less / (less + _TWO) if x == x else x

    def double(x):
        return math.tanh(x)

    return single if x == types.float32 else double


def decay(x) -> Any:
    """For ``x >= 0``: ``a = e^-x``, ``s = sqrt(1 - a^2)`` and ``x ds/dx = x a^2 / s``, which ends
    in 0.
    """
    kept, prob = np.exp(-x), np.sqrt(-np.expm1(-2 * x))
    return kept, prob, x * kept * kept / prob if prob != 0 else _ZERO


@overload(decay, jit_options=OPTIONS)
def _decay(x):
    def single(x):
        power, remainder = _exponential(max(-x, -_MOST))
        # e^-x - 1 without cancellation, and from it 1 - e^-2x.
        less = power * remainder + (power - _ONE)
        prob = math.sqrt(-(less + less + less * less)) if x == x else x
        kept = power + power * remainder
        return kept, prob, x * kept * kept / prob if prob != _ZERO else _ZERO

    def double(x):
        kept, prob = math.exp(-x), math.sqrt(-math.expm1(-2 * x))
        return kept, prob, x * kept * kept / prob if prob != 0 else 0.0

    return single if x == types.float32 else double


def wide(number) -> Any:
    """A number for arithmetic: float32 for the bits of a bfloat16."""
    return (np.uint32(number) << np.uint32(16)).view(np.float32) if isinstance(number, np.integer) else number


@overload(wide, jit_options=OPTIONS)
def _wide(number):
    if isinstance(number, types.Integer):
        return lambda number: np.uint32(np.uint32(number) << np.uint32(16)).view(np.float32)
    return lambda number: number


def put(row, index, number):
    """Store a number in a row of its own type or, rounded to even, of bfloat16's bits."""
    if not np.issubdtype(row.dtype, np.integer):
        row[index] = number
        return
    bits = int(np.float32(number).view(np.uint32))
    row[index] = 0x7FC0 if number != number else (bits + 0x7FFF + (bits >> 16 & 1)) >> 16


@overload(put, jit_options=OPTIONS)
def _put(row, index, number):
    def rounded(row, index, number):
        bits = np.float32(number).view(np.uint32)
        odd = np.uint32(np.uint32(bits >> np.uint32(16)) & np.uint32(1))
        near = np.uint32(np.uint32(bits + np.uint32(0x7FFF) + odd) >> np.uint32(16))
        # Rounding up could turn NaN into infinity, or into zero.
        row[index] = np.uint16(near) if number == number else np.uint16(0x7FC0)

    def plain(row, index, number):
        row[index] = number

    return rounded if isinstance(row.dtype, types.Integer) else plain
