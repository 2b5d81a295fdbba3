"""What torchrun tells a process that it started, by environment variables; without torch."""

import os


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
