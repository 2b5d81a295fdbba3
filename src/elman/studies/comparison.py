"""Comparison: what a task varies in `elman compare`, and how it judges the trained models."""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from elman.config import Config
from elman.errors import UsageError
from elman.models.registry import resolve
from elman.progress import Progress
from elman.studies.compare_verdict import MATTERS
from elman.tasks.registry import TASKS, task_named

MODELS = "models"
"""The folder of the trained models."""


class TrainingJob(NamedTuple):
    """One training."""

    name: str
    """Of the model's folder."""
    kind: str
    """What is compared: a kind of model, or a variant of one."""
    seed: int
    order: int | None
    """Of an n-gram."""
    request: dict[str, Any]
    """The request for the worker."""
    seconds: float
    """Expected duration if the budget is a time, else 0."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ComparePlan:
    """The models to compare, and the budget."""

    task: str = "language"
    sources: tuple[str, ...]
    valid: tuple[str, ...] = ()
    test: tuple[str, ...] = ()
    data: Config | None = None
    """How data is read; None: the task's defaults."""
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """What else the task may vary (``Comparison.takes``)."""
    models: tuple[str, ...] | None = None
    """Some of ``Comparison.variants``; None: all."""
    minutes: float | None = None
    """Training time of each network; or ``epochs``, the number of passes over the data."""
    epochs: float | None = None
    parameters: int | None = None
    """Approximate number of parameters of each network; None: chosen for data and time."""
    seeds: int = 1
    matters: float = MATTERS
    """The smallest share of the loss that is worth a higher cost. It changes the verdict alone."""

    def __post_init__(self) -> None:
        if "-" in (*self.sources, *self.valid, *self.test):
            raise UsageError("a comparison reads the text again and again, and stdin only once; give files instead")
        found = _class_of(self.task)
        for name in self.settings:
            if name not in found.takes:
                raise UsageError(f"--{name} does not apply to --task {self.task}; leave it out")
        if self.data is None:
            object.__setattr__(self, "data", task_named(self.task).request.data_config())
        known = found.variants(self.settings)
        if self.models is None:
            object.__setattr__(self, "models", known)
        names = self.models or ()
        unknown = [name for name in names if name not in known]
        if unknown or not names:
            came = repr(unknown[0]) if unknown else "empty"
            raise UsageError(f"--models: {came} is not known; choose among: {', '.join(known)}")
        if len(set(names)) < len(names):
            raise UsageError(f"--models names a model twice ({', '.join(names)}); name each once")
        if (self.minutes is None) == (self.epochs is None):
            raise UsageError("--minutes and --epochs both set the length of training; give one of them")
        if self.minutes is not None and not 0.01 <= self.minutes <= 1e5:
            raise UsageError(f"--minutes is {self.minutes:g}; it must be at least 0.01 (0.6 s): try --minutes 1")
        if self.epochs is not None and not 0 < self.epochs <= 1e6:
            raise UsageError(f"--epochs is {self.epochs:g}; it must be above 0: try --epochs 3")
        if self.parameters is not None and not 1000 <= self.parameters <= 10**10:
            raise UsageError(f"--parameters is {self.parameters}; it must be at least 1000: try --parameters 1000000")
        if not 0 <= self.matters <= 0.5:
            raise UsageError(f"--matters is {100 * self.matters:g}%; it must be 0% to 50%: try --matters 1%")
        if not 1 <= self.seeds <= 100:
            raise UsageError(f"--seeds is {self.seeds}; it must be between 1 and 100: try --seeds 3")

    @property
    def names(self) -> tuple[str, ...]:
        """What is compared."""
        assert self.models is not None
        return self.models

    def to_json(self) -> dict[str, Any]:
        """As JSON values, with absolute paths, so that they do not depend on the current folder."""
        assert self.data is not None
        paths = {
            name: [each if each.startswith("builtin:") else str(Path(each).absolute()) for each in getattr(self, name)]
            for name in ("sources", "valid", "test")
        }
        settings = {
            name: [str(Path(each).absolute()) for each in listed] for name, listed in self.settings.items()
        }  # files and folders
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {**values, **paths, "settings": settings, "models": list(self.names), "data": self.data.to_json()}

    def request(self, folder: Path, name: str, **own: Any) -> dict[str, Any]:
        """A worker's request: this data, and a folder for the model."""
        values = self.to_json()
        data = {key: value for key, value in values["data"].items() if value is not None}
        sources = {key: values[key] for key in ("task", "sources", "valid", "test")}
        return {**sources, **data, "out": str(folder / MODELS / name), **own}

    def networks(self, folder: Path, kind: str, **own: Any) -> list[TrainingJob]:
        """The trainings of one network, under the budget, with each seed."""
        length = {name: getattr(self, name) for name in ("minutes", "epochs", "parameters")}
        length = {name: value for name, value in length.items() if value is not None}
        jobs = []
        for seed in range(1, self.seeds + 1):
            name = f"{kind}-seed-{seed}"
            request = self.request(folder, name, **length, seed=seed, rival=False, **own)
            jobs.append(TrainingJob(name, kind, seed, None, request, 60 * (self.minutes or 0)))
        return jobs


