"""The engine's elementary functions: float32, from additions and products in a fixed order.

The functions of libraries and processors differ in their last digits. These use only operations
with a fixed rounding in IEEE 754 (``+ - * /``, the square root), none of them contracted, and sums
use LANES partial sums in a fixed order. So the interpreter, the compiled kernels and a browser
(``web/functions.js``) give the same bits.

Functions take numbers or arrays: the interpreter calls them with NumPy arrays, and ``kernels.py``
compiles them for single numbers. Accuracy is about two units in the last place; erf's error is up
to 6e-7.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

LANES = 16
"""Partial sums of a sum, a power of 2; ``web/functions.js`` has the same number. Another number
gives other bits, so ``model._ARITHMETIC`` must change with it.
"""
SMALLEST = np.float32(1e-30)
"""The smallest size that scales a vector to 8 bits, so that a vector of zeros has a scale too."""
EPSILON = np.float32(1e-5)
"""Added to a variance."""
ONE, TWO = np.float32(1), np.float32(2)
MOST = np.float32(87)
"""Up to this size, e^x and e^-x are normal numbers."""
STEP = np.float32(1 / 127)
"""Scales the largest number of a vector to 127."""
_ROUNDING = np.float32(12582912)
"""1.5 * 2^23: adding and subtracting it rounds to the nearest whole number, halves to even."""
_LOG2_E = np.float32(1 / math.log(2))
# The logarithm of 2 in two parts: a multiple of the first, which has few digits, is exact.
_LN_2, _LN_2_LOW = np.float32(0.693359375), np.float32(math.log(2) - 0.693359375)
_E2, _E3, _E4, _E5, _E6, _E7 = (np.float32(1 / math.factorial(power)) for power in range(2, 8))
_L3, _L5, _L7, _L9, _L11 = (np.float32(1 / power) for power in (3, 5, 7, 9, 11))
_ROOT_2 = np.float32(math.sqrt(2))
_P, _A1, _A2, _A3, _A4, _A5 = (
    np.float32(number)
    for number in (0.3275911, 0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429)
)  # fmt: skip
"""Abramowitz and Stegun, 7.1.26."""


def clamp(x: Any) -> Any:
    """Between -MOST and MOST."""
    return np.minimum(np.maximum(x, -MOST), MOST)


def whole(x: Any) -> Any:
    """The nearest whole number, halves to even; below 2^22."""
    return (x + _ROUNDING) - _ROUNDING


def power_of_two(n: Any) -> Any:
    """``2^n`` for whole n from -126 to 127."""
    return np.int32((np.int32(n) + np.int32(127)) << np.int32(23)).view(np.float32)


def parts_of(x: Any) -> Any:
    """``n`` and ``m`` where ``x = 2^n m`` and m lies from 1 to 2; x above 0."""
    bits = np.float32(x).view(np.int32)
    n = (bits >> np.int32(23)) - np.int32(127)
    return np.float32(n), np.int32((bits & np.int32(0x7FFFFF)) | np.int32(0x3F800000)).view(np.float32)


def grown(x: Any) -> Any:
    """``2^n`` and ``e^r - 1`` where ``x = n ln 2 + r`` and r is small."""
    n = whole(x * _LOG2_E)
    r = (x - n * _LN_2) - n * _LN_2_LOW
    series = ((((_E7 * r + _E6) * r + _E5) * r + _E4) * r + _E3) * r + _E2
    return power_of_two(n), (series * r) * r + r


def exp(x: Any) -> Any:
    """``e^x``; x is clamped to ±87."""
    power, remainder = grown(clamp(x))
    return power + power * remainder


def expm1(x: Any) -> Any:
    """``e^x - 1``, exact where x is small."""
    power, remainder = grown(clamp(x))
    return power * remainder + (power - ONE)


def sigmoid(x: Any) -> Any:
    """``1 / (1 + e^-x)``."""
    return ONE / (ONE + exp(-x))


def tanh(x: Any) -> Any:
    """The hyperbolic tangent, exact where it is small."""
    less = expm1(x + x)
    return less / (less + TWO)


def log(x: Any) -> Any:
    """The natural logarithm of x from 1 on."""
    n, m = parts_of(x)
    n, m = halved(n, m)
    s = (m - ONE) / (m + ONE)
    square = s * s
    series = ((((_L11 * square + _L9) * square + _L7) * square + _L5) * square + _L3) * square
    small = (s + s) + (s + s) * series
    return n * _LN_2 + (n * _LN_2_LOW + small)


def halved(n: Any, m: Any) -> Any:
    """``n + 1`` and ``m / 2`` where m is above the root of 2."""
    above = np.float32(m > _ROOT_2)
    return n + above, m / (ONE + above)


def erf(x: Any) -> Any:
    """The error function."""
    size = abs(x)
    t = ONE / (ONE + _P * size)
    series = ((((_A5 * t + _A4) * t + _A3) * t + _A2) * t + _A1) * t
    return signed(ONE - series * exp(-(size * size)), x)


def signed(size: Any, x: Any) -> Any:
    """``size`` with the sign of x."""
    return np.copysign(size, x)


ELEMENTARY = (whole, power_of_two, parts_of, grown, exp, expm1, sigmoid, tanh, log, erf)
"""Compiled unchanged by the kernels; ``vector_kernels.py`` overloads the others."""


def total(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Sums along the last axis: number k goes to partial sum k mod LANES, and these are added up by
    halves.
    """
    remainder = -x.shape[-1] % LANES
    padded = np.concatenate([x, np.zeros((*x.shape[:-1], remainder), np.float32)], axis=-1) if remainder else x
    lanes: Any = np.zeros((*x.shape[:-1], LANES), np.float32)
    for first in range(0, padded.shape[-1], LANES):
        lanes = lanes + padded[..., first : first + LANES]
    while lanes.shape[-1] > 1:
        half = lanes.shape[-1] // 2
        lanes = lanes[..., :half] + lanes[..., half:]
    return lanes[..., 0]
