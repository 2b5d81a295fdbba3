"""Describes this machine, what is slow or missing on it, and what to do about it.

``measure`` takes measurements for a few seconds; ``facts_of`` and ``advice_on`` put them into
words.
"""

import dataclasses
import mmap
import os
import platform
import shutil
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from elman.data.preprocessing import cache_bytes
from elman.progress import Progress
from elman.system import machine
from elman.system.compiled import is_writable
from elman.system.machine import version


@dataclasses.dataclass(frozen=True, kw_only=True)
class Readings:
    """Measurements; None if not available, or if torch is missing."""

    cores: int
    """Cores that elman uses by default."""
    all_cores: int
    quota: float | None = None
    """CPU quota of the container in cores."""
    load: float | None = None
    """Load average of one minute."""
    stolen: float | None = None
    """Share of time taken by other virtual machines during the measurement."""
    spread: float | None = None
    """Duration of the slow ones of many equal products (ninth decile) relative to the fastest."""
    threads: dict[int, float] = dataclasses.field(default_factory=dict)
    """Seconds of one product by number of threads."""
    fp32: float | None = None
    """FLOP per second in training."""
    bf16: float | None = None
    """The same in bf16; None also if the processor has no bf16."""
    onednn: float | None = None
    """Speed of oneDNN relative to MKL in fp32 products; on AMD processors only."""
    tuned: bool = True
    """Whether the C library let elman tune its allocator."""
    faulted: float | None = None
    """Share of a freed block's pages that were faulted in again, after tuning."""
    fault_cost: float | None = None
    """Extra seconds to write a GB of new memory, compared with memory in use."""
    memory: dict[str, int] = dataclasses.field(default_factory=dict)
    """The result of ``machine.memory``."""
    governor: str | None = None
    disk: int | None = None
    """Bytes free in this folder."""
    torch: str | None = None
    gpu: str | None = None
    keeps_compiled: bool = True
    """Whether compiled loops and prepared texts can be kept between runs."""
    kernel: str = "loops"
    """The kernel for 8-bit products; all kernels give the same bits."""


def diagnose(progress: Progress | None = None) -> dict[str, Any]:
    """``{"facts": {...}, "advice": [...]}`` about this machine, measured in less than five
    seconds.
    """
    measured = measure(progress or Progress())
    return {"facts": facts_of(measured), "advice": advice_on(measured)}


def measure(progress: Progress) -> Readings:
    """Take all measurements."""
    from elman.inference.dot_kernels import best_kernel  # imports numba

    cores = machine.available_cores()
    readings: dict[str, Any] = {
        "cores": cores,
        "all_cores": os.cpu_count() or 1,
        "quota": machine.cpu_quota(),
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "memory": machine.memory(),
        "governor": machine.governor(),
        "disk": shutil.disk_usage(os.getcwd()).free,
        "torch": version("torch"),
        "keeps_compiled": is_writable(machine.cache_folder()),
        "kernel": best_kernel().name,
    }
    before = machine.stolen_time()
    progress.show("measuring: memory")
    readings["tuned"] = machine.tune_allocator()
    readings["faulted"], readings["fault_cost"] = _faulted(), _fault_cost()
    if readings["torch"] is not None:
        readings |= _products(cores, progress)
    after = machine.stolen_time()
    if before is not None and after is not None and after[1] > before[1]:
        readings["stolen"] = (after[0] - before[0]) / (after[1] - before[1])
    progress.clear()
    return Readings(**readings)


