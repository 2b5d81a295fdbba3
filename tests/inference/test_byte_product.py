"""Products of bytes against NumPy's of 64-bit integers: exact, by every kernel, on every target
this machine runs.
"""

import itertools
import re
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from llvmlite import binding
from numba import njit, types
from tests.inference.test_targets import run_program

from elman.inference.byte_product import pack, packed_bytes, padded, product, product_by
from elman.inference.dot_kernels import KERNELS, best_kernel
from elman.inference.target import features

# AVX-VNNI's instruction is in AVX-512 too, and what the kernel for NEON does is in no processor's
# own words.
HERE = features() | {"neon"} | ({"avxvnni"} if {"avx512vnni", "avx512vl"} <= features() else set())
# Compiled anew: numba's cache does not see changes of the kernels' file.
PRODUCTS = {kernel.name: product_by(kernel) for kernel in KERNELS if kernel.needs <= HERE}
# Each takes two seconds to compile: `make quick` takes the one of this machine, and the plain
# loops.
WAYS = [
    pytest.param(name, marks=[] if name in (best_kernel().name, "loops") else [pytest.mark.slow]) for name in PRODUCTS
]
UNTOUCHED = product_by(best_kernel())
"""Compiled first by a caller with fastmath, from which numba would take it over."""
NONE = np.zeros(0, np.float32)


