"""Task: what elman needs to know about a task to train, load and describe its models."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Protocol

from elman.cells.registry import CELLS, HOW_TO_ADD
from elman.config import Config, check_applies
from elman.errors import FolderError, TextError, TrainingError, UsageError
from elman.models.registry import entry, is_known, known, resolve, trainable
from elman.progress import Progress
from elman.report.curve import read_log
from elman.storage.folder import read_config
from elman.system.machine import choose_device, set_threads
from elman.tasks.job import Job
from elman.tasks.request import Request
from elman.tasks.undertrained import training_in_words
from elman.text.sources import check_local
from elman.training.plan import Plan
from elman.training.plan_file import PLAN_FILE, read_plan


class TrainedModel(Protocol):
    """The interface of every trained model, whatever its task."""

    card: dict[str, Any]
    folder: Path | None

    def info(self) -> dict[str, Any]:
        """The model card, and facts that need none."""
        ...

    def save(self, folder: str | Path) -> None:
        """Write the model into a new folder."""
        ...

    def keep_in_memory(self) -> None:
        """Keep everything that ``save`` needs, so that the folder may be removed."""
        ...


class Evaluation(NamedTuple):
    """The figures of a model on data."""

    values: dict[str, Any]
    """As JSON."""
    words: str
    """As a table for people."""


class Task(ABC):
    """One task. It is registered by name in ``elman.tasks.registry``."""

    name: ClassVar[str]
    request: ClassVar[type[Request]]
    default_kind: ClassVar[str]
    """The default of ``--model``."""
    cell_kind: ClassVar[str | None] = None
    """The kind of model, where ``--model`` names its cell."""
    comparison: ClassVar[str | None] = None
    """What `elman compare` varies and how it judges: ``module:class`` of an
    ``elman.studies.comparison.Comparison``; None where models cannot be compared."""
    holds_out: ClassVar[bool] = True
    """Whether a part of the data, or ``--valid``, is kept from training."""

    examples: ClassVar[str] = "examples"
    """What its data consists of."""

    def flags(self) -> list[type[Config]]:
        """The configurations whose fields are settings of ``elman train``: of data, of each kind,
        of its plan."""
        kinds = [entry(name) for name in known() if entry(name).task == self.name and entry(name).trainable]
        names = dict.fromkeys(name for kind in kinds for name in (kind.config, kind.plan) if name is not None)
        return [self.request.data_config, *map(resolve, names)]

    def kind_of(self, model: str) -> tuple[str, dict[str, Any]]:
        """The kind of model that ``--model`` means, and settings that follow from the name.

        Raises:
            UsageError: this task trains no such kind.
        """
        if self.cell_kind is not None:
            if not (is_known(model) and model in CELLS):
                raise UsageError(f"--model is {model!r}; for {self.name} it must be a cell: {', '.join(CELLS)}")
            return self.cell_kind, {"cell": model}
        if model not in trainable(self.name):
            kinds = ", ".join(trainable(self.name))
            raise UsageError(f"--model is {model!r}; it must be one of: {kinds}; {HOW_TO_ADD}")
        return model, {}

    def model_of(self, folder: Path) -> str:
        """The default of ``--model`` if training starts from the model in ``folder``."""
        return read_config(folder)[0]

    def starts(self, folders: Sequence[str]) -> tuple[Path | None, dict[str, Any]]:
        """What the model folders of ``--from`` mean: the one to start from, and settings that
        follow from others.

        Raises:
            UsageError: more folders than the task can use.
        """
        if len(folders) > 1:
            raise UsageError(f"--from names {len(folders)} models, and training starts from one; give one of them")
        return (Path(folders[0]) if folders else None), {}

    @abstractmethod
    def prepare(self, request: Request, *, folder: Path, start: Path | None, progress: Progress) -> Job:
        """Read the data, fit vocabularies on its training part, fix sizes and plan.

        Args:
            folder: the new model folder.
            start: a model folder to start from (``--from``).
        """

    @abstractmethod
    def resume(
        self, request: Request, *, folder: Path, config: Config, plan: Plan | None, data_hash: str, progress: Progress
    ) -> Job:
        """The job of an interrupted training, from its folder and its data."""

    def reopen(
        self, request: Request, *, folder: Path, config: Config, plan: Plan | None, data_hash: str, progress: Progress
    ) -> Job:
        """The job of a finished training, to measure its model again (`elman verify`)."""
        return self.resume(request, folder=folder, config=config, plan=plan, data_hash=data_hash, progress=progress)

    @abstractmethod
    def load(self, folder: Path, *, progress: Progress | None = None, torch: bool = False) -> TrainedModel:
        """Read a model folder."""

    def evaluate(
        self,
        folder: Path,
        sources: Sequence[str],
        *,
        settings: Mapping[str, Any],
        report: Path | None = None,
        progress: Progress,
    ) -> Evaluation:
        """The results of `elman evaluate`.

        Args:
            settings: how data is read, as far as the user says.
            report: a new folder for a page with plots, for tasks that have one.

        Raises:
            UsageError: settings that do not apply to this task.
        """
        check_applies([*["report"] * (report is not None), *settings], (), self.name)
        model: Any = self.load(folder, progress=progress)
        figures: dict[str, Any] = model.evaluate(*sources)
        return Evaluation(figures, "\n".join(f"{name}: {figure:.4g}" for name, figure in figures.items()))

    def measured_again(self, folder: Path, data: Mapping[str, Sequence[str]], *, progress: Progress) -> dict[str, Any]:
        """What a model card says that follows from data and weights, derived anew (`elman verify`).

        Args:
            folder: a copy of the model folder, which is written to.
            data: where ``sources``, ``valid`` and ``test`` are now, if not where training read
                them.

        Raises:
            TextError: the data is not there, or is other data than that of the training.
            TrainingError: the folder does not say how its data was read.
        """
        kind, values = read_config(folder)
        found = entry(kind)
        if not (folder / "training" / PLAN_FILE).is_file():
            raise TrainingError("training/plan.json is not there, which says how its data was read; copies lack it too")
        record = read_plan(folder / "training")
        try:
            request = self.request.from_json(record["request"])
            plan = None if found.plan is None else resolve(found.plan).from_json(record["plan"])
            if request.kind != kind:
                raise ValueError("of another kind of model")
        except (UsageError, KeyError, TypeError, ValueError) as error:
            raise FolderError(f"training/plan.json is not as training writes it ({str(error)[:200]})") from error
        request = _elsewhere(request, data, progress)
        if plan is not None:
            # Sums of many numbers are the same only with the same number of threads.
            set_threads(plan.threads)
            plan = plan.replace(device=choose_device(plan.device))
        config, data_hash = resolve(found.config).from_json(values), str(record.get("data", record.get("corpus")))
        job = self.reopen(request, folder=folder, config=config, plan=plan, data_hash=data_hash, progress=progress)
        if job.data_hash != data_hash:
            raise TextError(f"it is other data (hash {job.data_hash}) than that of the training (hash {data_hash})")
        return job.measure_again()

    def summary(self, card: Mapping[str, Any]) -> Iterable[str]:
        """What `elman train` prints of a model card at the end, line by line."""
        return ()

    def results(self, card: Mapping[str, Any]) -> dict[str, Any]:
        """What `elman train --json` prints of it."""
        return dict(card["figures"])

    def advice(self, card: Mapping[str, Any], folder: str) -> Iterable[str]:
        """What `elman train` says about a trained model, besides its figures."""
        return training_in_words(read_log(Path(folder) / "training" / "log.jsonl"), self.examples)

    def next_steps(self, folder: str) -> str:
        """Commands to try on a trained model."""
        return f"elman info {folder}"


def _elsewhere(request: Request, data: Mapping[str, Sequence[str]], progress: Progress) -> Request:
    """A request of a training that is measured again: with data where it is now, and no folder to
    write to.

    A model folder may come from anybody, so what is read outside of it is told.

    Raises:
        TextError: the data came from standard input or from an address.
    """
    given = {name: tuple(files) for name, files in data.items() if files}
    named = [file for name in ("sources", "valid", "test") if name not in given for file in getattr(request, name)]
    try:
        check_local(named)
    except TextError as error:
        raise TextError(f"its data is not read: {error}; name it with --data, --valid or --test") from error
    named += request.other_files()
    if named:
        progress.say(f"reading what training/plan.json names: {', '.join(named)}")
    return request.measuring(given)
