"""Eight float32 numbers as one value in compiled loops, so that vectorised code is written
explicitly.

LLVM compiles ``Lanes`` to the vector registers of any processor. The order of sums is fixed:
results do not depend on how wide these are, except where a processor cannot fuse products and sums.
Matrices are C-contiguous float32, and their rows are multiples of ``LANES`` long; nothing is
checked.
"""

import math
import operator
from functools import partial
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, overload, register_model
from numpy.typing import NDArray

from elman.system.prefetch import AHEAD, emit_prefetch

LANES = 8
TARGETS = 6
"""As many sums are found together; targets are computed in groups of this many."""
BYTES = 16
"""As many whole numbers of 8 bits are multiplied together."""
_LINE = 64
"""Bytes of a cache line."""
_VECTOR = ir.VectorType(ir.FloatType(), LANES)
_BYTE, _I16, _I32, _I64 = ir.IntType(8), ir.IntType(16), ir.IntType(32), ir.IntType(64)
_LARGEST_SCORE = 12.0
# Compiled code calls an operation without the typing context, its first argument here.
_operation: Any = intrinsic
_NUMERATOR = (1.7604010617052368e-08, 3.736297836334312e-05, 0.007766611082663608, 0.2499996729375858)
_DENOMINATOR = (2.42381823e-06, 0.001349678936457396, 0.11439852820751246, 1.0)


class _LanesType(types.Type):
    def __init__(self) -> None:
        super().__init__(name="float32x8")


lanes_type = _LanesType()


@register_model(_LanesType)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, dmm: Any, fe_type: Any) -> None:
        super().__init__(dmm, fe_type, _VECTOR)