def facts_of(measured: Readings) -> dict[str, str]:
    """The readings in words, by topic."""
    cpu, cache = machine.cpu_facts(), machine.cache_folder()
    facts = {
        "elman": version("elman") or "not installed",
        "python": f"{platform.python_version()} on {platform.system()} {platform.machine()}",
        "processor": f"{cpu['name']} ({cpu['features'] or 'features unknown'})",
        "cores": f"{measured.cores} usable of {measured.all_cores}"
        + ("" if measured.quota is None else f" (quota {measured.quota:g})"),
        "load": "unknown" if measured.load is None else f"{measured.load:.2f} (one minute)",
        "numpy": version("numpy") or "missing",
        "tokenizers": version("tokenizers") or "missing",
        "torch": measured.torch or "not installed",
        "inference": f"8-bit products by the kernel {measured.kernel}",
        "cache": f"{cache} ({cache_bytes(cache) / 1e6:.1f} MB)",
        "allocator": "keeps freed memory" if _keeps(measured) else "gives freed memory back to the system",
    }
    if measured.disk is not None:
        facts["disk free"] = f"{measured.disk / 1e9:.1f} GB here"
    if measured.memory:
        size = {name: f"{value / 2**30:.1f}" for name, value in measured.memory.items()}
        facts["memory"] = f"{size['available']} of {size['total']} GiB available, {size['swapped']} GiB swapped out"
    if measured.fault_cost is not None:
        facts["page faults"] = f"{measured.fault_cost:.2f} s per GB of fresh memory"
    if measured.fp32 is not None:
        facts["fp32"] = f"about {measured.fp32 / 1e9:.0f} GFLOP/s in training"
        facts["bf16"] = "not on this processor"
    if measured.bf16 is not None:
        facts["bf16"] = f"about {measured.bf16 / 1e9:.0f} GFLOP/s in training"
    if measured.onednn is not None:
        facts["blas"] = f"MKL on an AMD processor; oneDNN multiplies {measured.onednn:.1f} times as fast in fp32"
    if measured.threads:
        facts["threads"] = ", ".join(f"{n}: {1000 * seconds:.1f} ms" for n, seconds in measured.threads.items())
    if measured.spread is not None:
        facts["steadiness"] = f"slow products take {measured.spread:.2f} times as long as the fastest"
    if measured.stolen is not None:
        facts["stolen"] = f"{100 * measured.stolen:.1f}% of the time by other virtual machines"
    if measured.governor is not None:
        facts["clock"] = measured.governor
    if measured.gpu is not None:
        facts["gpu"] = measured.gpu
    return facts


def advice_on(measured: Readings) -> list[str]:
    """Advice, one line each; empty if all is well."""
    return [
        line
        for line in (*_unkept(measured), *_missing(measured), *_shared(measured), *_slow(measured), *_short(measured))
        if line
    ]


def _unkept(measured: Readings) -> list[str]:
    if measured.keeps_compiled:
        return []
    folder = machine.cache_folder()
    return [f"elman's cache {folder} cannot be written: set ELMAN_CACHE to another one; texts are prepared there"]


def _missing(measured: Readings) -> list[str]:
    if measured.torch is None:
        return ["torch is not installed: training and adapting networks need it: pip install 'elman[train]'"]
    if measured.fp32 is not None and measured.bf16 is None and measured.gpu is None:
        return ["this processor has no bf16: networks train in fp32, which takes two to five times as long"]
    if measured.fp32 is not None and measured.bf16 is not None and measured.bf16 < measured.fp32:
        return ["bf16 is slower than fp32 here: train with --precision fp32"]
    return []


def _shared(measured: Readings) -> list[str]:
    advice = []
    if measured.quota is not None and measured.quota < measured.all_cores:
        advice.append(
            f"this container may use {measured.quota:g} of {measured.all_cores} cores: more than "
            f"--threads {measured.cores} only makes them wait for each other; raise its limit if training is too slow"
        )
    if measured.stolen is not None and measured.stolen > 0.03:
        advice.append(
            f"other virtual machines take {100 * measured.stolen:.0f}% of this one's time, which cannot be fixed here: "
            "train with --updates or --epochs, which do not depend on speed"
        )
    busy = measured.load is not None and measured.load > 0.7 * measured.cores
    if busy or (measured.spread is not None and measured.spread > 1.5):
        advice.append(
            "other programs keep this machine busy: training shares the cores, and may run at half speed or less; "
            "end them, or leave them a core with a smaller --threads"
        )
    return advice


