"""What this machine is and how to get the best of it: threads, allocator, bf16, the cache folder."""

import ctypes
import os
import platform
import sys
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from elman.errors import MissingExtra, UsageError

NO_TORCH = (
    "networks need torch, which is not installed; run: pip install 'elman[train]' "
    "(the README says how to get the small CPU build)"
)


def cache_folder() -> Path:
    """Where prepared texts and tokens are kept: ``$ELMAN_CACHE``, or the user's cache folder."""
    chosen = os.environ.get("ELMAN_CACHE")
    if chosen:
        return Path(chosen)
    from platformdirs import user_cache_path

    return user_cache_path("elman", appauthor=False)


def require_torch() -> None:
    """Raise one clear line when torch is not installed.

    Raises:
        MissingExtra: torch cannot be imported.
    """
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise MissingExtra(NO_TORCH) from error


@cache
def tune_allocator() -> bool:
    """Keep freed memory in the process, so that large buffers do not fault in again at every update.

    glibc gives big blocks back to the kernel at once by default, which can cost half of an update's
    time. Returns False where the C library has no such setting.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):
        return False
    trim_threshold, top_pad, mmap_max = -1, -2, -4
    # Without mmap every block comes from the heap, which the trim threshold keeps.
    return bool(mallopt(mmap_max, 0) and mallopt(trim_threshold, 2**31 - 1) and mallopt(top_pad, 64 << 20))


def set_threads(threads: int | None = None) -> int:
    """Use so many threads for torch (default: as many as this process may use); returns the number."""
    if threads is not None and threads < 1:
        raise UsageError(f"--threads is {threads}; it must be 1 or more")
    import torch

    chosen = threads or available_cores()
    torch.set_num_threads(chosen)
    return chosen


def available_cores() -> int:
    """Cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@cache
def cpu_facts() -> dict[str, str]:
    """The processor's name and those of its features that change results or speed."""
    name, flags = platform.processor() or platform.machine(), ""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                name = value.strip()
            if key.strip() in ("flags", "Features"):
                flags = value
    except OSError:
        pass
    telling = ("avx2", "avx512f", "avx512_bf16", "avx512_vnni", "amx_bf16", "bf16", "asimd", "i8mm")
    return {"name": name, "features": " ".join(flag for flag in telling if flag in flags.split())}


@cache
def bf16_works() -> bool:
    """Whether networks may train in bf16 here: the CPU computes it natively and an LSTM step succeeds."""
    features = cpu_facts()["features"].split()
    if not {"avx512_bf16", "amx_bf16", "bf16"} & set(features):
        return False
    import torch

    lstm = torch.nn.LSTM(8, 8)
    try:
        with torch.autocast("cpu", torch.bfloat16):
            output, _ = lstm(torch.ones(3, 2, 8))
        output.float().sum().backward()
    except RuntimeError:  # "could not create a primitive descriptor" on some CPUs
        return False
    return bool(torch.isfinite(output).all())


def choose_precision(wanted: str) -> str:
    """``auto``, ``bf16`` or ``fp32`` -> what will be used.

    Raises:
        UsageError: bf16 was asked for and this machine cannot.
    """
    if wanted == "bf16" and not bf16_works():
        raise UsageError("--precision bf16: this CPU cannot train in bf16; use fp32 or auto")
    if wanted == "auto":
        return "bf16" if bf16_works() else "fp32"
    return wanted


def version(package: str) -> str | None:
    """The installed version of a package, or None."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def fingerprint(*, threads: int, precision: str) -> dict[str, Any]:
    """All that bit-for-bit repetition depends on, to be kept with a run and compared on resuming."""
    return {
        "python": platform.python_version(),
        "elman": version("elman"),
        "torch": version("torch"),
        "numpy": version("numpy"),
        "cpu": cpu_facts(),
        "threads": threads,
        "precision": precision,
        "system": f"{platform.system()} {platform.machine()}",
    }


def peak_memory() -> int | None:
    """The most memory this process has held so far, in bytes; None where the system does not say."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
