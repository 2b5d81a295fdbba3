"""Products of 8-bit matrices against only reading the weights, by every kernel this machine can
run.

    python benchmarks/products.py [--quick] [--seconds 4] [--kernels avx512vnni avx2]

The matrices are those of one step of a 2x650 LSTM with 10,000 words: twice 1300x2600, and
650x10000; 13.27 M weights, which the caches hold. One thread. Each kernel has a process whose
compiler may emit no more than the kernel needs. Reading all weights once and multiplying 1, 8 and
64 rows take turns there, so that whatever else the machine does falls on all of them; times are the
thread's own, without what other processes took. One JSON line for each kernel and number of rows:
the best and the median time, their ratios to reading (``ratio_median``: of the turns' ratios), and
rows per second as a multiple of one row's (``speed_of_one_row``).

Prediction, made before the first run, from instruction counts and trials of single loops, for a Zen
4 core at 3.7 GHz. One row: VNNI needs one instruction for 64 weights and should read at full speed
(1.0 to 1.2 times reading); AVX2 needs four for 32 (1.1 to 1.3), SSE2 seven for 16 (2.5 to 3.5). 8
rows read the weights once. VNNI at 64 products a cycle comes to 0.06 ms a row, 2.6 to 2.8 times one
row's speed. AVX2 gains little: four instructions for 32 products on four ports are at best 32
products a cycle, 0.11 ms a row, and one row already takes 0.19 ms; so 1.2 to 1.6 times. 64 rows
cost 8 times what 8 rows do.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from typing import Any

import numpy as np

SHAPES = ((1300, 2600), (1300, 2600), (650, 10_000))
ROWS = (1, 8, 64)
BASELINE = {"NUMBA_CPU_NAME": "x86-64", "NUMBA_CPU_FEATURES": ""}
TARGETS: dict[str, dict[str, str]] = {
    "avx512vnni": {},
    "avxvnni": {},
    "avx2": BASELINE | {"NUMBA_CPU_FEATURES": "+avx2,+fma,+bmi,+bmi2,+popcnt,+lzcnt,+movbe,+f16c"},
    "sse2": BASELINE,
    "neon": {},
    "loops": BASELINE,
}
"""What the compiler is told for each kernel."""


def runnable() -> list[str]:
    """Kernels of this machine. AVX-VNNI's instruction is in AVX-512 too, encoded otherwise."""
    from elman.inference.dot_kernels import KERNELS
    from elman.inference.target import features

    here = features() | ({"avxvnni"} if {"avx512vnni", "avx512vl"} <= features() else set())
    return [kernel.name for kernel in KERNELS if kernel.needs <= here]


def measure(name: str, given: argparse.Namespace) -> list[dict[str, Any]]:
    """The lines of one kernel, in this process."""
    from numba import njit

    from elman.inference.byte_product import pack, packed_bytes, padded, product, product_by
    from elman.inference.dot_kernels import KERNELS, best_kernel

    kernel = next(kernel for kernel in KERNELS if kernel.name == name)
    multiply = product if kernel is best_kernel() else product_by(kernel)

    @njit(nogil=True, error_model="numpy")
    def read(weights):
        found = np.int64(0)
        for place in range(len(weights)):
            found ^= weights[place]
        return found

    draw = np.random.default_rng(1)
    shapes = [(depth // 8, columns // 8) for depth, columns in SHAPES] if given.quick else SHAPES
    room = np.empty(sum(packed_bytes(*shape) for shape in shapes) + 64, np.int8)
    room, matrices = room[-room.ctypes.data % 64 :], []
    for shape in shapes:
        weights, room = np.split(room, [packed_bytes(*shape)])
        sums = np.empty(shape[1], np.int32)
        pack(draw.integers(-127, 128, shape).astype(np.int8), weights, sums)
        scales, bias = draw.normal(size=(2, shape[1])).astype(np.float32)
        matrices.append((padded(shape[0], 4) // 4, weights, 128 * sums, scales, bias))
    x = draw.integers(1, 256, (max(ROWS), 4 * max(matrix[0] for matrix in matrices))).astype(np.uint8)
    out = np.ones((max(ROWS), 1 + max(columns for _, columns in shapes)), np.float32)

    def step(rows: int) -> None:
        for deep, weights, middle, scales, bias in matrices:
            multiply(x[:rows], 0, deep, weights, middle, out[:rows], 1, 0, scales, bias)

    def read_all() -> None:
        for _, weights, _, _, _ in matrices:
            read(weights.view(np.int64))

    turns = {0: read_all} | {rows: lambda rows=rows: step(rows) for rows in ROWS}
    taken: dict[int, list[float]] = {rows: [] for rows in turns}
    for turn in turns.values():
        turn()
    end = time.perf_counter() + (0.2 if given.quick else given.seconds)
    while time.perf_counter() < end or len(taken[0]) < 3:
        for rows, turn in turns.items():
            read_all()  # so that no turn finds the caches as another left them
            begin = time.thread_time()
            turn()
            taken[rows].append(1000 * (time.thread_time() - begin))
    floor, lines = min(taken[0]), []
    for rows in ROWS:
        ratios = [own / reading for own, reading in zip(taken[rows], taken[0], strict=True)]
        lines.append(
            {
                "kernel": name, "rows": rows, "ms": round(min(taken[rows]), 3),
                "ms_median": round(statistics.median(taken[rows]), 3), "reading_ms": round(floor, 3),
                "ratio": round(min(taken[rows]) / floor, 2), "ratio_median": round(statistics.median(ratios), 2),
                "speed_of_one_row": round(rows * min(taken[1]) / min(taken[rows]), 2),
            }
        )  # fmt: skip
    return lines


def main() -> None:
    from elman.system.machine import cpu_facts

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small matrices, little time: does it run?")
    parser.add_argument("--seconds", type=float, default=4.0, help="for each kernel")
    parser.add_argument("--kernels", nargs="+", choices=tuple(TARGETS), help="those of this machine by default")
    parser.add_argument("--kernel", choices=tuple(TARGETS), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.kernel:
        for line in measure(given.kernel, given):
            print(json.dumps(line), flush=True)
        return
    print(json.dumps({"shapes": SHAPES, "quick": given.quick, "cpu": cpu_facts()["name"]}), flush=True)
    for name in given.kernels or runnable():
        subprocess.run(
            [sys.executable, __file__, *sys.argv[1:], "--kernel", name], env=os.environ | TARGETS[name], check=True
        )


if __name__ == "__main__":
    main()
