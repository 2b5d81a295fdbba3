"""One machine's green is the others': the engine compiled for lesser processors gives the same
bits.
"""

import hashlib
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from elman.cells.registry import CELLS
from elman.inference import kernels
from elman.inference.byte_product import pack, packed_bytes, padded, product
from elman.inference.dot_kernels import best_kernel
from elman.inference.executor import Executor
from elman.inference.network import network_program
from elman.inference.passes import optimise
from elman.inference.target import features
from elman.inference.weights import ProgramWeights, groups_of, in_8_bits
from elman.models.network_config import NeuralConfig

pytestmark = pytest.mark.slow

HASWELL = "+avx,+avx2,+bmi,+bmi2,+f16c,+fma,+lzcnt,+movbe,+popcnt,+ssse3,+sse4.1,+sse4.2"
TARGETS = {
    "avx2": {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": HASWELL},
    "sse2": {"NUMBA_CPU_NAME": "generic"},
}
"""By the kernel that is to be chosen."""


def of_products() -> bytes:
    """A digest of what products give: odd sizes, one row and several."""
    found = hashlib.sha256()
    for rows, depth, columns in ((1, 65, 130), (5, 130, 65), (9, 37, 200)):
        draw = np.random.default_rng(rows)
        weights, sums = np.empty(packed_bytes(depth, columns), np.int8), np.empty(columns, np.int32)
        pack(draw.integers(-127, 128, (depth, columns)).astype(np.int8), weights, sums)
        x = draw.integers(1, 256, (rows, padded(depth, 4))).astype(np.uint8)
        scales, bias = draw.normal(size=(2, columns)).astype(np.float32)
        out = draw.normal(size=(rows, columns + 1)).astype(np.float32)
        product(x, 0, padded(depth, 4) // 4, weights, 128 * sums, out, 1, 0, scales, bias)
        found.update(out.tobytes())
    return found.digest()


def of_cells() -> bytes:
    """A digest of states and log-probabilities of a small network of every cell, in 8 bits, along
    sequences.
    """
    found = hashlib.sha256()
    for cell in sorted(CELLS):
        config = NeuralConfig(cell=cell, embedding_size=26, hidden_size=37)  # type: ignore[arg-type]
        draw = np.random.default_rng(len(cell))
        program = optimise(network_program(config, 30, None), gain=2.0)
        named = {
            each.about[0]: each.shape
            for function in program.functions.values()
            for each in function.symbols()
            if each.operator == "parameter"
        }
        arrays = {name: draw.normal(size=named[name]).astype(np.float32) / 4 for name in sorted(named)}
        weights = ProgramWeights(arrays)
        step, output = (Executor(in_8_bits(program[name], groups_of(arrays)), weights) for name in ("step", "output"))
        state = {name: draw.normal(size=(5, size)).astype(np.float32) for name, size in program.states.items()}
        tokens, lengths = draw.integers(0, 31, (5, 7)), np.array([7, 0, 3, 7, 1])
        tops, after = step.along(tokens, lengths, np.zeros(tokens.shape, np.bool_), state, "next.top")
        found.update(tops.tobytes() + b"".join(part.tobytes() for part in after.values()))
        (log_probs,) = output.run({"targets": np.zeros(35, np.int64)}, {"top": tops.reshape(35, -1)}, ["log_probs"])
        found.update(np.ascontiguousarray(log_probs).tobytes())
    return found.digest()


@cache
def digest(*only: str) -> str:
    return hashlib.sha256(of_products() + (b"" if only else of_cells())).hexdigest()


def run_program(file: str, target: dict[str, str], cache: Path, *arguments: str) -> list[str]:
    """What a file prints, as a program whose compiler is told of another processor."""
    told = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_CPU")}
    given = {"NUMBA_CACHE_DIR": str(cache), "PYTHONPATH": os.pathsep.join([*sys.path, str(Path(__file__).parents[2])])}
    command = [sys.executable, file, *arguments]
    ran = subprocess.run(command, env=told | given | target, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()


@pytest.mark.skipif("avx2" not in features(), reason="the targets are those of a processor that has AVX2")
def test_all_targets_compute_the_same(tmp_path: Path) -> None:
    """They share a cache here, and load nothing of each other from it; a second run loads its
    own.
    """
    for kernel, target in TARGETS.items():
        # Cells take fifteen seconds to compile. By this processor's own kernel they are computed
        # right here.
        only = ["products"] if kernel == best_kernel().name else []
        assert run_program(__file__, target, tmp_path, *only) == [f"{kernel} {digest(*only)} loaded: 0 0"]
    assert run_program(__file__, TARGETS["sse2"], tmp_path) == [f"sse2 {digest()} loaded: 1 1"]


if __name__ == "__main__":
    found = digest(*sys.argv[1:])
    hits = (sum(each.stats.cache_hits.values()) for each in (product, kernels.run_along))
    print(best_kernel().name, found, "loaded:", *hits)
