"""ExampleTask: a task of labelled examples from a handful of functions; the rest is the same for
all of them.

An example is whatever ``read`` gives. Its input is a row of whole numbers, its target a number or
an array. Vocabularies, scalers and the like are bytes of files, fitted on the training part alone.
"""

import dataclasses
import hashlib
from abc import abstractmethod
from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.config import Config
from elman.data.padding import in_order, pad
from elman.data.part import Part
from elman.errors import TextError
from elman.models.registry import entry, resolve
from elman.progress import Progress, counted
from elman.storage import folder as model_folder
from elman.system.machine import available_cores, choose_device, choose_precision
from elman.tasks.folder_model import FolderModel
from elman.tasks.job import Job
from elman.tasks.request import Request
from elman.tasks.task import Task
from elman.training.plan import Plan

if TYPE_CHECKING:
    from torch import nn

    from elman.training.objective import Arrays, Objective
    from elman.training.processes import Processes

Files = Mapping[str, bytes]
"""The static files of a model, by name."""
_BATCH = 256
_FEWEST = 10
_HELD_OUT = 10
"""One in this many examples is held out if no validation data is given."""


class RowBatch(NamedTuple):
    """B examples, as ``Network.loss`` takes them."""

    ids: NDArray[np.int64]
    """``[B, T]``; 0 at padding."""
    lengths: NDArray[np.int64]
    """``[B]``."""
    targets: NDArray[Any]
    """``[B, ..]``."""

    @property
    def rows(self) -> int:
        """B."""
        return len(self.ids)

    def part(self, part: Part) -> "RowBatch":
        """Some of the examples, padded as all of them."""
        return RowBatch(*(each[part.slice] for each in self))


@dataclasses.dataclass(frozen=True, kw_only=True)
class _PlainRequest(Request):
    """The request of a task without settings of its own."""

    task, data_config = "", Config
    data: Config = Config()


