"""Job: one training of one model, from reading its data to measuring its figures."""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elman.config import Config
from elman.progress import Progress
from elman.system.machine import fingerprint
from elman.tasks.request import Request
from elman.training.plan import Plan

if TYPE_CHECKING:
    from elman.training.objective import Arrays, Objective, Observer


@dataclasses.dataclass(frozen=True, kw_only=True)
class Job(ABC):
    """What ``elman.tasks.fitting`` needs from a task. All of it is fixed before the first
    update."""

    request: Request
    folder: Path
    progress: Progress
    config: Config
    plan: Plan | None
    """None for a model that is counted."""

    @property
    @abstractmethod
    def data_hash(self) -> str:
        """16 hex digits that identify the data; a resumed training needs the same."""

    @abstractmethod
    def static_files(self) -> dict[str, bytes]:
        """The files of the folder that stay the same while the weights change: vocabularies,
        labels."""

    def first_weights(self) -> "Arrays | None":
        """The first weights; None leaves them to the network."""
        return None

    @abstractmethod
    def objective(self, plan: Plan, start: "Arrays | None") -> "Objective":
        """The network and its batches, beginning with the weights ``start``."""

    def observer(self) -> "Observer | None":
        """What observes the network after each validation."""
        return None

    def pictures(self) -> Mapping[str, bytes]:
        """Further pictures of a finished model, by the name of their file in its folder."""
        return {}

    @abstractmethod
    def finish(self) -> dict[str, Any]:
        """Measure the trained model, write whatever else its folder needs, and return its model
        card.

        A model that is counted is counted here.

        The caller adds training time, machine and recipe to the card.
        """

    def measure_again(self) -> dict[str, Any]:
        """What the model card says that follows from data and weights, derived anew.

        It writes into the folder, as ``finish`` does.
        """
        return self.finish()

    @property
    def fingerprint(self) -> dict[str, Any]:
        """What the result depends on besides the data and the plan."""
        plan = self.plan
        threads, precision, device = (plan.threads, plan.precision, plan.device) if plan else (1, "fp64", "cpu")
        return fingerprint(threads=threads, precision=precision, device=device)

    def card(self, about: Mapping[str, Any], *, seconds: float) -> dict[str, Any]:
        """A complete model card from the task's facts about its model."""
        from datetime import UTC, datetime

        return {
            **about,
            "task": self.request.task,
            "recipe": {"config": self.config.to_json(), "plan": self.plan.to_json() if self.plan else None},
            "seconds": round(seconds, 1),
            "trained": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": self.fingerprint,
        }