def padded(size: int) -> int:
    """The least multiple of LANES from ``size`` on.

    >>> padded(100), padded(8)
    (104, 8)
    """
    return -(-size // LANES) * LANES


def aligned_zeros(*shape: int) -> NDArray[np.float32]:
    """An array of zeros whose vectors cross no cache line, and which shares none with other arrays.

    >>> aligned_zeros(3, 8).ctypes.data % 64
    0
    """
    size = math.prod(shape)
    numbers = np.zeros(size + _LINE // 2, np.float32)
    first = -numbers.ctypes.data % _LINE // 4
    return numbers[first : first + size].reshape(shape)


def _constant(value: float) -> Any:
    return ir.Constant(_VECTOR, [float(np.float32(value))] * LANES)


def _spread(b: Any, value: Any) -> Any:
    nothing = ir.Constant(_VECTOR, ir.Undefined)
    return b.shuffle_vector(
        b.insert_element(nothing, value, _I32(0)), nothing, ir.Constant(ir.VectorType(_I32, LANES), [0] * LANES)
    )


def _address(context: Any, b: Any, kind: Any, matrix: Any, row: Any, column: Any) -> Any:
    """Where a number of a matrix is."""
    array = context.make_array(kind)(context, b, matrix)
    stride = b.extract_value(array.strides, 0)
    offset = b.add(b.mul(row, stride), b.shl(column, _I64(2)))
    return b.inttoptr(b.add(b.ptrtoint(array.data, _I64), offset), ir.FloatType().as_pointer())


def _limited(b: Any, value: Any, largest: Any) -> Any:
    least = b.fsub(_constant(0), largest)
    # NaN stays NaN, so that a broken run is noticed.
    value = b.select(b.fcmp_ordered(">", value, largest), largest, value)
    return b.select(b.fcmp_ordered("<", value, least), least, value)


def _fused(b: Any, one: Any, other: Any, total: Any) -> Any:
    kind = ir.FunctionType(_VECTOR, [_VECTOR] * 3)
    return b.call(cgutils.get_or_insert_function(b.module, kind, f"llvm.fmuladd.v{LANES}f32"), [one, other, total])


@_operation
def load(typing: Any, matrix: Any, row: Any, column: Any) -> Any:
    """``matrix[row, column : column + LANES]``."""

    def build(context: Any, b: Any, signature: Any, arguments: Any) -> Any:
        address = _address(context, b, signature.args[0], *arguments)
        return b.load(b.bitcast(address, _VECTOR.as_pointer()), align=4)

    return lanes_type(matrix, types.int64, types.int64), build


@_operation
def store(typing: Any, matrix: Any, row: Any, column: Any, value: Any) -> Any:
    """Set ``matrix[row, column : column + LANES]``."""

    def build(context: Any, b: Any, signature: Any, arguments: Any) -> Any:
        address = _address(context, b, signature.args[0], *arguments[:3])
        b.store(arguments[3], b.bitcast(address, _VECTOR.as_pointer()), align=4)
        return context.get_dummy_value()

    return types.void(matrix, types.int64, types.int64, lanes_type), build


@_operation
def load_spread(typing: Any, matrix: Any, row: Any, column: Any) -> Any:
    """``matrix[row, column]`` in all lanes."""

    def build(context: Any, b: Any, signature: Any, arguments: Any) -> Any:
        return _spread(b, b.load(_address(context, b, signature.args[0], *arguments), align=4))

    return lanes_type(matrix, types.int64, types.int64), build


def _prefetch_row(context: Any, b: Any, signature: Any, arguments: Any, *, write: bool) -> Any:
    matrix, row = arguments
    array = context.make_array(signature.args[0])(context, b, matrix)
    first = _address(context, b, signature.args[0], matrix, row, _I64(0))
    emit_prefetch(b, first, b.extract_value(array.strides, 0), write=write)
    return context.get_dummy_value()


@_operation
def prefetch(typing: Any, matrix: Any, row: Any) -> Any:
    """Ask for a row of a matrix before it is changed."""
    return types.void(matrix, types.int64), partial(_prefetch_row, write=True)


@_operation
def prefetch_to_read(typing: Any, matrix: Any, row: Any) -> Any:
    """Ask for a row of a matrix before it is read, and leave it to the thread that changes it."""
    return types.void(matrix, types.int64), partial(_prefetch_row, write=False)


@_operation
def dot_of_bytes(typing: Any, matrix: Any, row: Any, numbers: Any) -> Any:
    """The dot product of a row of an int8 matrix and int16 numbers, in 32 bits. Rows, a multiple of
    BYTES long, are expected to be asked for in their order: those that come later are
    prefetched."""

    def build(context: Any, b: Any, signature: Any, arguments: Any) -> Any:
        rows = context.make_array(signature.args[0])(context, b, arguments[0])
        others = context.make_array(signature.args[2])(context, b, arguments[2])
        stride = b.extract_value(rows.strides, 0)
        first = b.gep(rows.data, [b.mul(arguments[1], stride)])
        emit_prefetch(b, b.gep(first, [_I64(AHEAD)]), stride)
        kind = ir.VectorType(_I32, BYTES // 2)
        sums = cgutils.alloca_once_value(b, ir.Constant(kind, [0] * (BYTES // 2)))

        def widened(address: Any, narrow: Any) -> Any:
            found = b.load(b.bitcast(address, ir.VectorType(narrow, BYTES).as_pointer()), align=1)
            return b.sext(found, ir.VectorType(_I32, BYTES))

        def halves(value: Any, one: list[int], other: list[int]) -> Any:
            places = (ir.Constant(ir.VectorType(_I32, len(half)), half) for half in (one, other))
            return b.add(*(b.shuffle_vector(value, value, half) for half in places))

        with cgutils.for_range_slice(b, _I64(0), stride, _I64(BYTES), _I64) as (at, _):
            products = b.mul(widened(b.gep(first, [at]), _BYTE), widened(b.gep(others.data, [at]), _I16))
            # Sums of neighbours: processors have one instruction for this and the products.
            sum_of_two = halves(products, [*range(0, BYTES, 2)], [*range(1, BYTES, 2)])
            b.store(b.add(b.load(sums), sum_of_two), sums)
        total, count = b.load(sums), BYTES // 2
        while count > 1:
            total = halves(total, [*range(count // 2)], [*range(count // 2, count)])
            count //= 2
        return b.extract_element(total, _I32(0))

    return types.int32(matrix, types.int64, numbers), build


@_operation
def spread(typing: Any, value: Any) -> Any:
    """A number in all lanes."""

    def build(context: Any, b: Any, signature: Any, arguments: Any) -> Any:
        return _spread(b, arguments[0])

    return lanes_type(types.float32), build


@_operation
def load_group(typing: Any, numbers: Any, group: Any) -> Any:
    """The numbers of a group of TARGETS, in the first lanes; what the others hold is of no use."""

    def build(context: Any, b: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, b, arguments[0])
        address = b.gep(array.data, [b.mul(arguments[1], _I64(TARGETS))])
        return b.load(b.bitcast(address, _VECTOR.as_pointer()), align=4)

    return lanes_type(numbers, types.int64), build


@_operation
def first_lane(typing: Any) -> Any:
    """One in the first lane, zero in the others."""

    def build(context: Any, b: Any, signature: Any, arguments: Any) -> Any:
        return ir.Constant(_VECTOR, [1.0] + [0.0] * (LANES - 1))

    return lanes_type(), build


@_operation
def fused(typing: Any, one: Any, other: Any, total: Any) -> Any:
    """``one * other + total``."""

    def build(context: Any, b: Any, signature: Any, arguments: Any) -> Any:
        return _fused(b, *arguments)

    return lanes_type(lanes_type, lanes_type, lanes_type), build


@_operation
def totals(typing: Any, a: Any, b: Any, c: Any, d: Any, e: Any, f: Any) -> Any:
    """The sums over the lanes of six values, in the first six lanes of one; the rest is zero."""

    def build(context: Any, b: Any, signature: Any, arguments: Any) -> Any:
        rows = [*arguments, _constant(0), _constant(0)]
        for step in (1, 2, 4):
            # Each pass adds neighbours of a distance, and packs two values into one.
            rows = [_halved(b, rows[at], rows[at + 1], step) for at in range(0, len(rows), 2)]
        return rows[0]

    return lanes_type(*[lanes_type] * 6), build


@_operation
def total(typing: Any, value: Any) -> Any:
    """The sum over the lanes."""

    def build(context: Any, b: Any, signature: Any, arguments: Any) -> Any:
        (value,) = arguments
        for step in (1, 2, 4):
            value = _halved(b, value, value, step)
        return b.extract_element(value, _I32(0))

    return types.float32(lanes_type), build


def _halved(b: Any, one: Any, other: Any, step: int) -> Any:
    places = [[], []]
    for lane in range(LANES):
        # Lanes whose number has the bit ``step`` come from the other value.
        source = LANES if lane & step else 0
        places[0].append(source + (lane & ~step))
        places[1].append(source + (lane | step))
    kind = ir.VectorType(_I32, LANES)
    first, second = (b.shuffle_vector(one, other, ir.Constant(kind, place)) for place in places)
    return b.fadd(first, second)


@_operation
def logistic(typing: Any, score: Any) -> Any:
    """The logistic function, exact to 3e-7; scores beyond 12 count as 12."""

    def build(context: Any, b: Any, signature: Any, arguments: Any) -> Any:
        (x,) = arguments
        x = _limited(b, x, _constant(_LARGEST_SCORE))
        square = b.fmul(x, x)
        above, below = ([_constant(number) for number in numbers] for numbers in (_NUMERATOR, _DENOMINATOR))
        top, bottom = above[0], below[0]
        for number in above[1:]:
            top = _fused(b, top, square, number)
        for number in below[1:]:
            bottom = _fused(b, bottom, square, number)
        return _fused(b, x, b.fdiv(top, bottom), _constant(0.5))

    return lanes_type(lanes_type), build


@_operation
def limited(typing: Any, value: Any, largest: Any) -> Any:
    """``value``, where it is beyond plus or minus ``largest``, that."""

    def build(context: Any, b: Any, signature: Any, arguments: Any) -> Any:
        return _limited(b, *arguments)

    return lanes_type(lanes_type, lanes_type), build


@_operation
def inverse_root(typing: Any, value: Any) -> Any:
    """``1 / sqrt(value)`` of normal positive numbers, exact to 3e-7 of it: three steps of Newton's
    method from a guess by the exponent, which take less time than a root and a division."""

    def build(context: Any, b: Any, signature: Any, arguments: Any) -> Any:
        (x,) = arguments
        whole = ir.VectorType(_I32, LANES)
        magic, one = (ir.Constant(whole, [number] * LANES) for number in (0x5F375A86, 1))
        guess = b.bitcast(b.sub(magic, b.lshr(b.bitcast(x, whole), one)), _VECTOR)
        half = b.fmul(x, _constant(-0.5))
        for _ in range(3):
            guess = b.fmul(guess, _fused(b, b.fmul(half, guess), guess, _constant(1.5)))
        return guess

    return lanes_type(lanes_type), build


def _by_lanes(operation: Any, instruction: str) -> None:
    @_operation
    def compute(typing: Any, one: Any, other: Any) -> Any:
        def build(context: Any, b: Any, signature: Any, arguments: Any) -> Any:
            return getattr(b, instruction)(*arguments)

        return lanes_type(lanes_type, lanes_type), build

    @overload(operation)
    def _of_lanes(one, other):
        return (lambda one, other: compute(one, other)) if one is lanes_type and other is lanes_type else None


_by_lanes(operator.add, "fadd")
_by_lanes(operator.sub, "fsub")
_by_lanes(operator.mul, "fmul")
