"""The training of a translator."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elman.models.translator_config import TranslatorConfig
from elman.progress import Progress
from elman.storage import folder as model_folder
from elman.tasks.network_job import NetworkJob, planned
from elman.tasks.target_tokens import frequencies
from elman.tasks.translate.data import EncodedPairs, SampledPairs, TranslateData, read_data, sizes_of
from elman.tasks.translate.model import Translator
from elman.tasks.translate.plan import TranslatePlan
from elman.tasks.translate.recipe import choose_plan
from elman.tasks.translate.request import TranslateRequest
from elman.tasks.translate.vocabularies import Vocabularies
from elman.training.plan import Plan

if TYPE_CHECKING:
    from elman.models.translator import TranslatorNetwork
    from elman.tasks.translate.objective import TranslateObjective
    from elman.training.objective import Arrays


@dataclasses.dataclass(frozen=True, kw_only=True)
class TranslateJob(NetworkJob):
    """The data, and what was fitted on it."""

    model = Translator

    request: TranslateRequest
    config: TranslatorConfig
    plan: TranslatePlan
    data: TranslateData
    vocabularies: Vocabularies
    train: EncodedPairs
    valid: EncodedPairs

    def static_files(self) -> dict[str, bytes]:
        return self.vocabularies.to_files()

    def make_network(self) -> "TranslatorNetwork":
        from elman.models.translator import TranslatorNetwork

        return TranslatorNetwork(self.config, sizes_of(self.vocabularies))

    def begin(self, network: "TranslatorNetwork") -> None:
        network.begin_output(frequencies(self.train.target, self.vocabularies.target.size))

    def objective(self, plan: Plan, start: "Arrays | None") -> "TranslateObjective":
        from elman.tasks.translate.objective import TranslateObjective

        assert isinstance(plan, TranslatePlan)
        sizes = sizes_of(self.vocabularies)
        sampled = None
        if plan.bpe_dropout and self.request.data.level == "subword":
            sampled = SampledPairs(self.data.train, self.vocabularies, drop=plan.bpe_dropout, seed=plan.seed)
        return TranslateObjective(
            self.config, plan, sizes=sizes, train=self.train, valid=self.valid, start=start, sampled=sampled
        )

    def write_inference(self) -> tuple[dict[str, Any], dict[str, Any]]:
        from elman.tasks.translate.finishing import write_inference

        return {}, write_inference(self)

    def figures(self, model: Translator) -> dict[str, Any]:
        from elman.tasks.translate.evaluation import trained_figures

        return trained_figures(model, self.data, progress=self.progress)


def new_job(request: TranslateRequest, *, folder: Path, progress: Progress) -> TranslateJob:
    """The job of a new training.

    Raises:
        UsageError: the request contradicts itself.
    """
    data = read_data(request, progress)
    config = TranslatorConfig(**request.fixed.config)
    vocabularies = Vocabularies.fit(
        data.train, request.data.tokenizer_config(), joint=config.joint, reverse=config.reverse_source
    )
    plan = choose_plan(request.fixed.plan, pairs=len(data.train))
    plan = planned(plan, request, examples=len(data.train), progress=progress)
    job = _job(request, folder, config, plan, data, vocabularies, progress)
    progress.say(
        f"network: {config.cell} of {config.layers_in_words}, embedding {config.embedding_size}, attention "
        f"{config.attention}; {vocabularies.source.size:,} and {vocabularies.target.size:,} types; {plan.in_words}"
    )
    return job


def resumed_job(
    request: TranslateRequest, *, folder: Path, config: TranslatorConfig, plan: TranslatePlan, progress: Progress
) -> TranslateJob:
    """The job of an interrupted training: its vocabularies lie in the folder."""
    files = model_folder.static_files(folder)
    vocabularies = Vocabularies.from_files(files, joint=config.joint, reverse=config.reverse_source)
    return _job(request, folder, config, plan, read_data(request, progress), vocabularies, progress)


def _job(
    request: TranslateRequest,
    folder: Path,
    config: TranslatorConfig,
    plan: TranslatePlan,
    data: TranslateData,
    vocabularies: Vocabularies,
    progress: Progress,
) -> TranslateJob:
    train, valid = (EncodedPairs.encode(part, vocabularies) for part in (data.train, data.valid))
    return TranslateJob(
        request=request,
        folder=folder,
        progress=progress,
        config=config,
        plan=plan,
        data=data,
        vocabularies=vocabularies,
        train=train,
        valid=valid,
    )