class ExampleTask(Task):
    """Base of such tasks; its ``default_kind`` is the kind of model that it trains."""

    defaults: ClassVar[Mapping[str, Any]] = {}
    """Default fields of the configuration and the plan."""
    higher_is_better: ClassVar[bool] = False
    """The direction of ``validate``."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "request" not in vars(cls) and "name" in vars(cls):
            # Its data is read in one way only: there are no settings.
            cls.request = type("Request", (_PlainRequest,), {"task": cls.name})

    @abstractmethod
    def read(self, sources: Sequence[str], data: Any) -> Iterator[Any]:
        """The examples of files; ``data`` is the task's ``data_config``."""

    @abstractmethod
    def fit(self, train: Sequence[Any]) -> dict[str, bytes]:
        """The static files, from the training part alone."""

    @abstractmethod
    def row(self, example: Any, files: Files) -> NDArray[np.int64]:
        """The input of an example; prediction gets examples without a target."""

    @abstractmethod
    def target(self, example: Any, files: Files) -> Any:
        """The expected output of the network."""

    @abstractmethod
    def network(self, config: Any, files: Files) -> "nn.Module":
        """The network, a ``Network`` of ``RowBatch``."""

    @abstractmethod
    def predictor(self, config: Any, files: Files, arrays: "Arrays") -> Any:
        """A function from a list of rows to the network's outputs, without torch."""

    @abstractmethod
    def answer(self, output: Any, files: Files) -> Any:
        """The prediction from the network's output for one example."""

    @abstractmethod
    def figures(self, examples: Sequence[Any], answers: Sequence[Any]) -> dict[str, float]:
        """The task's figures."""

    def validate(self, network: Any, batch: RowBatch) -> float:
        """The validation figure; by default the mean loss."""
        loss = network.loss(batch, ())
        return float(loss.total) / loss.count

    def prepare(self, request: Request, *, folder: Path, start: Path | None, progress: Progress) -> "ExampleJob":
        train, valid = self._parts(request)
        kind = entry(request.kind)
        config_fields = {field.name for field in dataclasses.fields(resolve(kind.config))}
        config = {name: value for name, value in self.defaults.items() if name in config_fields}
        plan = {name: value for name, value in self.defaults.items() if name not in config_fields}
        batch = {**plan, **request.fixed.plan}.get("batch", Plan(updates=1).batch)
        per_epoch = -(-len(train) // batch)
        length = {"updates": request.updates or max(1, round((request.epochs or 1) * per_epoch))}
        device = choose_device(str(request.fixed.plan.get("device", "auto")))
        where = {
            "precision": choose_precision(request.precision, device=device),
            "threads": request.threads or available_cores(),
        }
        return ExampleJob(
            request=request,
            folder=folder,
            progress=progress,
            config=resolve(kind.config)(**{**config, **request.fixed.config}),
            plan=resolve(kind.plan or "")(**{**length, **where, **plan, **request.fixed.plan}),
            task=self,
            train=train,
            valid=valid,
            files=self.fit(train),
        )

    def resume(
        self, request: Request, *, folder: Path, config: Config, plan: Plan, data_hash: str, progress: Progress
    ) -> "ExampleJob":
        train, valid = self._parts(request)
        files, common = model_folder.static_files(folder), {"folder": folder, "progress": progress, "plan": plan}
        return ExampleJob(request=request, config=config, task=self, train=train, valid=valid, files=files, **common)

    def load(self, folder: Path, *, progress: Progress | None = None, torch: bool = False) -> "ExampleModel":
        return ExampleModel(self, folder)

    def _parts(self, request: Request) -> tuple[list[Any], list[Any]]:
        """Examples to train on and to validate on."""
        examples = list(self.read(request.sources, request.data))
        if request.valid:
            return examples, list(self.read(request.valid, request.data))
        if len(examples) < _FEWEST:
            raise TextError(
                f"{counted(len(examples), 'example')}: too few to hold some out; give more, or --valid FILE"
            )
        # By content, so that the order of files changes nothing and equal examples stay together.
        held_out = [int(_digest(example)[:8], 16) % _HELD_OUT == 0 for example in examples]
        pairs = list(zip(examples, held_out, strict=True))
        train, valid = [each for each, held in pairs if not held], [each for each, held in pairs if held]
        return train, valid or train[:1]


def _digest(example: Any) -> str:
    return hashlib.sha256(repr(example).encode()).hexdigest()


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExampleJob(Job):
    """One training of such a task."""

    task: ExampleTask
    train: list[Any]
    valid: list[Any]
    files: Files

    @property
    def data_hash(self) -> str:
        return hashlib.sha256(repr((self.train, self.valid)).encode()).hexdigest()[:16]

    def static_files(self) -> dict[str, bytes]:
        return dict(self.files)

    def objective(self, plan: Plan, start: "Arrays | None") -> "Objective":
        from elman.training.example_objective import ExampleObjective
        from elman.training.objective import Validation

        task, files, config = self.task, self.files, self.config
        rows = [task.row(example, files) for example in self.train]
        targets = [task.target(example, files) for example in self.train]
        held_out = [task.row(example, files) for example in self.valid]
        valid = RowBatch(*pad(held_out, fill=0), np.array([task.target(example, files) for example in self.valid]))

        class Rows(ExampleObjective):
            higher_is_better = task.higher_is_better

            def new_network(self) -> "nn.Module":
                return task.network(config, files)

            def examples(self, numbers: NDArray[np.int64]) -> RowBatch:
                chosen = numbers.tolist()
                return RowBatch(*pad([rows[n] for n in chosen], fill=0), np.array([targets[n] for n in chosen]))

            def validate(
                self, network: "nn.Module", processes: "Processes | None" = None
            ) -> Generator[float, None, float]:
                yield 1.0
                return task.validate(network, valid)

            def describe_validation(self, figure: float) -> Validation:
                return Validation({"valid_nats": figure}, f"{figure:.4g}", f"{figure:.3g}")

        return Rows(plan, np.array([len(row) for row in rows], np.int64), start)

    def finish(self) -> dict[str, Any]:
        model = ExampleModel(self.task, self.folder)
        weights = model_folder.weights_digest(self.folder)
        return {
            "model": {**self.config.to_json(), "name": self.request.kind, "hash": weights},
            "data": {"sources": list(self.request.sources), "hash": self.data_hash, "examples": len(self.train)},
            "figures": {"valid": model.figures(self.valid)},
        }


class ExampleModel(FolderModel):
    """A trained model of such a task."""

    def __init__(self, task: ExampleTask, folder: Path) -> None:
        super().__init__(folder)
        self.task = task
        kind, values = model_folder.read_config(folder)
        config = resolve(entry(kind).config).from_json(values)
        arrays = model_folder.read_arrays(folder / model_folder.WEIGHTS_FILE)
        self.files = model_folder.static_files(folder)
        self._outputs = task.predictor(config, self.files, arrays)

    def predict(self, examples: Sequence[Any]) -> list[Any]:
        """The answer to each example, in their order."""
        return list(self.predictions(iter(examples)))

    def predictions(self, examples: Iterator[Any]) -> Iterator[Any]:
        """The answers to a stream of examples, in its order and in constant memory."""
        rows = (self.task.row(example, self.files) for example in examples)
        for output in in_order(rows, self._outputs, length=len, batch=_BATCH):
            yield self.task.answer(output, self.files)

    def figures(self, examples: Sequence[Any]) -> dict[str, float]:
        """The task's figures on labelled examples."""
        return self.task.figures(examples, self.predict(examples))

    def evaluate(self, *sources: str | Path, data: Config | None = None) -> dict[str, float]:
        """The task's figures on the examples of files."""
        config = self.task.request.data_config() if data is None else data
        return self.figures(list(self.task.read([str(source) for source in sources], config)))
