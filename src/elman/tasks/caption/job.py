"""The training of a captioner."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elman.models.captioner_config import CaptionerConfig
from elman.progress import Progress
from elman.storage import folder as model_folder
from elman.tasks.caption.data import CaptionData, EncodedCaptions, read_data, sizes_of
from elman.tasks.caption.files import CaptionFiles
from elman.tasks.caption.model import Captioner
from elman.tasks.caption.recipe import choose_plan
from elman.tasks.caption.request import CaptionRequest
from elman.tasks.decoder_plan import DecoderPlan
from elman.tasks.network_job import NetworkJob, planned
from elman.tasks.target_tokens import frequencies
from elman.text.tokenizer import Tokenizer
from elman.training.plan import Plan

if TYPE_CHECKING:
    from elman.models.captioner import CaptionerNetwork
    from elman.tasks.caption.objective import CaptionObjective
    from elman.training.objective import Arrays


@dataclasses.dataclass(frozen=True, kw_only=True)
class CaptionJob(NetworkJob):
    """The data, and what was fitted on it."""

    model = Captioner

    request: CaptionRequest
    config: CaptionerConfig
    plan: DecoderPlan
    data: CaptionData
    tokenizer: Tokenizer
    train: EncodedCaptions
    valid: EncodedCaptions

    def static_files(self) -> dict[str, bytes]:
        return CaptionFiles(self.tokenizer, self.data.shape, int(self.train.lengths.max())).to_files()

    def make_network(self) -> "CaptionerNetwork":
        from elman.models.captioner import CaptionerNetwork

        return CaptionerNetwork(self.config, sizes_of(self.data.shape, self.tokenizer))

    def begin(self, network: "CaptionerNetwork") -> None:
        network.begin_output(frequencies(self.train.target, self.tokenizer.size))

    def objective(self, plan: Plan, start: "Arrays | None") -> "CaptionObjective":
        from elman.tasks.caption.objective import CaptionObjective

        assert isinstance(plan, DecoderPlan)
        sizes = sizes_of(self.data.shape, self.tokenizer)
        return CaptionObjective(self.config, plan, sizes=sizes, train=self.train, valid=self.valid, start=start)

    def write_inference(self) -> tuple[dict[str, Any], dict[str, Any]]:
        from elman.tasks.caption.finishing import write_inference

        return {}, write_inference(self)

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
    return _job(request, folder, config, plan, data, tokenizer, progress)


def resumed_job(
    request: CaptionRequest, *, folder: Path, config: CaptionerConfig, plan: DecoderPlan, progress: Progress
) -> CaptionJob:
    """The job of an interrupted training: its tokens lie in the folder."""
    tokenizer = CaptionFiles.from_files(model_folder.static_files(folder)).tokenizer
    return _job(request, folder, config, plan, read_data(request, progress), tokenizer, progress)


def _job(
    request: CaptionRequest,
    folder: Path,
    config: CaptionerConfig,
    plan: DecoderPlan,
    data: CaptionData,
    tokenizer: Tokenizer,
    progress: Progress,
) -> CaptionJob:
    train, valid = (EncodedCaptions.encode(part, data.shape, tokenizer) for part in (data.train, data.valid))
    return CaptionJob(
        request=request,
        folder=folder,
        progress=progress,
        config=config,
        plan=plan,
        data=data,
        tokenizer=tokenizer,
        train=train,
        valid=valid,
    )
