"""What a user asks a training for: checked, sorted, and kept so that resuming needs nothing else."""

import dataclasses
import os
import re
from collections.abc import Mapping
from typing import Any

from elman.data.preprocessing import DataConfig
from elman.errors import UsageError
from elman.models.registry import entry, is_network, resolve

DEFAULT_MINUTES = 5.0
PRECISIONS = ("auto", "bf16", "fp32")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Request:
    """What the user asked for, kept in the folder so that resuming needs nothing else."""

    kind: str
    sources: tuple[str, ...]
    valid: tuple[str, ...] = ()
    test: tuple[str, ...] = ()
    data: DataConfig = DataConfig()
    minutes: float | None = None
    epochs: float | None = None
    updates: int | None = None
    precision: str = "auto"
    threads: int | None = None
    tensorboard: bool = False
    xray: bool = False
    max_ram: str | None = None

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
        if self.max_ram is not None:
            bytes_of(self.max_ram)

    def to_json(self) -> dict[str, Any]:
        """As JSON values; paths are made absolute, so that resuming works from anywhere."""
        paths = {name: [_absolute(source) for source in getattr(self, name)] for name in ("sources", "valid", "test")}
        return {**dataclasses.asdict(self), **paths, "data": self.data.to_json()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Request":
        """Rebuild from ``to_json``."""
        lists = {name: tuple(values[name]) for name in ("sources", "valid", "test")}
        return cls(**{**values, **lists, "data": DataConfig.from_json(values["data"])})


def _absolute(source: str) -> str:
    return source if source == "-" or source.startswith("builtin:") else os.path.abspath(source)


def sort_settings(kind: str, settings: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The user's settings, those of the model's shape apart from those of the training's course."""
    found = entry(kind)
    preset = dict(found.preset)
    shapes = {field.name for field in dataclasses.fields(resolve(found.config))} - set(preset)
    courses: set[str] = set()
    if is_network(kind):
        from elman.training.run import Plan

        courses = {field.name for field in dataclasses.fields(Plan)} - {"updates"}
    for name in settings:
        if name not in shapes | courses:
            flag = "--" + name.replace("_", "-")
            raise UsageError(f"{flag} means nothing to a model of kind {kind}; leave it out or choose another --model")
    shape = {name: value for name, value in settings.items() if name in shapes}
    return {**shape, **preset}, {name: value for name, value in settings.items() if name in courses}


def check_settings(kind: str, shape: dict[str, Any], course: dict[str, Any]) -> None:
    """Raise for a value out of range before any work is done."""
    if shape.get("input") == "one-hot":
        shape = {"tied": False, **shape}
    resolve(entry(kind).config)(**shape)
    if course:
        from elman.training.run import Plan

        Plan(**{"updates": 1, **course})
        if course.get("forget_bias") is not None and kind != "lstm":
            raise UsageError(f"--forget-bias means nothing to a {kind}, only to an lstm; leave it out")


def bytes_of(size: str) -> int:
    """What ``--max-ram`` says: a number and K, M or G, which are powers of 1000.

    Raises:
        UsageError: it says something else.

    >>> bytes_of("500M"), bytes_of("1.5g")
    (500000000, 1500000000)
    """
    found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)([KMG])B?", str(size).strip().upper())
    if not found:
        raise UsageError(f"--max-ram is {str(size)[:20]!r}; it must be a number with K, M or G: try --max-ram 2G")
    return round(float(found[1]) * {"K": 10**3, "M": 10**6, "G": 10**9}[found[2]])


def refuse_for_training(request: Request) -> None:
    """Raise for what means something to counting only."""
    if request.max_ram is not None:
        raise UsageError("--max-ram means nothing to a network, only to --model ngram; leave it out")


def refuse_for_counting(request: Request) -> None:
    """Raise for what means something to networks only."""
    if request.minutes or request.epochs or request.updates:
        raise UsageError("an n-gram is counted, not trained for a time; leave out --minutes, --epochs and --updates")
    for flag, given in (
        ("--threads", request.threads is not None),
        ("--precision", request.precision != "auto"),
        ("--tensorboard", request.tensorboard),
        ("--xray", request.xray),
    ):
        if given:
            raise UsageError(f"{flag} means nothing to an n-gram; leave it out")
