"""The training of a captioner."""

import dataclasses
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elman.inference.captioner import inference_captioner
from elman.models.captioner_config import CaptionerConfig
from elman.progress import Progress
from elman.storage import folder as model_folder
from elman.tasks.caption.data import CaptionData, EncodedCaptions, read_data, sizes_of
from elman.tasks.caption.files import CaptionFiles
from elman.tasks.caption.model import Captioner
from elman.tasks.caption.recipe import MOST_EPOCHS, choose_plan
from elman.tasks.caption.request import CaptionRequest
from elman.tasks.decoder_job import DecoderJob
from elman.tasks.decoder_plan import DecoderPlan
from elman.tasks.network_job import planned
from elman.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    from elman.inference.decoder import InferenceDecoder
    from elman.models.captioner import CaptionerNetwork
    from elman.models.decoder import DecoderDrops
    from elman.training.objective import Arrays


@dataclasses.dataclass(frozen=True, kw_only=True)
class CaptionJob(DecoderJob):
    """The data, and what was fitted on it."""

    model = Captioner
    most_epochs = MOST_EPOCHS

    request: CaptionRequest
    config: CaptionerConfig
    plan: DecoderPlan
    data: CaptionData
    tokenizer: Tokenizer

    @property
    def target_tokenizer(self) -> Tokenizer:
        return self.tokenizer

    @cached_property
    def train(self) -> EncodedCaptions:
        return EncodedCaptions.encode(self.data.train, self.data.shape, self.tokenizer)

    @cached_property
    def valid(self) -> EncodedCaptions:
        return EncodedCaptions.encode(self.data.valid, self.data.shape, self.tokenizer)

    def static_files(self) -> dict[str, bytes]:
        return CaptionFiles(self.tokenizer, self.data.shape, int(self.train.lengths.max())).to_files()

    def make_network(self, drops: "DecoderDrops | None" = None) -> "CaptionerNetwork":
        from elman.models.captioner import CaptionerNetwork

        return CaptionerNetwork(self.config, sizes_of(self.data.shape, self.tokenizer), drops=drops)

    def engine(self, arrays: "Arrays", int8: frozenset[str]) -> "InferenceDecoder":
        return inference_captioner(arrays, self.config, sizes_of(self.data.shape, self.tokenizer), int8=int8)

    def figures(self, model: Captioner) -> dict[str, Any]:
        from elman.tasks.caption.evaluation import trained_figures

        return trained_figures(model, self.data, progress=self.progress)


def new_job(request: CaptionRequest, *, folder: Path, progress: Progress) -> CaptionJob:
    """The job of a new training.

    Raises:
        UsageError: the request contradicts itself.
    """
    config = CaptionerConfig(**request.fixed.config)
    data = read_data(request, progress)
    texts = [caption for captions in data.train.captions for caption in captions]
    tokenizer = Tokenizer.fit(texts, config=request.data.tokenizer_config())
    plan = choose_plan(request.fixed.plan, captions=len(texts))
    plan = planned(plan, request, examples=len(texts), progress=progress)
    progress.say(
        f"network: {config.cell} of {config.layers_in_words}, embedding {config.embedding_size}, attention "
        f"{config.attention} over {data.shape.rows} x {data.shape.columns} patches; {tokenizer.size:,} types; "
        f"{plan.in_words}"
    )
    return CaptionJob(
        request=request, folder=folder, progress=progress, config=config, plan=plan, data=data, tokenizer=tokenizer
    )


def resumed_job(
    request: CaptionRequest, *, folder: Path, config: CaptionerConfig, plan: DecoderPlan, progress: Progress
) -> CaptionJob:
    """The job of an interrupted training: its tokens lie in the folder."""
    tokenizer = CaptionFiles.from_files(model_folder.static_files(folder)).tokenizer
    data = read_data(request, progress)
    return CaptionJob(
        request=request, folder=folder, progress=progress, config=config, plan=plan, data=data, tokenizer=tokenizer
    )
