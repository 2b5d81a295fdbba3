"""What this machine is, and what is slow or missing on it, in words."""

import os
import platform
import shutil
from typing import Any

from elman.data.prepare import cache_bytes
from elman.machine import available_cores, bf16_works, cache_folder, cpu_facts, tune_allocator, version


def diagnose() -> dict[str, Any]:
    """``{"facts": {...}, "advice": [...]}``: measured now, about this machine."""
    cores = available_cores()
    cache = cache_folder()
    facts: dict[str, str] = {
        "elman": version("elman") or "not installed",
        "python": f"{platform.python_version()} on {platform.system()} {platform.machine()}",
        "processor": f"{cpu_facts()['name']} ({cpu_facts()['features'] or 'features unknown'})",
        "cores": f"{cores} usable of {os.cpu_count()}",
        "load": _load(),
        "numpy": version("numpy") or "missing",
        "tokenizers": version("tokenizers") or "missing",
        "torch": version("torch") or "not installed",
        "cache": f"{cache} ({cache_bytes(cache) / 1e6:.1f} MB)",
        "disk free": _free(),
    }
    advice = []
    if version("torch") is None:
        advice.append("torch is not installed: n-grams work, networks need: pip install 'elman[train]'")
    else:
        advice += _torch_facts(facts, cores)
    facts["allocator"] = "keeps freed memory" if tune_allocator() else "as the system has it"
    if not tune_allocator():
        advice.append("the C library's allocator cannot be tuned here: large updates may spend time on page faults")
    if hasattr(os, "getloadavg") and os.getloadavg()[0] > 0.7 * cores:
        advice.append(
            "other programs keep this machine busy: training shares the cores, and may run at half speed or less"
        )
    if cores == 1:
        advice.append("one core only: training works, but slowly")
    return {"facts": facts, "advice": advice}


def _torch_facts(facts: dict[str, str], cores: int) -> list[str]:
    from elman.training.calibrate import machine_rate

    advice = []
    single = machine_rate(precision="fp32", threads=cores)
    facts["fp32"] = f"about {single / 1e9:.0f} GFLOP/s in training"
    if bf16_works():
        fast = machine_rate(precision="bf16", threads=cores)
        facts["bf16"] = f"about {fast / 1e9:.0f} GFLOP/s in training"
        if fast < single:
            advice.append("bf16 is slower than fp32 here: train with --precision fp32")
    else:
        facts["bf16"] = "not on this processor"
        advice.append("this processor has no bf16: networks train in fp32, which takes two to five times as long")
    import torch

    if torch.backends.mkl.is_available() and "AMD" in cpu_facts()["name"]:
        facts["blas"] = "MKL on an AMD processor (fp32 products outside LSTMs reach about half of what they could)"
    return advice


def _load() -> str:
    return f"{os.getloadavg()[0]:.2f} (one minute)" if hasattr(os, "getloadavg") else "unknown"


def _free() -> str:
    return f"{shutil.disk_usage(os.getcwd()).free / 1e9:.1f} GB here"
