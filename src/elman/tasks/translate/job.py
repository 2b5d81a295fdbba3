"""The training of a translator."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elman.errors import UsageError
from elman.models.translator_config import TranslatorConfig
from elman.progress import Progress
from elman.storage import folder as model_folder
from elman.system.machine import available_cores, choose_device, choose_precision
from elman.tasks.job import Job
from elman.tasks.translate.data import EncodedPairs, SampledPairs, TranslateData, frequencies, read_data, sizes_of
from elman.tasks.translate.model import load
from elman.tasks.translate.plan import TranslatePlan
from elman.tasks.translate.recipe import choose_plan
from elman.tasks.translate.request import TranslateRequest
from elman.tasks.translate.vocabularies import Vocabularies
from elman.training.plan import Plan

if TYPE_CHECKING:
    from elman.tasks.translate.objective import TranslateObjective
    from elman.training.objective import Arrays


@dataclasses.dataclass(frozen=True, kw_only=True)
class TranslateJob(Job):
    """The data, and what was fitted on it."""

    request: TranslateRequest
    config: TranslatorConfig
    plan: TranslatePlan
    data: TranslateData
    vocabularies: Vocabularies
    train: EncodedPairs
    valid: EncodedPairs

    @property
    def data_hash(self) -> str:
        return self.data.hash

    def static_files(self) -> dict[str, bytes]:
        return self.vocabularies.to_files()

    def first_weights(self) -> "Arrays":
        import torch

        from elman.models.translator import TranslatorNetwork

        torch.manual_seed(self.plan.seed)
        network = TranslatorNetwork(self.config, sizes_of(self.vocabularies))
        network.begin_output(frequencies(self.train.target, self.vocabularies.target.size))
        return network.to_arrays()

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

    def finish(self) -> dict[str, Any]:
        from elman.tasks.translate.finishing import write_inference

        parity = write_inference(self)
        model = load(self.folder, finished=False)
        arrays = model_folder.read_arrays(self.folder / model_folder.WEIGHTS_FILE)
        about = {
            **model.describe(),
            "parameters": sum(int(array.size) for array in arrays.values()),
            "hash": model_folder.weights_digest(self.folder),
        }
        return {
            "model": about,
            "data": {"sources": list(self.request.sources), **self.data.about()},
            "inference": parity,
            "figures": {},
        }


def new_job(request: TranslateRequest, *, folder: Path, start: Path | None, progress: Progress) -> TranslateJob:
    """The job of a new training.

    Raises:
        UsageError: the request contradicts itself.
    """
    if start is not None:
        raise UsageError("--from does not apply to translate; leave it out")
    data = read_data(request, progress)
    config = TranslatorConfig(**request.fixed.config)
    vocabularies = Vocabularies.fit(
        data.train, request.data.tokenizer_config(), joint=config.joint, reverse=config.reverse_source
    )
    device = choose_device(str(request.fixed.plan.get("device", "auto")))
    plan = choose_plan(request.fixed.plan, pairs=len(data.train)).replace(
        precision=choose_precision(request.precision, device=device), threads=request.threads or available_cores()
    )
    per_epoch = -(-len(data.train) // plan.batch)
    if request.updates is not None:
        plan = plan.replace(updates=request.updates)
    if request.epochs is not None:
        plan = plan.replace(updates=max(1, round(request.epochs * per_epoch)))
    job = _job(request, folder, config, plan, data, vocabularies, progress)
    progress.say(
        f"network: {config.cell} of {config.layers_in_words}, embedding {config.embedding_size}, attention "
        f"{config.attention}; {vocabularies.source.size:,} and {vocabularies.target.size:,} types; batch {plan.batch}, "
        f"{plan.optimizer} at {plan.rate:g}, {plan.precision}, {plan.threads} threads"
    )
    return job


def resumed_job(
    request: TranslateRequest, *, folder: Path, config: TranslatorConfig, plan: TranslatePlan, progress: Progress
) -> TranslateJob:
    """The job of an interrupted training: its vocabularies lie in the folder.

    Raises:
        UsageError: the data came from standard input.
    """
    if "-" in (*request.sources, *request.valid, *request.test):
        raise UsageError("the pairs came from standard input and are gone; train again, from a file")
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
