"""Dot products of bytes by the instructions of each processor.

A kernel multiplies rows of bytes by blocks of a matrix as ``byte_product.pack`` stores it. All
kernels compute the same int32 sums, exactly: ``(x - 128) @ matrix`` for bytes ``x`` of 0 to 255 and
weights of -127 to 127. ``by_loops`` is the reference. The others are LLVM code. They keep a tile of
sums (some rows by some of a block's columns) in registers while they go down the block.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from elman.inference.target import features
from elman.system.prefetch import AHEAD, emit_prefetch

BLOCK = 64
"""Columns of a block."""
DEEP = 4
"""Rows of the matrix side by side."""
TOGETHER = 4
"""Rows of bytes computed together, so that a block is read once."""
MIDDLE = 128
"""The byte that stands for 0."""
# Kernels are not cached alone, for numba cannot cache closures. Their callers are cached with them.
_OPTIONS: Any = {"nogil": True, "error_model": "numpy"}
_I8, _I16, _I32, _I64 = (ir.IntType(bits) for bits in (8, 16, 32, 64))


class Kernel(NamedTuple):
    """One way to multiply blocks."""

    name: str
    needs: frozenset[str]
    """Instruction sets of ``target.features``."""
    signed: bool
    """True: the sums are of ``x - 128``. False: they are of ``x``, and 128 times the column sums
    must be subtracted."""
    prepare: Any
    """``prepare(x, offset, deep)``: bytes ``offset`` to ``offset + 4 deep`` of all rows, in the
    form that ``dots`` reads.
    """
    dots: Any
    """``dots(ready, weights, deep, blocks, start, stop,
    out)``: rows ``start`` to ``stop``, 1 or ``TOGETHER``, times ``blocks`` blocks of ``4
    deep`` rows; the sums of row ``start`` go to ``out[0, 64 blocks]``.
    """


@njit(**_OPTIONS)
def _as_they_are(x, offset, deep):
    return x[:, offset : offset + DEEP * deep]


@njit(**_OPTIONS)
def _signed_bytes(x, offset, deep):
    ready = np.empty((len(x), DEEP * deep), np.uint8)
    for row in range(len(x)):
        source, target = x[row, offset : offset + DEEP * deep], ready[row]
        for j in range(len(target)):
            target[j] = source[j] ^ np.uint8(MIDDLE)
    return ready


@njit(**_OPTIONS)
def _even_and_odd(x, offset, deep):
    """Of each four numbers, the first and third in 16 bits, then the second and fourth."""
    ready = np.empty((len(x), deep, 2, 2), np.int16)
    for row in range(len(x)):
        source, target = x[row, offset : offset + DEEP * deep], ready[row]
        for step in range(deep):
            for inside in range(DEEP):
                target[step, inside % 2, inside // 2] = np.int16(source[DEEP * step + inside]) - np.int16(MIDDLE)
    return ready


@njit(**_OPTIONS)
def _with_absolutes(x, offset, deep):
    """Four signed bytes, then their absolute values."""
    ready = np.empty((len(x), deep, 2, DEEP), np.uint8)
    for row in range(len(x)):
        source, target = x[row, offset : offset + DEEP * deep], ready[row]
        for step in range(deep):
            for inside in range(DEEP):
                byte = source[DEEP * step + inside]
                target[step, 0, inside] = byte ^ np.uint8(MIDDLE)
                target[step, 1, inside] = max(byte, np.uint8(MIDDLE)) - min(byte, np.uint8(MIDDLE))
    return ready


@njit(**_OPTIONS)
def by_loops(ready, weights, deep, blocks, start, stop, out):
    """The reference: plain loops, on any processor. The four weights of a column are read as one
    number.
    """
    fours = weights.view(np.int32)
    for row in range(start, stop):
        for block in range(blocks):
            total = out[row - start, BLOCK * block : BLOCK * (block + 1)]
            total[:] = 0
            for step in range(deep):
                x = ready[row, DEEP * step : DEEP * (step + 1)]
                x0, x1 = np.int32(x[0]) - np.int32(MIDDLE), np.int32(x[1]) - np.int32(MIDDLE)
                x2, x3 = np.int32(x[2]) - np.int32(MIDDLE), np.int32(x[3]) - np.int32(MIDDLE)
                some = fours[(block * deep + step) * BLOCK : (block * deep + step + 1) * BLOCK]
                for m in range(BLOCK):
                    low = x0 * np.int32(np.int8(some[m])) + x1 * np.int32(np.int8(some[m] >> 8))
                    high = x2 * np.int32(np.int8(some[m] >> 16)) + x3 * np.int32(some[m] >> 24)
                    total[m] += np.int32(low + high)


class _Instructions(NamedTuple):
    """Functions that emit code for multiplying bytes with vectors of ``lanes`` int32 numbers."""

    lanes: int
    words: int
    """Words of 32 bits that ``prepare`` makes of four bytes."""
    columns: Callable[[Any, Any], Any]
    """Prepares a vector of weights for ``add``."""
    add: Callable[[Any, Any, Any, Any], Any]
    """The sums plus the products of a row's words, repeated in all lanes, and the result of
    ``columns``."""


def _vector(kind: Any, lanes: int) -> Any:
    return ir.VectorType(kind, lanes)


def _splat(kind: Any, lanes: int, value: int) -> Any:
    return ir.Constant(_vector(kind, lanes), [value] * lanes)


def _call(b: Any, name: str, result: Any, *arguments: Any) -> Any:
    function = ir.FunctionType(result, [argument.type for argument in arguments])
    return b.call(cgutils.get_or_insert_function(b.module, function, name), arguments)


def _vnni(lanes: int) -> _Instructions:
    """One instruction multiplies unsigned by signed bytes and adds four products to a sum."""

    def columns(b: Any, weights: Any) -> Any:
        return weights

    def add(b: Any, total: Any, x: Any, weights: Any) -> Any:
        return _call(b, f"llvm.x86.avx512.vpdpbusd.{32 * lanes}", total.type, total, x[0], weights)

    return _Instructions(lanes, 1, columns, add)


def _signs() -> _Instructions:
    """Absolute values times weights that have taken the signs: two such products fit in 16 bits. By
    AVX2.
    """
    lanes = 8
    singles, pairs = _vector(_I8, 4 * lanes), _vector(_I16, 2 * lanes)

    def columns(b: Any, weights: Any) -> Any:
        return b.bitcast(weights, singles)

    def add(b: Any, total: Any, x: Any, weights: Any) -> Any:
        signed, absolute = (b.bitcast(word, singles) for word in x)
        turned = _call(b, "llvm.x86.avx2.psign.b", singles, weights, signed)
        twos = _call(b, "llvm.x86.avx2.pmadd.ub.sw", pairs, absolute, turned)
        return b.add(total, _call(b, "llvm.x86.avx2.pmadd.wd", total.type, twos, _splat(_I16, 2 * lanes, 1)))

    return _Instructions(lanes, 2, columns, add)


def _widened() -> _Instructions:
    """Products of 16-bit numbers, added in pairs: of the even bytes, and of the odd ones. By
    SSE2."""
    lanes = 4
    pairs, eight = _vector(_I16, 2 * lanes), _splat(_I16, 2 * lanes, 8)

    def columns(b: Any, weights: Any) -> Any:
        both = b.bitcast(weights, pairs)
        return b.ashr(b.shl(both, eight), eight), b.ashr(both, eight)

    def add(b: Any, total: Any, x: Any, weights: Any) -> Any:
        for word, some in zip(x, weights, strict=True):
            total = b.add(total, _call(b, "llvm.x86.sse2.pmadd.wd", total.type, b.bitcast(word, pairs), some))
        return total

    return _Instructions(lanes, 2, columns, add)


def _neon() -> _Instructions:
    """16-bit products, added in pairs to 32 bits, in generic code: LLVM chooses the
    instructions.
    """
    lanes = 4
    singles, doubles = _vector(_I8, 4 * lanes), _vector(_I16, 4 * lanes)

    def columns(b: Any, weights: Any) -> Any:
        return b.sext(b.bitcast(weights, singles), doubles)

    def add(b: Any, total: Any, x: Any, weights: Any) -> Any:
        products = b.mul(b.sext(b.bitcast(x[0], singles), doubles), weights)
        nothing = ir.Constant(doubles, ir.Undefined)
        even, odd = (
            b.shuffle_vector(products, nothing, ir.Constant(_vector(_I32, 2 * lanes), list(range(first, 4 * lanes, 2))))
            for first in (0, 1)
        )
        pairs, half = b.bitcast(b.add(even, odd), total.type), _splat(_I32, lanes, 16)
        return b.add(b.add(total, b.ashr(b.shl(pairs, half), half)), b.ashr(pairs, half))

    return _Instructions(lanes, 1, columns, add)


def _blocks(how: _Instructions, rows: int, vectors: int) -> Any:
    """Blocks for ``rows`` rows, in tiles of ``vectors`` vectors of columns."""
    lanes = how.lanes
    sums = _vector(_I32, lanes)

    def load(b: Any, address: Any, kind: Any) -> Any:
        return b.load(b.inttoptr(address, kind.as_pointer()), align=1)

    def spread(b: Any, word: Any) -> Any:
        nothing = ir.Constant(sums, ir.Undefined)
        return b.shuffle_vector(b.insert_element(nothing, word, _I32(0)), nothing, _splat(_I32, lanes, 0))

    def tile(b: Any, x: Any, stride: Any, weights: Any, deep: Any, out: Any, length: Any) -> None:
        totals = [[cgutils.alloca_once(b, sums) for _ in range(vectors)] for _ in range(rows)]
        for total in sum(totals, []):
            b.store(_splat(_I32, lanes, 0), total)
        starts = [b.add(x, b.mul(stride, _I64(row))) for row in range(rows)]

        def add_four(step: Any) -> None:
            at = b.add(weights, b.mul(step, _I64(BLOCK * DEEP)))
            if rows == 1:  # several rows read a block that others have brought
                emit_prefetch(b, b.inttoptr(b.add(at, _I64(AHEAD)), _I8.as_pointer()), _I64(4 * lanes * vectors))
            columns = [how.columns(b, load(b, b.add(at, _I64(4 * lanes * some)), sums)) for some in range(vectors)]
            for start, row in zip(starts, totals, strict=True):
                offset = b.add(start, b.mul(step, _I64(4 * how.words)))
                words = [spread(b, load(b, b.add(offset, _I64(4 * word)), _I32)) for word in range(how.words)]
                for total, some in zip(row, columns, strict=True):
                    b.store(how.add(b, b.load(total), words, some), total)

        # Two at a time, for counting takes instructions too.
        with cgutils.for_range(b, b.lshr(deep, _I64(1))) as twos:
            step = b.shl(twos.index, _I64(1))
            add_four(step)
            add_four(b.add(step, _I64(1)))
        with b.if_then(b.trunc(deep, ir.IntType(1))):
            add_four(b.sub(deep, _I64(1)))
        for number, row in enumerate(totals):
            for some, total in enumerate(row):
                address = b.add(out, b.add(b.mul(length, _I64(number)), _I64(4 * lanes * some)))
                b.store(b.load(total), b.inttoptr(address, sums.as_pointer()), align=4)

    @intrinsic
    def blocks_of_rows(typing: Any, x: Any, stride: Any, weights: Any, deep: Any, blocks: Any, out: Any) -> Any:
        def build(context: Any, b: Any, signature: Any, arguments: Any) -> Any:
            x, stride, weights, deep, blocks, out = arguments
            size, length = b.mul(deep, _I64(BLOCK * DEEP)), b.mul(blocks, _I64(4 * BLOCK))
            with cgutils.for_range(b, blocks) as block, cgutils.for_range(b, _I64(BLOCK // (lanes * vectors))) as part:
                first = b.mul(part.index, _I64(4 * lanes * vectors))
                begin = b.add(b.add(weights, b.mul(block.index, size)), first)
                to = b.add(b.add(out, b.mul(block.index, _I64(4 * BLOCK))), first)
                tile(b, x, stride, begin, deep, to, length)
            return context.get_dummy_value()

        return types.void(*[types.intp] * 6), build

    return blocks_of_rows


def _dots(how: _Instructions, together: int, alone: int) -> Any:
    """A kernel's ``dots``, with tiles of ``together`` vectors of columns for ``TOGETHER`` rows and
    of ``alone`` vectors for a single one.
    """
    several, one = _blocks(how, TOGETHER, together), _blocks(how, 1, alone)

    @njit(**_OPTIONS)
    def dots(ready, weights, deep, blocks, start, stop, out):
        stride = ready.strides[0]
        at = ready.ctypes.data + start * stride
        if stop - start == TOGETHER:
            several(at, stride, weights.ctypes.data, deep, blocks, out.ctypes.data)
        else:
            one(at, stride, weights.ctypes.data, deep, blocks, out.ctypes.data)

    return dots


def _kernels() -> tuple[Kernel, ...]:
    def kernel(name: str, needs: str, signed: bool, prepare: Any, dots: Any) -> Kernel:
        return Kernel(name, frozenset(needs.split()), signed, prepare, dots)

    return (
        kernel("avx512vnni", "avx512f avx512vnni", False, _as_they_are, _dots(_vnni(16), 4, 4)),
        kernel("avxvnni", "avxvnni", False, _as_they_are, _dots(_vnni(8), 2, 8)),
        kernel("avx2", "avx2", True, _with_absolutes, _dots(_signs(), 2, 8)),
        kernel("sse2", "sse2", True, _even_and_odd, _dots(_widened(), 2, 8)),
        kernel("neon", "neon", True, _signed_bytes, _dots(_neon(), 2, 8)),
        kernel("loops", "", True, _as_they_are, by_loops),
    )


KERNELS = _kernels()
"""From the fastest to the slowest."""


def best_kernel() -> Kernel:
    """The fastest kernel that numba's target can run."""
    return next(kernel for kernel in KERNELS if kernel.needs <= features())
