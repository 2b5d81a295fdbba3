"""What torchrun tells a process that it started, by environment variables; without torch."""

import os
import re

from elman.errors import UsageError

TIMEOUT = 1800.0
"""Seconds that a process waits for the others."""
SHARED_BY = "ELMAN_SHARED_BY"
"""Variable that tells a training how many of a comparison's run beside each other on its
machine."""


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
    """Processes that share this machine's cores: those that torchrun started, or the trainings of a
    comparison.

    Raises:
        UsageError: the variable does not hold a number of processes.
    """
    variable = "LOCAL_WORLD_SIZE" if is_launched() else SHARED_BY
    given = os.environ.get(variable, "1")
    if not re.fullmatch("0*[1-9][0-9]{0,5}", given):
        raise UsageError(f"{variable} is {given[:40]!r}; it must be a number of processes, 1 or more; unset it")
    return int(given)


def check_timeout(seconds: float) -> float:
    """The value of ``--timeout``.

    Raises:
        UsageError: it is no time to wait for.
    """
    if not 1 <= seconds <= 7 * 24 * 3600:
        raise UsageError(f"--timeout is {seconds:g}; it must be from 1 second to 604800 (a week)")
    return seconds
