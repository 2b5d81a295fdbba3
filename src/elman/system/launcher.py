"""What torchrun tells a process that it started, by environment variables; without torch."""

import os

from elman.errors import UsageError

TIMEOUT = 1800.0
"""Seconds that a process waits for the others."""


def is_launched() -> bool:
    """Whether torchrun started this process beside others."""
    return "TORCHELASTIC_RUN_ID" in os.environ and int(os.environ.get("WORLD_SIZE", "1")) > 1


def leads() -> bool:
    """Whether this process is the first, or the only one."""
    return not is_launched() or os.environ.get("RANK") == "0"


def was_restarted() -> bool:
    """Whether torchrun started the processes anew since one of them ended."""
    return "TORCHELASTIC_RUN_ID" in os.environ and int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")) > 0


def processes_here() -> int:
    """Processes that torchrun started on this machine."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1")) if is_launched() else 1


def check_timeout(seconds: float) -> float:
    """The value of ``--timeout``.

    Raises:
        UsageError: it is no time to wait for.
    """
    if not 1 <= seconds <= 7 * 24 * 3600:
        raise UsageError(f"--timeout is {seconds:g}; it must be from 1 second to 604800 (a week)")
    return seconds
