"""Word vectors as a task."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elman.config import Config
from elman.errors import UsageError
from elman.models.registry import resolve, trainable
from elman.models.vectors.config import DEFAULTS, VectorsConfig
from elman.progress import Progress
from elman.report.word_vectors_table import quantised_lines
from elman.storage.folder import read_config
from elman.tasks.job import Job
from elman.tasks.request import Request
from elman.tasks.task import Evaluation, Task
from elman.tasks.vectors.request import VectorsRequest
from elman.training.plan import Plan

if TYPE_CHECKING:
    from elman.tasks.vectors.indexed_documents import IndexedDocuments
    from elman.tasks.vectors.model import TrainedVectors
    from elman.tasks.vectors.trained_documents import TrainedDocuments


COUNTED = {"tfidf": "elman.tasks.vectors.trained_documents"}
"""Kinds of document vectors, and the modules that count and load them."""
_LOADERS = {**COUNTED, "index": "elman.tasks.vectors.indexed_documents"}
"""The modules that load kinds other than word vectors."""


class VectorsTask(Task):
    """Turn words into vectors."""

    name = "vectors"
    request = VectorsRequest
    default_kind = "vectors"
    holds_out = False

    def flags(self) -> list[type[Config]]:
        return [VectorsRequest.data_config, VectorsConfig]

    def kind_of(self, model: str) -> tuple[str, dict[str, Any]]:
        if model in trainable(self.name):
            return model, {}
        if model not in DEFAULTS:
            names = ", ".join((*DEFAULTS, *COUNTED))
            raise UsageError(f"--model is {model!r}; of word vectors it must be one of: {names}")
        return self.default_kind, {"model": model}

    def prepare(self, request: Request, *, folder: Path, start: Path | None, progress: Progress) -> Job:
        assert isinstance(request, VectorsRequest)
        new_job = resolve(COUNTED.get(request.kind, "elman.tasks.vectors.job") + ":new_job")
        if start is not None:
            raise UsageError("word vectors cannot go on from a model; train on the old and the new text together")
        return new_job(request, folder=folder, progress=progress)

    def resume(
        self, request: Request, *, folder: Path, config: Config, plan: Plan | None, data_hash: str, progress: Progress
    ) -> Job:
        from elman.tasks.vectors.job import resumed_job

        assert isinstance(request, VectorsRequest) and isinstance(config, VectorsConfig)
        return resumed_job(request, folder=folder, config=config, data_hash=data_hash, progress=progress)

    def reopen(
        self, request: Request, *, folder: Path, config: Config, plan: Plan | None, data_hash: str, progress: Progress
    ) -> Job:
        from elman.data.word_text import read_words
        from elman.tasks.vectors.job import VectorsJob

        assert isinstance(request, VectorsRequest)
        if request.kind in COUNTED:
            return self.prepare(request, folder=folder, start=None, progress=progress)
        assert isinstance(config, VectorsConfig)
        # Training removed its text from the folder.
        text = read_words(request.sources, config=request.data, folder=folder / "training", progress=progress)
        return VectorsJob(request=request, folder=folder, progress=progress, config=config, text=text)

    def load(
        self, folder: Path, *, progress: Progress | None = None, torch: bool = False
    ) -> "TrainedVectors | TrainedDocuments | IndexedDocuments":
        module = _LOADERS.get(read_config(folder)[0], "elman.tasks.vectors.model")
        return resolve(f"{module}:load")(folder)

    def evaluate(
        self,
        folder: Path,
        sources: Sequence[str],
        *,
        settings: Mapping[str, Any],
        report: Path | None = None,
        progress: Progress,
    ) -> Evaluation:
        from elman.evaluation.word_vectors import evaluate
        from elman.report.word_vectors_table import word_vectors_table
        from elman.tasks.vectors.model import load_any

        unknown = [name for name in settings if name not in ("analogies", "similarity")]
        if unknown or report is not None:
            name = unknown[0] if unknown else "report"
            raise UsageError(f"--{name.replace('_', '-')} is not a setting of word vectors; leave it out")
        similarity = [*settings.get("similarity", ()), *sources]
        figures = evaluate(load_any(folder), analogies=settings.get("analogies", ()), similarity=similarity)
        return Evaluation(figures, word_vectors_table(figures))

    def summary(self, card: Mapping[str, Any]) -> Iterable[str]:
        speed, quantised = card.get("speed"), card.get("quantisation")
        if speed is not None:
            settings = {name: value for name, value in card["recipe"]["config"].items() if value is not None}
            yield f"settings    {', '.join(f'{name} {value}' for name, value in settings.items())}"
            yield f"speed       {speed['words_per_second']:,} words a second, {speed['seconds']:.1f} s of training"
        if quantised is not None:
            yield from quantised_lines(quantised)

    def results(self, card: Mapping[str, Any]) -> dict[str, Any]:
        return {name: dict(card[name]) for name in ("model", "speed") if name in card}

    def next_steps(self, folder: str) -> str:
        if read_config(Path(folder))[0] in COUNTED:
            return f"elman similar --documents {folder} TEXT   elman info {folder}"
        return f"elman similar {folder} WORD   elman analogy {folder} man king woman   elman info {folder}"
