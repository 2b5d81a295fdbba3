"""What this machine is and how to get the best of it: threads, allocator, bf16, device, the cache
folder."""

import ctypes
import importlib.util
import math
import os
import platform
import sys
from functools import cache
from pathlib import Path
from typing import Any

from elman.errors import MissingExtra, UsageError
from elman.system.launcher import processes_here

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


def importable(name: str) -> bool:
    """Whether a package is installed, without importing it."""
    try:
        return importlib.util.find_spec(name) is not None
    except ValueError:  # its import has been blocked
        return False


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
    """Keep freed memory in the process, so that large buffers do not fault in again at every
    update.

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
    """Use this many threads for torch (default: as many as this process may use); returns the
    number."""
    if threads is not None and threads < 1:
        raise UsageError(f"--threads is {threads}; it must be 1 or more")
    import torch

    chosen = threads or available_cores()
    torch.set_num_threads(chosen)
    return chosen


def available_cores() -> int:
    """Cores that this process may run on, at most what the quota of its container pays for, and its
    share of them where torchrun started several processes here."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = cpu_quota()
    cores = cores if quota is None else min(cores, math.ceil(quota))
    return max(1, cores // processes_here())


def cpu_quota(groups: Path = Path("/proc/self/cgroup"), root: Path = Path("/sys/fs/cgroup")) -> float | None:
    """Cores' worth of time that control groups (containers, batch systems) grant this process;
    None: no limit."""
    found = []
    for line in _lines(groups):
        _, _, rest = line.partition(":")
        controllers, _, own = rest.partition(":")
        if controllers and "cpu" not in controllers.split(","):
            continue
        # A container sees its own group as the root, though the list still gives its path outside.
        inner = Path(own.strip("/"))
        bases = (root / controllers,) if controllers else (root, root / "unified")
        for folder in {base / part for base in bases for part in (inner, *inner.parents)}:
            numbers = " ".join(_lines(folder / "cpu.max")).split()
            if not numbers:
                numbers = [*_lines(folder / "cpu.cfs_quota_us"), *_lines(folder / "cpu.cfs_period_us")]
            if len(numbers) == 2 and all(number.isdecimal() for number in numbers) and int(numbers[1]):
                found.append(int(numbers[0]) / int(numbers[1]))
    return min(found, default=None)


def memory() -> dict[str, int]:
    """Bytes of memory: ``total``, ``available`` and ``swapped`` (in use); empty where the system
    does not say."""
    values = {}
    for line in _lines(Path("/proc/meminfo")):
        name, _, rest = line.partition(":")
        size = rest.split()
        if size and size[0].isdecimal():
            values[name] = int(size[0]) * 1024
    if not {"MemTotal", "MemAvailable"} <= set(values):
        return {}
    swapped = values.get("SwapTotal", 0) - values.get("SwapFree", 0)
    return {"total": values["MemTotal"], "available": values["MemAvailable"], "swapped": swapped}


def governor() -> str | None:
    """What sets the clock of the first core, ``driver: governor``; None where the system does not
    say."""
    folder = Path("/sys/devices/system/cpu/cpu0/cpufreq")
    parts = [*_lines(folder / "scaling_driver"), *_lines(folder / "scaling_governor")]
    return ": ".join(parts) if len(parts) == 2 else None


def stolen_time() -> tuple[int, int] | None:
    """Ticks since the start that other virtual machines took from this one, and all ticks; None if
    unknown."""
    for line in _lines(Path("/proc/stat")):
        parts = line.split()
        if parts[0] == "cpu" and len(parts) >= 9:
            ticks = [int(part) for part in parts[1:9]]
            return ticks[7], sum(ticks)
    return None


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []


@cache
def cpu_facts() -> dict[str, str]:
    """The processor's name and those of its features that change results or speed."""
    name, flags = platform.processor() or platform.machine(), ""
    for line in _lines(Path("/proc/cpuinfo")):
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            name = value.strip()
        if key.strip() in ("flags", "Features"):
            flags = value
    telling = ("avx2", "avx512f", "avx512_bf16", "avx512_vnni", "amx_bf16", "bf16", "asimd", "i8mm")
    return {"name": name, "features": " ".join(flag for flag in telling if flag in flags.split())}


@cache
def bf16_works() -> bool:
    """Whether networks may train in bf16 here: the CPU computes it natively and an LSTM step
    succeeds."""
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


def choose_precision(wanted: str, *, device: str = "cpu") -> str:
    """``auto``, ``bf16`` or ``fp32`` -> what will be used on ``device``.

    Raises:
        UsageError: bf16 was asked for and this machine cannot.
    """
    if wanted == "fp32":
        return wanted
    if device == "cuda":
        import torch

        works = torch.cuda.is_bf16_supported()
    else:
        works = bf16_works()
    if wanted == "bf16" and not works:
        unit = "GPU" if device == "cuda" else "CPU"
        raise UsageError(f"--precision bf16: this {unit} cannot train in bf16; use fp32 or auto")
    return "bf16" if works else "fp32"


def choose_device(wanted: str) -> str:
    """``auto``, ``cpu`` or ``cuda`` -> where networks train.

    Raises:
        UsageError: a GPU was asked for and there is none.

    >>> choose_device("cpu")
    'cpu'
    """
    if wanted == "cpu":
        return wanted
    import torch

    found = torch.cuda.is_available()
    if wanted == "cuda" and not found:
        raise UsageError(
            "torch finds no CUDA GPU here, which device cuda needs; use --device cpu (what was begun on a GPU resumes "
            "only on one), or install a CUDA build of torch and its driver"
        )
    return "cuda" if found else "cpu"


def prepare_device(device: str, *, precision: str) -> None:
    """Make a GPU compute what a plan promises: the same bits each time, and fp32 where fp32 is
    said."""
    if device != "cuda":
        return
    import torch

    # Read when the GPU is first used: without it, products of one run may be added up in several
    # orders.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.allow_tf32 = precision != "fp32"


def version(package: str) -> str | None:
    """The installed version of a package, or None."""
    from importlib import metadata  # slow to import, and seldom needed

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def fingerprint(*, threads: int, precision: str, device: str = "cpu") -> dict[str, Any]:
    """All that bit-for-bit repetition depends on, to be kept with a run and compared on
    resuming."""
    return {
        "python": platform.python_version(),
        "elman": version("elman"),
        "torch": version("torch"),
        "numpy": version("numpy"),
        "numba": version("numba"),
        "cpu": cpu_facts(),
        "threads": threads,
        "precision": precision,
        "device": _device_name(device),
        "system": f"{platform.system()} {platform.machine()}",
    }


def _device_name(device: str) -> str:
    if device != "cuda":
        return device
    import torch

    return f"cuda ({torch.cuda.get_device_name()})"


def peak_memory() -> int | None:
    """The most memory this process has held so far, in bytes; None where the system does not
    say."""
    # What Linux says elsewhere (getrusage) begins with what the parent held when it started this
    # process.
    for line in _lines(Path("/proc/self/status")):
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
