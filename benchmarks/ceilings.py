"""What this machine can do at best: matrix products in float32 and bfloat16, and memory, warm and
cold.

    python benchmarks/ceilings.py [--quick] [--threads 1 2]

Prediction, from measurements on 2 Zen 5 cores (AVX-512, bf16) before this file was written, both
threads: bf16 860 GFLOP/s; fp32 160 through torch's own product (MKL) and about 300 through oneDNN,
which ``elman.nn.product`` takes; memory 42 GB/s read and 37 GB/s copied. Half of that or more on
one thread.

One JSON line for each figure. ``gflops`` counts 2 for a multiplication and an addition. ``gbytes``
counts what is read, and for a copy what is written too. Each figure is the best of many repeats: a
neighbour can only slow them down. On one thread the clock is processor time, on several it is
elapsed time. Where the processor has no bf16, a line with ``skipped`` says so;
``ONEDNN_MAX_CPU_ISA=AVX2`` makes any processor such a one.
"""

import argparse
import json
import os
import time
from collections.abc import Callable
from functools import cache

os.environ.setdefault("GOMP_SPINCOUNT", "1000")  # as the command does it

import torch

SIZES = ((1024, 1024, 1024), (2048, 2048, 2048), (2240, 650, 2600), (700, 512, 2048), (700, 256, 10000))
"""Rows, inputs and outputs of a product: square ones, and those of recurrent layers and a
softmax."""
WARM, COLD = 2**20, 2**27
"""Numbers of 4 bytes: 4 MB lie in the caches, 512 MB do not."""


NO_BF16 = "networks cannot train in bf16 on this processor"


def skip(what: str, why: str) -> None:
    """Print the JSON line that says what is left out."""
    print(json.dumps({"skipped": what, "why": why}), flush=True)


def precision_for(parser: argparse.ArgumentParser, wanted: str) -> str:
    """``auto``, ``bf16`` or ``fp32`` -> what is used here; the parser's error if this processor
    cannot."""
    from elman.errors import UsageError
    from elman.system.machine import choose_precision

    try:
        return choose_precision(wanted)
    except UsageError as error:
        parser.error(str(error))


def clock_for(threads: int) -> Callable[[], float]:
    """Processor time on one thread, which neighbours disturb less; elapsed time on several."""
    return time.process_time if threads == 1 else time.perf_counter


def best_seconds(work: Callable[[], object], *, seconds: float) -> float:
    """The shortest of the calls that fit into so much time, at least three."""
    clock = clock_for(torch.get_num_threads())
    best, done = float("inf"), 0
    end = clock() + seconds
    while done < 4 or clock() < end:
        begin = clock()
        work()
        if done:  # the first one sets up what the others use
            best = min(best, clock() - begin)
        done += 1
    return best


def product_rate(size: tuple[int, int, int], dtype: torch.dtype, *, onednn: bool, seconds: float) -> float:
    """FLOP per second of one product, by torch or through oneDNN."""
    from elman.nn.product import linear

    rows, inputs, outputs = size
    left, weight = torch.randn(rows, inputs).to(dtype), torch.randn(outputs, inputs).to(dtype)
    room = torch.empty(rows, outputs, dtype=dtype)
    with torch.no_grad():
        if onednn:
            taken = best_seconds(lambda: linear(left, weight), seconds=seconds)
        else:
            taken = best_seconds(lambda: torch.mm(left, weight.t(), out=room), seconds=seconds)
    return 2 * rows * inputs * outputs / taken


@cache
def gemm_peak(dtype: torch.dtype, threads: int, *, seconds: float = 0.3) -> float:
    """The best FLOP per second of all sizes and ways; for other benchmarks to divide by."""
    from elman.system.machine import set_threads, tune_allocator

    tune_allocator()
    before = torch.get_num_threads()
    set_threads(threads)
    try:
        return max(
            product_rate(size, dtype, onednn=onednn, seconds=seconds)
            for size in SIZES
            for onednn in ((False, True) if dtype == torch.float32 else (False,))
        )
    finally:
        set_threads(before)


def memory_rate(kind: str, numbers: int, *, seconds: float) -> float:
    """Bytes per second read (``read``), or read and written (``copy``)."""
    source = torch.ones(numbers)
    if kind == "read":
        return 4 * numbers / best_seconds(source.sum, seconds=seconds)
    target = torch.empty(numbers)
    return 8 * numbers / best_seconds(lambda: target.copy_(source), seconds=seconds)


def main() -> None:
    from elman.system.machine import available_cores, bf16_works, cpu_facts, set_threads, tune_allocator

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of a second for each figure")
    parser.add_argument("--threads", nargs="+", type=int, default=sorted({1, available_cores()}))
    options = parser.parse_args()
    seconds = 0.1 if options.quick else 1.0
    tune_allocator()
    print(json.dumps({"what": "machine", **cpu_facts(), "cores": available_cores(), "torch": torch.__version__}))
    if not bf16_works():
        skip("products in bf16", NO_BF16)
    for threads in options.threads:
        set_threads(threads)
        for dtype, name in ((torch.float32, "fp32"), (torch.bfloat16, "bf16"))[: 2 if bf16_works() else 1]:
            for onednn in (False, True) if dtype == torch.float32 else (False,):
                rates = {size: product_rate(size, dtype, onednn=onednn, seconds=seconds) for size in SIZES}
                way = "oneDNN" if onednn or dtype == torch.bfloat16 else "torch"
                for size, rate in rates.items():
                    line = {"what": "product", "type": name, "through": way, "threads": threads, "size": size}
                    print(json.dumps({**line, "gflops": round(rate / 1e9, 1)}), flush=True)
                best = max(rates.values())
                line = {"what": "peak", "type": name, "through": way, "threads": threads}
                print(json.dumps({**line, "gflops": round(best / 1e9, 1)}), flush=True)
        for where, numbers in (("caches", WARM), ("memory", COLD)):
            for kind in ("read", "copy"):
                rate = memory_rate(kind, numbers, seconds=seconds)
                line = {"what": kind, "where": where, "threads": threads, "gbytes": round(rate / 1e9, 1)}
                print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
