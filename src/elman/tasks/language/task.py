"""Language modelling as a task."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elman.config import Config
from elman.errors import UsageError
from elman.models.network_config import NeuralConfig
from elman.models.registry import entry, resolve
from elman.progress import Progress
from elman.storage.folder import read_config
from elman.tasks.job import Job
from elman.tasks.language.plan import LanguagePlan
from elman.tasks.language.request import LanguageRequest
from elman.tasks.request import Request
from elman.tasks.task import Task
from elman.training.plan import Plan

if TYPE_CHECKING:
    from elman.tasks.language.model import Model


class LanguageTask(Task):
    """Predict the next token of a text."""

    name = "language"
    request = LanguageRequest
    default_kind = "lstm"
    comparison = "elman.studies.compare_language:LanguageComparison"

    def prepare(self, request: Request, *, folder: Path, start: Path | None, progress: Progress) -> Job:
        from elman.tasks.language.job import (
            CountingJob,
            LanguageNetworkJob,
            check_start,
            plan_network,
            read_data,
            read_vectors,
        )

        assert isinstance(request, LanguageRequest)
        if start is not None and entry(request.kind).counted:
            raise UsageError("an n-gram cannot continue from a model; train it on the old and the new text together")
        if start is not None:
            check_start(request, start)
        data = read_data(request, start=start, progress=progress)
        if entry(request.kind).counted:
            level = data.tokenizer.config.level
            config = resolve(entry(request.kind).config).for_level(level, **request.fixed.config)
            return CountingJob(request=request, folder=folder, progress=progress, config=config, data=data)
        vectors = read_vectors(request, data, progress=progress)
        config, plan, weights = plan_network(request, data, start=start, vectors=vectors, progress=progress)
        return LanguageNetworkJob(
            request=request,
            folder=folder,
            progress=progress,
            config=config,
            plan=plan,
            data=data,
            start=weights,
            vectors=vectors,
        )

    def resume(
        self, request: Request, *, folder: Path, config: Config, plan: Plan, data_hash: str, progress: Progress
    ) -> Job:
        from elman.tasks.language.job import LanguageNetworkJob, reread_data

        assert isinstance(request, LanguageRequest)
        assert isinstance(config, NeuralConfig) and isinstance(plan, LanguagePlan)
        data = reread_data(request, folder=folder, data_hash=data_hash, progress=progress)
        return LanguageNetworkJob(
            request=request, folder=folder, progress=progress, config=config, plan=plan, data=data
        )

    def reopen(
        self, request: Request, *, folder: Path, config: Config, plan: Plan | None, data_hash: str, progress: Progress
    ) -> Job:
        from elman.models.ngram.query import NgramConfig
        from elman.tasks.language.job import CountingJob, reread_data

        assert isinstance(request, LanguageRequest)
        if plan is not None:
            return self.resume(request, folder=folder, config=config, plan=plan, data_hash=data_hash, progress=progress)
        assert isinstance(config, NgramConfig)
        data = reread_data(request, folder=folder, data_hash=data_hash, progress=progress)
        return CountingJob(request=request, folder=folder, progress=progress, config=config, data=data)

    def load(self, folder: Path, *, progress: Progress | None = None, torch: bool = False) -> "Model":
        from elman.tasks.language.model import load

        return load(folder, progress=progress, torch=torch)

    def measured_again(self, folder: Path, data: Mapping[str, Sequence[str]], *, progress: Progress) -> dict[str, Any]:
        if entry(read_config(folder)[0]).trainable:
            return super().measured_again(folder, data, progress=progress)
        from elman.tasks.language.mixture import mixture_again

        return mixture_again(folder, data.get("sources", ()), progress=progress)

    def summary(self, card: Mapping[str, Any]) -> Iterable[str]:
        from elman.report.growth import growth_table

        if card.get("growth"):
            yield growth_table(card["growth"])
        for name, figures in card["figures"].items():
            yield (
                f"{name}: {figures['bits_per_byte']:.4f} bits per byte, perplexity {figures['perplexity']:.2f}, "
                f"OOV {100 * figures['oov_rate']:.2f}%"
            )

    def results(self, card: Mapping[str, Any]) -> dict[str, Any]:
        growth = {"growth": card["growth"]} if card.get("growth") else {}
        return {**card["figures"], **growth}

    def advice(self, card: Mapping[str, Any], folder: str) -> Iterable[str]:
        from elman.tasks.language.advice import advice

        return advice(card, folder)

    def next_steps(self, folder: str) -> str:
        verbs = f'elman complete {folder} "..."', f"elman generate {folder}", f"elman evaluate {folder} TEXT"
        return "   ".join([*verbs, f"elman info {folder}"])
