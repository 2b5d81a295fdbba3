"""Request: a user's request for a training, checked once and saved so that resuming needs nothing
else."""

import dataclasses
import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

from elman.config import Config, check_types
from elman.errors import FolderError, TextError, TrainingError, UsageError
from elman.models.registry import entry, resolve
from elman.progress import Progress
from elman.system.cluster import check_workers, started
from elman.system.machine import cache_folder
from elman.tasks.folder_model import FolderModel
from elman.text.remote import is_address
from elman.text.sources import check_local
from elman.training.plan import Plan
from elman.training.plan_file import read_plan

DEFAULT_MINUTES = 5.0
PRECISIONS = ("auto", "bf16", "fp32")


D = TypeVar("D")
"""Data, which its ``hash`` identifies."""


@dataclasses.dataclass(frozen=True)
class Fixed:
    """The sizes and plan settings that the user fixed; the recipe chooses the rest."""

    config: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """Fields of the kind's configuration."""
    plan: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """Fields of its plan."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Request:
    """What the user asked for. Each task has a subclass that adds fields of its own."""

    task: ClassVar[str]
    data_config: ClassVar[type[Config]]
    """How data is read."""
    PATHS: ClassVar[tuple[str, ...]] = ("sources", "valid", "test")
    """Fields that are paths or lists of them."""

    kind: str
    sources: tuple[str, ...]
    valid: tuple[str, ...] = ()
    test: tuple[str, ...] = ()
    data: Config
    minutes: float | None = None
    epochs: float | None = None
    updates: int | None = None
    precision: str = "auto"
    threads: int | None = None
    tensorboard: bool = False
    fixed: Fixed = Fixed()
    """Not saved: configuration and plan follow from it before the first update."""

    def __post_init__(self) -> None:
        given = [name for name in ("minutes", "epochs", "updates") if getattr(self, name) is not None]
        if len(given) > 1:
            raise UsageError(f"--{given[0]} and --{given[1]} both set the length of training; give one of them")
        if self.minutes is not None and not 0.01 <= self.minutes <= 60 * 24 * 365:
            raise UsageError(f"--minutes is {self.minutes:g}; it must be at least 0.01 (0.6 s): try --minutes 5")
        if self.epochs is not None and not 0 < self.epochs <= 1e6:
            raise UsageError(f"--epochs is {self.epochs:g}; it must be above 0: try --epochs 10")
        if self.updates is not None and not 1 <= self.updates <= 1 << 40:
            raise UsageError(f"--updates is {str(self.updates)[:20]}; it must be 1 or more, and at most 2^40")
        if self.threads is not None and not 1 <= self.threads <= 1024:
            raise UsageError(f"--threads is {self.threads}; it must be at least 1 and at most 1024")
        if self.precision not in PRECISIONS:
            raise UsageError(f"--precision is {self.precision!r}; it must be one of: {', '.join(PRECISIONS)}")

    @classmethod
    def of(cls, *, kind: str, settings: Mapping[str, Any], **common: Any) -> Self:
        """A request from the user's settings, sorted into reading of data, request, sizes and plan.

        Raises:
            UsageError: a setting that does not apply to this kind of model, or a value out of
            range.
        """
        own = {field.name for field in dataclasses.fields(cls)} - {field.name for field in dataclasses.fields(Request)}
        reading = {field.name for field in dataclasses.fields(cls.data_config)}
        more = {name: value for name, value in settings.items() if name in own}
        data = cls.data_config(**{name: value for name, value in settings.items() if name in reading})
        left = {name: value for name, value in settings.items() if name not in own | reading}
        return cls(kind=kind, data=data, fixed=_sorted(kind, left), **common, **more)

    @classmethod
    def of_training(cls, folder: Path | None) -> Self | None:
        """The request of a model's training, if its folder still has it."""
        if folder is None:
            return None
        try:
            return cls.from_json(read_plan(folder / "training")["request"])
        except (FolderError, TrainingError, UsageError, KeyError, TypeError, ValueError):
            return None

    @classmethod
    def data_of_training(cls, model: FolderModel, read: Callable[[Self], D]) -> tuple[D | None, str]:
        """The data of a model's training, if it still exists and is the same; otherwise None, and a
        sentence that says why.

        Args:
            read: reads the data of a request.
        """
        request, why = cls.of_training(model.folder), "its hash is another"
        if request is None:
            why = "the folder no longer says what it was"
        else:
            try:
                check_local(request.data_names)
                data: Any = read(request)
            except (TextError, UsageError) as error:
                why = str(error)
            else:
                if data.hash == model.card.get("data", {}).get("hash"):
                    return data, ""
        return None, f"the training data is gone or has changed: {why}"

    def sharing(self, progress: Progress) -> AbstractContextManager[None]:
        """Processes that share the preparing, for the time of a block; by default this one
        alone."""
        return nullcontext()

    @property
    def data_names(self) -> tuple[str, ...]:
        """The files, addresses and the like of all parts of the data."""
        return (*self.sources, *self.valid, *self.test)

    def other_files(self) -> list[str]:
        """Files and folders that are read besides the data, such as word vectors."""
        return []

    def measuring(self, data: Mapping[str, tuple[str, ...]]) -> Self:
        """This request for a model that is only measured again.

        Args:
            data: where ``sources``, ``valid`` and ``test`` are now, if elsewhere.
        """
        return dataclasses.replace(self, **data)

    @property
    def default_minutes(self) -> float | None:
        """The minutes to train for; None if the length is given in epochs or updates."""
        return None if self.epochs is not None or self.updates is not None else self.minutes or DEFAULT_MINUTES

    def to_json(self) -> dict[str, Any]:
        """As JSON values; paths are made absolute, so that resuming works from anywhere."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self) if field.name != "fixed"}
        paths = {name: _absolute(values[name]) for name in self.PATHS}
        return {"task": self.task, **values, **paths, "data": self.data.to_json()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Rebuild from ``to_json``.

        Raises:
            UsageError: a value of a wrong type.
            KeyError, TypeError, ValueError: it is of another shape.
        """
        if not isinstance(values, Mapping):
            raise UsageError("a request must be an object of settings")
        kept = {name: value for name, value in values.items() if name != "task"}
        lists = {name: tuple(values[name]) for name in ("sources", "valid", "test")}
        whole: dict[str, Any] = {**kept, **lists, "data": cls.data_config.from_json(values["data"])}
        made = cls(**whole)
        check_types(made)
        return made


