"""NetworkTask: a task whose models are one network, trained on examples."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from elman.config import Config, check_applies
from elman.errors import UsageError
from elman.models.registry import resolve
from elman.progress import Progress
from elman.storage.folder import read_config
from elman.tasks.folder_model import FolderModel
from elman.tasks.job import Job
from elman.tasks.request import Request
from elman.tasks.task import Evaluation, Task
from elman.training.plan import Plan


class NetworkTask(Task):
    """Base of such tasks; what it names is imported on first use."""

    jobs: ClassVar[str]
    """The module of ``new_job`` and ``resumed_job``."""
    model: ClassVar[str]
    """The class of its models, a ``FolderModel``, as ``module:class``."""
    table: ClassVar[str]
    """From the figures of an evaluation, as JSON, to a table: ``module:function``."""
    page: ClassVar[str] = ""
    """From a folder and such figures to the files of a page: ``module:function``; "" if there is
    none."""
    heading: ClassVar[str]
    """The line above the table of a part: a format of its name, and of its figures."""
    commands: ClassVar[str]
    """Commands to try on a trained model: a format of its folder."""
    reading: ClassVar[tuple[str, ...] | None] = None
    """The settings of how data is read that an evaluation takes; None for all."""

    def model_of(self, folder: Path) -> str:
        kind, values = read_config(folder)
        return str(values.get("cell", kind))

    def prepare(self, request: Request, *, folder: Path, start: Path | None, progress: Progress) -> Job:
        if start is not None:
            raise UsageError(f"--from does not apply to {self.name}; leave it out")
        return resolve(f"{self.jobs}:new_job")(request, folder=folder, progress=progress)

    def resume(
        self, request: Request, *, folder: Path, config: Config, plan: Plan | None, data_hash: str, progress: Progress
    ) -> Job:
        if "-" in (*request.sources, *request.valid, *request.test):
            raise UsageError(f"the {self.examples} came from standard input and are gone; train again, from a file")
        resumed_job = resolve(f"{self.jobs}:resumed_job")
        return resumed_job(request, folder=folder, config=config, plan=plan, progress=progress)

    def load(self, folder: Path, *, progress: Progress | None = None, torch: bool = False) -> Any:
        model: type[FolderModel] = resolve(self.model)
        return model.load(folder)

    def evaluate(
        self,
        folder: Path,
        sources: Sequence[str],
        *,
        settings: Mapping[str, Any],
        report: Path | None = None,
        progress: Progress,
    ) -> Evaluation:
        known = [*(self.reading or settings), *["report"] * bool(self.page)]
        check_applies([*settings, *["report"] * (report is not None)], known, self.name)
        values, write = self.measured(self.load(folder), sources, settings, progress)
        words = resolve(self.table)(values)
        return Evaluation(values, words if report is None else f"{words}\nreport: {write(report)[0]}")

    def measured(
        self, model: Any, sources: Sequence[str], settings: Mapping[str, Any], progress: Progress
    ) -> tuple[dict[str, Any], Callable[[Path], list[Path]]]:
        """The figures of an evaluation as JSON, and a function that writes their page into a
        folder."""
        values = model.evaluate(*sources, progress=progress, **settings).to_json()
        return values, lambda folder: resolve(self.page)(folder, values)

    def summary(self, card: Mapping[str, Any]) -> Iterable[str]:
        for name, values in card.get("figures", {}).items():
            yield self.heading.format(name=name, **values)
            yield from resolve(self.table)(values).splitlines()
            yield ""

    def next_steps(self, folder: str) -> str:
        return self.commands.format(folder=folder)
