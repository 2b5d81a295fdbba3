"""The comparison of language models: all kinds, n-grams of all orders among them, by bits per
byte."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from elman.data.preprocessing import Data, DataConfig, prepare_data
from elman.errors import TextError, UsageError
from elman.models.ngram.query import NgramConfig
from elman.models.registry import entry, resolve, trainable
from elman.progress import Progress
from elman.studies.compare_results import results
from elman.studies.comparison import ComparePlan, Comparison, TrainingJob, nearest
from elman.system.cluster import workers
from elman.system.machine import cache_folder
from elman.text.tokenizer import Level

FEWEST_LINES = 5


class LanguageComparison(Comparison):
    """Which kind of language model is best for a text."""

    title = "Which model is best for this text"
    _data: Data

    @classmethod
    def variants(cls, settings: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple(trainable())

    @property
    def learns(self) -> bool:
        return any(entry(name).learns for name in self.plan.names)

    def read(self, progress: Progress) -> str:
        plan = self.plan
        assert isinstance(plan.data, DataConfig)
        self._data = data = prepare_data(
            plan.sources,
            valid=plan.valid,
            test=plan.test,
            config=plan.data,
            cache=cache_folder(),
            progress=progress,
            workers=workers(),
        )
        if data.corpus.test is None:
            raise UsageError("there is no test text; with --valid FILE give --test FILE too, or neither")
        if data.corpus.test.lines < FEWEST_LINES:
            raise TextError(
                f"the test text has {data.corpus.test.lines} lines, and at least {FEWEST_LINES} are needed to say how "
                "sure a difference is; give more text, or --valid FILE and --test FILE"
            )
        return data.corpus.hash

    def jobs(self, folder: Path) -> list[TrainingJob]:
        return language_jobs(self.plan, folder, level=self._data.tokenizer.config.level)

    def results(self, jobs: Sequence[TrainingJob], *, progress: Progress) -> dict[str, Any]:
        plan = self.plan
        return results(jobs, data=self._data, budget=plan.parameters, matters=plan.matters, progress=progress)

    @classmethod
    def sizes(cls, order: Mapping[str, Any], *, progress: Progress) -> dict[str, Any]:
        """In the proportions of the recipe."""
        fields = {field.name for field in dataclasses.fields(DataConfig)}
        config = DataConfig(**{name: value for name, value in order.items() if name in fields})
        held_out = {name: order.get(name, ()) for name in ("valid", "test")}
        data = prepare_data(order["sources"], config=config, cache=cache_folder(), progress=progress, **held_out)
        kind = entry(order["model"])
        from elman.tasks.language.recipe import proportions

        def parameters(embedding: int) -> int:
            from elman.models.neural import Network

            shape = resolve(kind.config)(**dict(kind.preset), **proportions(order["model"], embedding))
            return sum(each.numel() for each in Network(shape, data.tokenizer.size).parameters())

        # Sizes of the recipe, not the user's: without a projection, as in the recipe.
        return {**proportions(order["model"], nearest(parameters, order["parameters"])), "projection": False}


def language_jobs(plan: ComparePlan, folder: Path, *, level: Level) -> list[TrainingJob]:
    """All trainings, n-grams first: of all orders that suit the level of the tokens."""
    jobs = []
    for kind in sorted(plan.names, key=lambda kind: entry(kind).learns):
        if entry(kind).learns:
            jobs += plan.networks(folder, kind, model=kind, level=level)
            continue
        for order in range(1, NgramConfig.for_level(level).order + 1):
            name = f"{kind}-{order}"
            request = plan.request(folder, name, model=kind, order=order, level=level)
            jobs.append(TrainingJob(name, kind, 1, order, request, 5.0))
    # Seed by seed, so that a comparison stopped early has every family.
    return sorted(jobs, key=lambda job: job.seed)