class Comparison(ABC):
    """A task's part of a comparison; the class is named by ``Task.comparison``."""

    takes: ClassVar[frozenset[str]] = frozenset()
    """Settings besides those of the data."""
    title: ClassVar[str]
    """Of the report."""

    def __init__(self, plan: ComparePlan) -> None:
        self.plan = plan

    @classmethod
    @abstractmethod
    def variants(cls, settings: Mapping[str, Any]) -> tuple[str, ...]:
        """All that can be compared, by the names of ``--models``."""

    @property
    @abstractmethod
    def learns(self) -> bool:
        """Whether any of it is trained by gradients."""

    @abstractmethod
    def read(self, progress: Progress) -> str:
        """Read the data; returns what identifies it.

        Raises:
            TextError: the data cannot be read, or is too little.
        """

    @abstractmethod
    def jobs(self, folder: Path) -> list[TrainingJob]:
        """All trainings in order, once the data has been read."""

    @abstractmethod
    def results(self, jobs: Sequence[TrainingJob], *, progress: Progress) -> dict[str, Any]:
        """Evaluate trained models once, on the test part.

        Returns:
            JSON values: ``data``, with its ``hash`` and what it is ``about``; ``measure`` and
            ``columns`` (``elman.report.measure``); ``models``, best first; ``differences``,
            ``verdict``, ``fair_play`` and ``warnings``; and more that the report knows.
        """

    @classmethod
    @abstractmethod
    def sizes(cls, order: Mapping[str, Any], *, progress: Progress) -> dict[str, Any]:
        """Sizes for a network with about ``order["parameters"]`` parameters, in the worker.

        Args:
            order: a worker's request.
        """


def comparison_of(plan: ComparePlan) -> Comparison:
    """The comparison of a plan."""
    return _class_of(plan.task)(plan)


def compared_tasks() -> tuple[str, ...]:
    """The tasks whose models can be compared."""
    return tuple(name for name in TASKS if task_named(name).comparison)


def sizes_of(order: Mapping[str, Any], *, progress: Progress) -> dict[str, Any]:
    """``Comparison.sizes`` of the request's task."""
    return _class_of(order["task"]).sizes(order, progress=progress)


def _class_of(task: str) -> type[Comparison]:
    dotted = task_named(task).comparison
    if dotted is None:
        raise UsageError(f"--task is {task!r}, which has no comparison; choose among: {', '.join(compared_tasks())}")
    return resolve(dotted)


def nearest(parameters: Any, wanted: int) -> int:
    """The size with ``parameters(size)`` nearest to ``wanted``; the function must rise.

    >>> nearest(lambda size: 10 * size, 96)
    10
    """
    low, high = 1, 2
    while parameters(high) < wanted and high < 1 << 13:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if parameters(middle) < wanted else (low, middle)
    return min((low, high), key=lambda size: abs(parameters(size) - wanted))
