"""Run: one training with its plan, its folder and its observers."""

import dataclasses
from pathlib import Path

from elman.progress import Progress
from elman.system.machine import choose_device
from elman.training.objective import Objective, Observer
from elman.training.plan import Plan
from elman.training.processes import ALONE, Processes


@dataclasses.dataclass(frozen=True)
class Run:
    """Everything that the loop needs.

    Raises:
        UsageError: the plan wants a GPU, and there is none.
    """

    folder: Path
    """The model folder; its static files are written already."""
    objective: Objective
    plan: Plan
    progress: Progress
    resume: bool = False
    tensorboard: bool = False
    observer: Observer | None = None
    processes: Processes = ALONE
    checkpoint_every: float = 60.0
    """Seconds between two checkpoints."""

    def __post_init__(self) -> None:
        device = choose_device(self.plan.device)
        object.__setattr__(self, "plan", self.plan.replace(device=device))
