"""The training of a translator."""

import dataclasses
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elman.inference.translator import inference_translator
from elman.models.translator_config import TranslatorConfig
from elman.progress import Progress
from elman.storage import folder as model_folder
from elman.tasks.decoder_job import DecoderJob
from elman.tasks.network_job import planned
from elman.tasks.translate.data import EncodedPairs, SampledPairs, TranslateData, read_data, sizes_of
from elman.tasks.translate.model import Translator
from elman.tasks.translate.plan import TranslatePlan
from elman.tasks.translate.recipe import MOST_EPOCHS, choose_plan
from elman.tasks.translate.request import TranslateRequest
from elman.tasks.translate.vocabularies import Vocabularies
from elman.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    from elman.inference.decoder import InferenceDecoder
    from elman.models.decoder import DecoderDrops
    from elman.models.translator import TranslatorNetwork
    from elman.tasks.decoder_plan import DecoderPlan
    from elman.training.objective import Arrays


@dataclasses.dataclass(frozen=True, kw_only=True)
class TranslateJob(DecoderJob):
    """The data, and what was fitted on it."""

    model = Translator
    most_epochs = MOST_EPOCHS

    request: TranslateRequest
    config: TranslatorConfig
    plan: TranslatePlan
    data: TranslateData
    vocabularies: Vocabularies

    @property
    def target_tokenizer(self) -> Tokenizer:
        return self.vocabularies.target

    @cached_property
    def train(self) -> EncodedPairs:
        return EncodedPairs.encode(self.data.train, self.vocabularies)

    @cached_property
    def valid(self) -> EncodedPairs:
        return EncodedPairs.encode(self.data.valid, self.vocabularies)

    def static_files(self) -> dict[str, bytes]:
        return self.vocabularies.to_files()

    def make_network(self, drops: "DecoderDrops | None" = None) -> "TranslatorNetwork":
        from elman.models.translator import TranslatorNetwork

        return TranslatorNetwork(self.config, sizes_of(self.vocabularies), drops=drops)

    def engine(self, arrays: "Arrays", int8: frozenset[str]) -> "InferenceDecoder":
        return inference_translator(arrays, self.config, sizes_of(self.vocabularies), int8=int8)

    def drawn(self, plan: "DecoderPlan") -> SampledPairs | None:
        assert isinstance(plan, TranslatePlan)
        if not plan.bpe_dropout or self.request.data.level != "subword":
            return None
        return SampledPairs(self.data.train, self.vocabularies, drop=plan.bpe_dropout, seed=plan.seed)

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
    progress.say(
        f"network: {config.cell} of {config.layers_in_words}, embedding {config.embedding_size}, attention "
        f"{config.attention}; {vocabularies.source.size:,} and {vocabularies.target.size:,} types; {plan.in_words}"
    )
    return TranslateJob(
        request=request,
        folder=folder,
        progress=progress,
        config=config,
        plan=plan,
        data=data,
        vocabularies=vocabularies,
    )


def resumed_job(
    request: TranslateRequest, *, folder: Path, config: TranslatorConfig, plan: TranslatePlan, progress: Progress
) -> TranslateJob:
    """The job of an interrupted training: its vocabularies lie in the folder."""
    files = model_folder.static_files(folder)
    vocabularies = Vocabularies.from_files(files, joint=config.joint, reverse=config.reverse_source)
    data = read_data(request, progress)
    return TranslateJob(
        request=request,
        folder=folder,
        progress=progress,
        config=config,
        plan=plan,
        data=data,
        vocabularies=vocabularies,
    )