def laid_out(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    room = np.empty(packed_bytes(*matrix.shape) + 64, np.int8)
    aligned = room[-room.ctypes.data % 64 :][: packed_bytes(*matrix.shape)]
    sums = np.empty(matrix.shape[1], np.int32)
    pack(matrix, aligned, sums)
    return aligned, 128 * sums


def multiplied(multiply: Any, x: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """``(x - 128) @ matrix``; ``x`` stands in the middle of longer rows, and so do the results."""
    (rows, depth), columns = x.shape, matrix.shape[1]
    wide = np.full((rows, 3 + padded(depth, 4) + 2), 200, np.uint8)  # what stands behind the end meets zeros
    wide[:, 3 : 3 + depth] = x
    found = np.full((rows, columns + 3), np.nan, np.float32)
    multiply(wide, 3, padded(depth, 4) // 4, *laid_out(matrix), found, 1, -1, NONE, NONE)
    assert np.isnan(found[:, [0, -2, -1]]).all()
    return found[:, 1:-2]


@pytest.mark.parametrize(("depth", "columns"), [(1, 1), (3, 3), (4, 64), (63, 65), (64, 63), (65, 130), (650, 200)])
@pytest.mark.parametrize("kernel", WAYS)
def test_it_is_the_product_of_integers(kernel: str, depth: int, columns: int) -> None:
    for rows in (1, 2, 3, 4, 5, 7, 8, 9):
        draw = np.random.default_rng(rows * depth + columns)
        matrix = draw.integers(-127, 128, (depth, columns)).astype(np.int8)
        x = draw.integers(0, 256, (rows, depth)).astype(np.uint8)
        wanted = (x.astype(np.int64) - 128) @ matrix.astype(np.int64)
        found = multiplied(PRODUCTS[kernel], x, matrix)
        np.testing.assert_array_equal(found, wanted.astype(np.float32), err_msg=f"{rows} rows")


@pytest.mark.parametrize("kernel", WAYS)
def test_extreme_numbers_do_not_overflow(kernel: str) -> None:
    for byte, weight, rows in itertools.product((0, 1, 128, 255), (-127, 127, 0), (1, 4)):
        x, matrix = np.full((rows, 1028), byte, np.uint8), np.full((1028, 66), weight, np.int8)
        matrix[::2, 1] *= -1
        wanted = (x.astype(np.int64) - 128) @ matrix.astype(np.int64)
        found = multiplied(PRODUCTS[kernel], x, matrix)
        np.testing.assert_array_equal(found, wanted.astype(np.float32), err_msg=f"{byte}, {weight}, {rows} rows")


@pytest.mark.parametrize("kernel", WAYS)
def test_the_largest_sums_fit(kernel: str) -> None:
    matrix, x = np.full((8192, 1), -127, np.int8), np.full((1, 8192), 255, np.uint8)
    assert multiplied(PRODUCTS[kernel], x, matrix)[0, 0] == np.float32(127 * -127 * 8192)


@njit(fastmath={"contract", "nsz"}, error_model="numpy")
def within_fast_math(x, deep, weights, middle, out, scales, bias):
    UNTOUCHED(x, 0, deep, weights, middle, out, 1, 0, scales, bias)


def rounded(value: Fraction) -> Fraction:
    """To float32: what is rounded here has at most 48 digits, which float64 holds."""
    assert Fraction(float(value)) == value
    return Fraction(float(np.float32(float(value))))


@pytest.mark.parametrize("way", [*WAYS, "fast math"])
def test_every_operation_is_rounded(way: str) -> None:
    """Against exact fractions, rounded after each operation; a fused multiplication and addition
    differs.
    """
    draw = np.random.default_rng(4)
    matrix = draw.integers(-127, 128, (64, 130)).astype(np.int8)
    x = draw.integers(1, 256, (5, 64)).astype(np.uint8)
    scales = draw.normal(size=130).astype(np.float32)
    whole = (x.astype(np.int64) - 128) @ matrix.astype(np.int64)
    found = np.zeros((5, 131), np.float32)
    row_scales = found[:, 0] = draw.normal(size=5).astype(np.float32)
    # The bias nearly cancels row 0, so that digits behind float32's would show.
    bias = -(whole[0] * row_scales[0] * scales).astype(np.float32)
    if way == "fast math":
        within_fast_math(x, 16, *laid_out(matrix), found, scales, bias)
    else:
        PRODUCTS[way](x, 0, 16, *laid_out(matrix), found, 1, 0, scales, bias)
    fused = 0
    for row, column in np.ndindex(5, 130):
        scale, factor, added = (Fraction(float(each)) for each in (row_scales[row], scales[column], bias[column]))
        once = rounded(Fraction(int(whole[row, column])) * scale)
        wanted = np.float32(float(rounded(once * factor))) + bias[column]
        assert found[row, 1 + column] == wanted
        fused += np.float32(float(once * factor + added)) != wanted
    assert fused > 50  # so that the numbers can tell
    without = np.ones((5, 131), np.float32)
    without[:, 0] = row_scales
    product(x, 0, 16, *laid_out(matrix), without, 1, 0, scales, NONE)
    np.testing.assert_array_equal(without[:, 1:], whole.astype(np.float32) * row_scales[:, None] * scales)


def run_on(target: dict[str, str], cache: Path, *arguments: str) -> list[str]:
    """What this file prints, as a program whose compiler is told of another processor."""
    return run_program(__file__, target, cache, *arguments)


@pytest.mark.slow
@pytest.mark.skipif("sse2" not in features(), reason="asks for code of x86-64 processors")
@pytest.mark.parametrize(
    ("told", "kernel", "has", "lacks"),
    [
        ("+avx512f,+avx512vnni", "avx512vnni", r"vpdpbusd\s.*zmm", "vpmadd"),
        ("+avx2,+avxvnni", "avxvnni", r"\{vex\}\s+vpdpbusd\s.*ymm", "zmm"),
        ("+avx2,-avx2", "sse2", "pmaddwd", "vpsign"),
        ("+avx2", "avx2", r"vpsignb\s.*ymm", "zmm"),
    ],
)
def test_the_kernel_is_what_the_target_has(told: str, kernel: str, has: str, lacks: str, tmp_path: Path) -> None:
    """Compiled only: the processor here need not have the instructions."""
    name, *code = run_on({"NUMBA_CPU_NAME": "x86-64", "NUMBA_CPU_FEATURES": told}, tmp_path, "code")
    assert name == kernel
    assert re.search(has, "\n".join(code)) and lacks not in "\n".join(code)


@pytest.mark.slow
def test_arm64_multiplies_vectors_of_bytes(tmp_path: Path) -> None:
    """Whatever this machine is: LLVM's code for NEON of what the kernel says."""
    code = run_on({"NUMBA_CPU_NAME": "generic", "NUMBA_OPT": "0"}, tmp_path, "arm64")
    counts = {name: sum(line.split()[:1] == [name] for line in code) for name in ("smull", "addp", "smaddl")}
    # 2 products for each vector of a tile: 4 rows by 2 vectors, and a row alone by 8; each stands
    # there three times.
    assert counts["smull"] == 2 * counts["addp"] == 3 * 2 * (4 * 2 + 8)
    # Single numbers are multiplied for addresses alone.
    assert counts["smaddl"] == 0 and not any(re.match(r"\s+mul\s+v", line) for line in code)


def code_of(name: str) -> Any:
    """A kernel, compiled for the types it is called with and not run."""
    dots: Any = next(kernel for kernel in KERNELS if kernel.name == name).dots
    integer = types.intp
    dots.compile((types.uint8[:, ::1], types.int8[::1], *[integer] * 4, types.int32[:, ::1]))
    return dots


def arm64_code() -> str:
    """LLVM's vector code, not yet optimised, for another processor than it was meant for."""
    binding.initialize_all_targets()
    binding.initialize_all_asmprinters()
    triple = "aarch64-unknown-linux-gnu"
    (code,) = code_of("neon").inspect_llvm().values()
    machine = binding.Target.from_triple(triple).create_target_machine(opt=3)
    module = binding.parse_assembly(re.sub("target (triple|datalayout) = .*", "", code))
    module.triple, module.data_layout = triple, str(machine.target_data)
    builder = binding.create_pass_builder(machine, binding.create_pipeline_tuning_options(speed_level=3))
    builder.getModulePassManager().run(module, builder)
    return machine.emit_assembly(module)


if __name__ == "__main__":
    if sys.argv[1] == "code":
        print(best_kernel().name, *code_of(best_kernel().name).inspect_asm().values(), sep="\n")
    else:
        print(arm64_code())