def _slow(measured: Readings) -> list[str]:
    advice = []
    if measured.threads:
        best = min(measured.threads, key=lambda count: measured.threads[count])
        most = max(measured.threads)
        if measured.threads[most] > 1.15 * measured.threads[best]:
            advice.append(
                f"{most} threads are slower than {best} here, since they wait for each other: train with "
                f"--threads {best}"
            )
    if measured.cores == 1:
        advice.append("one core only: training works, but slowly")
    if not _keeps(measured):
        cost = "" if measured.fault_cost is None else f" ({measured.fault_cost:.2f} s per GB)"
        advice.append(
            f"the allocator gives freed memory back at once: large updates spend time on page faults{cost}; "
            "use glibc's own allocator (LD_PRELOAD empty), or a smaller --batch"
        )
    if measured.onednn is not None and measured.onednn > 1.3:
        other = "leave --precision at auto, which takes bf16" if measured.bf16 else "prefer lstm, which takes oneDNN"
        advice.append(
            f"MKL on this AMD processor makes fp32 products {measured.onednn:.1f} times slower than they could be: "
            f"{other}"
        )
    if measured.governor is not None and "powersave" in measured.governor and "pstate" not in measured.governor:
        advice.append(
            "the clock is kept low to save power (powersave); to fix that: sudo cpupower frequency-set -g performance"
        )
    return advice


def _short(measured: Readings) -> list[str]:
    advice = []
    if measured.memory:
        available, total, swapped = (measured.memory[name] for name in ("available", "total", "swapped"))
        if available < max(2**30, 0.05 * total):
            advice.append(
                f"only {available / 2**30:.1f} GiB of memory are available: end other programs, or train smaller "
                "(--batch, --hidden-size)"
            )
        if swapped > 0.05 * total:
            advice.append(
                f"{swapped / 2**30:.1f} GiB of memory are swapped out to disk, from where they come back slowly: "
                "end programs that are not needed"
            )
    if measured.disk is not None and measured.disk < 1e9:
        advice.append(f"{measured.disk / 1e9:.2f} GB of disk are free here: a model and its checkpoint may not fit")
    return advice


def _keeps(measured: Readings) -> bool:
    return measured.tuned and (measured.faulted is None or measured.faulted < 0.5)


def _products(cores: int, progress: Progress) -> dict[str, Any]:
    """Speed of torch on this machine; its number of threads is restored afterwards."""
    import torch

    from elman.training.calibrate import machine_rate

    before = torch.get_num_threads()
    readings: dict[str, Any] = {"gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None}
    progress.show("measuring: fp32")
    readings["fp32"] = machine_rate(precision="fp32", threads=cores)
    if machine.bf16_works():
        progress.show("measuring: bf16")
        readings["bf16"] = machine_rate(precision="bf16", threads=cores)
    progress.show("measuring: threads")
    rows, weights = torch.ones(256, 512), torch.ones(2048, 512)
    readings["threads"] = {}
    for count in sorted({1, -(-cores // 2), cores}):
        torch.set_num_threads(count)
        times = _times(lambda: torch.nn.functional.linear(rows, weights), seconds=0.2)
        readings["threads"][count] = statistics.median(times)
        if count == 1:
            readings["spread"] = sorted(times)[int(0.9 * len(times))] / min(times)
    if torch.backends.mkl.is_available() and "AMD" in machine.cpu_facts()["name"]:
        torch.set_num_threads(1)
        other = torch.ops.mkldnn._linear_pointwise
        # In CPU time of this process, so that other processes do not count.
        clock = time.process_time
        plain = min(_times(lambda: torch.nn.functional.linear(rows, weights), seconds=0.1, clock=clock))
        direct = min(_times(lambda: other(rows, weights, None, "none", [], ""), seconds=0.1, clock=clock))
        readings["onednn"] = plain / direct
    torch.set_num_threads(before)
    return readings


def _times(
    call: Callable[[], object], *, seconds: float, clock: Callable[[], float] = time.perf_counter
) -> list[float]:
    call()
    times, begin = [], clock()
    while len(times) < 5 or clock() - begin < seconds:
        start = clock()
        call()
        times.append(clock() - start)
    return times


def _faulted() -> float | None:
    """The share of 64 MB that comes as new pages although as much was just freed."""
    try:
        import resource
    except ImportError:
        return None
    count, pages = 64 << 20, (64 << 20) // mmap.PAGESIZE
    np.ones(count, np.uint8)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    np.ones(count, np.uint8)
    return (resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / pages


def _fault_cost() -> float:
    """Seconds per GB by which the first write is slower than the second."""
    size = 64 << 20
    with mmap.mmap(-1, size) as block:
        view = np.frombuffer(block, np.uint8)
        times = []
        for value in (1, 2):
            begin = time.process_time()
            view.fill(value)
            times.append(time.process_time() - begin)
        del view
    return max(0.0, times[0] - times[1]) / size * 1e9