@dataclasses.dataclass(frozen=True, kw_only=True)
class SharedRequest(Request):
    """A request whose preparing several processes can share. Who they are changes nothing in the
    model and is not saved."""

    workers: int | None = None
    """Processes of this machine."""
    cluster: str | None = None
    """Or the address of a Dask scheduler."""
    scratch: str | None = None
    """A folder that all of them see, for prepared texts and sorted runs; None: the cache."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_workers(self.workers, self.cluster)

    @property
    def cache(self) -> Path:
        """Where prepared texts and sorted runs are kept."""
        return cache_folder() if self.scratch is None else Path(self.scratch).absolute()

    def measuring(self, data: Mapping[str, tuple[str, ...]]) -> Self:
        # The folder of a stranger's training is not written to.
        return dataclasses.replace(super().measuring(data), scratch=None)

    def sharing(self, progress: Progress) -> AbstractContextManager[None]:
        return started(self.workers, self.cluster, folder=self.cache, progress=progress)

    def to_json(self) -> dict[str, Any]:
        values = {**super().to_json(), "scratch": None if self.scratch is None else os.path.abspath(self.scratch)}
        return {name: value for name, value in values.items() if name not in ("workers", "cluster")}


def _absolute(source: Any) -> Any:
    """A path, a list of paths, or None."""
    if not isinstance(source, str):
        return source if source is None else [_absolute(each) for each in source]
    kept = source == "-" or source.startswith("builtin:") or is_address(source)
    return source if kept else os.path.abspath(source)


def _sorted(kind: str, settings: Mapping[str, Any]) -> Fixed:
    found = entry(kind)
    preset = dict(found.preset)
    sizes = {field.name for field in dataclasses.fields(resolve(found.config))} - set(preset)
    steps: set[str] = set()
    if found.plan is not None:
        steps = {field.name for field in dataclasses.fields(resolve(found.plan))} - {"updates", "precision", "threads"}
    for name in settings:
        if name not in sizes | steps:
            flag = "--" + name.replace("_", "-")
            raise UsageError(
                f"{flag} is not a setting of a model of kind {kind}; leave it out or choose another --model"
            )
    config = {name: value for name, value in settings.items() if name in sizes}
    plan = {name: value for name, value in settings.items() if name in steps}
    if plan and found.plan is not None:
        checked: type[Plan] = resolve(found.plan)
        whole: dict[str, Any] = {"updates": 1, **plan}
        checked(**whole)
    return Fixed({**config, **preset}, plan)
