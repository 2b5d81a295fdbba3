"""Trains one model of a comparison in its own process: ``python -m elman.studies.compare_worker``.

A separate process allows measuring its memory, and its failure does not stop the others. The first
line of stdin is the request in JSON. When stdin ends, the parent is gone, and training stops with a
checkpoint.
"""

import json
import os
import shutil
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from elman import api
from elman.errors import ElmanError, Interrupted
from elman.progress import Progress, ScreenProgress
from elman.storage import folder as model_folder
from elman.studies.comparison import sizes_of
from elman.system.files import write_atomic
from elman.system.machine import peak_memory

PEAK_FILE = "peak.json"
"""In the model's ``training`` folder."""


def train_one(order: dict[str, Any], *, progress: Progress) -> None:
    """Train the model of a request, or resume it; its peak memory is written next to it.

    Args:
        order: ``out``, ``sources``, ``task`` and other arguments of ``elman.train``; with
            ``parameters``, the network's sizes are chosen for about that many.
    """
    folder = Path(order["out"])
    if not model_folder.card_file(folder).exists():
        if (folder / "training" / "checkpoint.safetensors").exists():
            api.resume(folder, progress=progress)
        else:
            shutil.rmtree(folder, ignore_errors=True)  # stopped before its first checkpoint
            options = {name: value for name, value in order.items() if name not in ("sources", "parameters")}
            if order.get("parameters"):
                options |= sizes_of(order, progress=progress)
            api.train(*order["sources"], **options, progress=progress)
    peak = folder / "training" / PEAK_FILE
    earlier = json.loads(peak.read_bytes())["peak_bytes"] if peak.exists() else 0
    write_atomic(peak, json.dumps({"peak_bytes": max(earlier, peak_memory() or 0) or None}).encode())


def main() -> int:
    """Returns the exit code; an error is one JSON line on stdout."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    order = json.loads(sys.stdin.readline())
    threading.Thread(target=_stop_when_left_alone, daemon=True).start()
    try:
        train_one(order, progress=ScreenProgress(plain_every=2.0))
    except ElmanError as error:
        print(json.dumps({"code": error.code, "message": str(error)}), flush=True)
        return error.exit_code
    except KeyboardInterrupt:
        return Interrupted.exit_code
    return 0


def _stop_when_left_alone() -> None:
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    # Exit without waiting for the thread that reads stdin.
    os._exit(code)
