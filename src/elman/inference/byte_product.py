"""Whole numbers of 8 bits multiplied at the speed of memory: rows of bytes by a matrix that lies as it is read.

A token alone reads every weight of a network once, so that nothing can be faster than the caches give them. The matrix
``[K, M]`` is laid out in blocks of 64 columns, four rows of it side by side (``pack``): one instruction of processors
that have VNNI multiplies 64 pairs and adds them up, and the block is read from its first byte to its last; a row alone
goes through all blocks without a stop, since whatever is done between two of them interrupts the reading. Other
processors go through plain loops over the same layout. Both are exact: sums are whole numbers of 32 bits, so that no
result depends on the processor or on how many rows are multiplied together.
"""

from typing import Any

import numpy as np
from llvmlite import binding, ir
from numba import njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray

BLOCK = 64
"""Columns that are computed together."""
_DEEP = 4
"""Rows of the matrix side by side."""
_TOGETHER = 4
"""Rows of bytes that share one reading of a block."""
_AHEAD = 2048
"""Bytes by which weights are fetched before they are multiplied."""
_LANES = ir.VectorType(ir.IntType(32), 16)
_OPTIONS: Any = {"nogil": True, "cache": True, "error_model": "numpy"}


def padded(size: int, multiple: int) -> int:
    """``size`` or the next multiple.

    >>> padded(650, 4), padded(64, 64)
    (652, 64)
    """
    return -(-size // multiple) * multiple


def packed_bytes(rows: int, columns: int) -> int:
    """Bytes of a matrix ``[rows, columns]`` once it is laid out."""
    return padded(rows, _DEEP) * padded(columns, BLOCK)


def has_vnni() -> bool:
    """Whether this processor multiplies and adds bytes in one instruction."""
    features = binding.get_host_cpu_features()
    return bool(features.get("avx512vnni") and features.get("avx512f"))


@njit(**_OPTIONS)
def pack(matrix: NDArray[np.int8], out: NDArray[np.int8], sums: NDArray[np.int32]) -> None:
    """Lay out ``matrix[K, M]`` as ``out[packed_bytes(K, M)]``, zeros where it ends; ``sums[M]`` are its columns'."""
    rows, columns = matrix.shape
    deep = -(-rows // _DEEP)
    out[:] = 0
    sums[:] = 0
    for k in range(rows):
        inside = (k // _DEEP) * BLOCK * _DEEP + k % _DEEP
        for m in range(columns):
            out[(m // BLOCK) * deep * BLOCK * _DEEP + inside + (m % BLOCK) * _DEEP] = matrix[k, m]
            sums[m] += matrix[k, m]


def _vnni(rows: int) -> Any:
    """Blocks of 64 columns for ``rows`` rows of bytes, by VNNI."""

    @intrinsic  # type: ignore[misc]
    def dots(typing: Any, x: Any, stride: Any, weights: Any, deep: Any, blocks: Any, out: Any) -> Any:
        def build(context: Any, b: Any, signature: Any, given: Any) -> Any:
            x, stride, weights, deep, blocks, out = given
            wide, narrow = ir.IntType(64), ir.IntType(32)
            dot = b.module.declare_intrinsic("llvm.x86.avx512.vpdpbusd.512", (), ir.FunctionType(_LANES, [_LANES] * 3))
            byte = ir.IntType(8).as_pointer()
            kinds = [byte, narrow, narrow, narrow]
            fetch = b.module.declare_intrinsic("llvm.prefetch", (byte,), ir.FunctionType(ir.VoidType(), kinds))
            starts = [b.add(x, b.mul(stride, wide(row))) for row in range(rows)]
            length = b.mul(blocks, wide(4 * BLOCK))
            before, (top, loop, end, after) = b.block, map(b.append_basic_block, ("top", "loop", "end", "after"))
            b.branch(top)
            b.position_at_end(top)
            block, begin, to = b.phi(wide), b.phi(wide), b.phi(wide)
            b.branch(loop)
            b.position_at_end(loop)
            step, place = b.phi(wide), b.phi(wide)
            sums = [[b.phi(_LANES) for _ in range(BLOCK // 16)] for _ in range(rows)]
            columns = []
            for number in range(BLOCK // 16):
                columns.append(b.load(b.inttoptr(b.add(place, wide(64 * number)), _LANES.as_pointer()), align=1))
            # Asked for early, what is read comes in time; the processor's own guesses end with each page.
            for number in range(BLOCK // 16):
                b.call(fetch, [b.inttoptr(b.add(place, wide(_AHEAD + 64 * number)), byte), *map(narrow, (0, 3, 1))])
            added = []
            for row in range(rows):
                four = b.load(b.inttoptr(b.add(starts[row], b.mul(step, wide(_DEEP))), narrow.as_pointer()), align=1)
                alone = b.insert_element(ir.Constant(_LANES, ir.Undefined), four, narrow(0))
                spread = b.shuffle_vector(alone, ir.Constant(_LANES, ir.Undefined), ir.Constant(_LANES, [0] * 16))
                added.append(
                    [b.call(dot, [total, spread, some]) for total, some in zip(sums[row], columns, strict=True)]
                )
            following, further = b.add(step, wide(1)), b.add(place, wide(BLOCK * _DEEP))
            step.add_incoming(wide(0), top)
            step.add_incoming(following, loop)
            place.add_incoming(begin, top)
            place.add_incoming(further, loop)
            for totals, news in zip(sums, added, strict=True):
                for total, new in zip(totals, news, strict=True):
                    total.add_incoming(ir.Constant(_LANES, [0] * 16), top)
                    total.add_incoming(new, loop)
            b.cbranch(b.icmp_signed("<", following, deep), loop, end)
            b.position_at_end(end)
            for row, news in enumerate(added):
                for number, new in enumerate(news):
                    at = b.add(b.add(to, b.mul(length, wide(row))), wide(64 * number))
                    b.store(new, b.inttoptr(at, _LANES.as_pointer()), align=4)
            next_block = b.add(block, wide(1))
            for phi, first, then in (
                (block, wide(0), next_block),
                (begin, weights, further),
                (to, out, b.add(to, wide(4 * BLOCK))),
            ):
                phi.add_incoming(first, before)
                phi.add_incoming(then, end)
            b.cbranch(b.icmp_signed("<", next_block, blocks), top, after)
            b.position_at_end(after)
            return context.get_dummy_value()

        return types.void(*[types.intp] * 6), build

    return dots


_dots_of_one, _dots_of_four = _vnni(1), _vnni(_TOGETHER)


@njit(**_OPTIONS)
def by_vnni(x, place, weights, deep, blocks, start, stop, out):
    """Bytes ``place`` to ``place + 4 deep`` of rows of ``x``, 1 row or 4, times blocks: ``out[stop - start, ..]``.

    ``out`` has 64 columns for each block.
    """
    at, stride = x.ctypes.data + start * x.shape[1] + place, x.shape[1]
    if stop - start == _TOGETHER:
        _dots_of_four(at, stride, weights.ctypes.data, deep, blocks, out.ctypes.data)
    else:
        _dots_of_one(at, stride, weights.ctypes.data, deep, blocks, out.ctypes.data)


@njit(**_OPTIONS)
def by_loops(x, place, weights, deep, blocks, start, stop, out):
    """The same on any processor: the slow twin."""
    for row in range(start, stop):
        for block in range(blocks):
            total = out[row - start, BLOCK * block : BLOCK * (block + 1)]
            total[:] = 0
            for step in range(deep):
                first = (block * deep + step) * BLOCK * _DEEP
                for inside in range(_DEEP):
                    factor = np.int32(x[row, place + _DEEP * step + inside])
                    column = weights[first + inside : first + BLOCK * _DEEP : _DEEP]
                    for m in range(BLOCK):
                        total[m] += factor * np.int32(column[m])


dots = by_vnni if has_vnni() else by_loops
"""The faster way that this processor has."""


@njit(**_OPTIONS)
def product(x, place, deep, weights, middle, out, target, scale, scales, bias):
    """The whole numbers ``(x - 128) @ matrix``, as float32: rounded where they have more than 24 bits.

    Where ``scales[M]`` are given, times each row's scale, ``out[.., scale]``, and times them; and plus ``bias[M]``.

    ``x[N, ..]`` holds bytes around 128, ``4 deep`` of them from ``place`` on; ``weights`` is what ``pack`` made,
    ``middle[M]`` 128 times its sums. The M numbers of each row go to ``out[N, ..]`` from ``target`` on.
    """
    rows, columns = len(x), len(middle)
    size = deep * BLOCK * _DEEP
    # Rows share a block while it is near; one alone has no need of it again.
    blocks = -(-columns // BLOCK) if rows == 1 else 1
    width = blocks * BLOCK
    sums = np.empty((min(rows, _TOGETHER), width), np.int32)
    for first in range(0, columns, width):
        some = weights[first // BLOCK * size : (first // BLOCK + blocks) * size]
        last = min(first + width, columns)
        shift = middle[first:last]
        start = 0
        while start < rows:
            stop = start + _TOGETHER if start + _TOGETHER <= rows else start + 1
            dots(x, place, some, deep, blocks, start, stop, sums)
            for row in range(start, stop):
                total, made = sums[row - start], out[row, target + first : target + last]
                if not len(scales):
                    for m in range(last - first):
                        made[m] = np.float32(total[m] - shift[m])
                    continue
                whole, factors = out[row, scale], scales[first:last]
                if len(bias):
                    added = bias[first:last]
                    for m in range(last - first):
                        made[m] = np.float32(total[m] - shift[m]) * whole * factors[m] + added[m]
                else:
                    for m in range(last - first):
                        made[m] = np.float32(total[m] - shift[m]) * whole * factors[m]
            start = stop
