"""The training of a dual encoder of messages and replies."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from elman.data.vocabulary import Vocabulary
from elman.errors import UsageError
from elman.evaluation.replies import CANDIDATES, recall_among
from elman.models.reply_config import ReplyConfig, engine_arrays
from elman.progress import Progress
from elman.storage import folder as model_folder
from elman.storage.language import read_tokenizer
from elman.system.machine import available_cores, choose_device, choose_precision
from elman.tasks.job import Job
from elman.tasks.reply.data import ReplyData, read_data
from elman.tasks.reply.evaluation import evaluate_part
from elman.tasks.reply.model import REPLIES_FILE, load, unit_halves
from elman.tasks.reply.plan import ReplyPlan
from elman.tasks.reply.request import ReplyRequest
from elman.training.plan import Plan

if TYPE_CHECKING:
    from elman.training.objective import Arrays, Objective


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReplyJob(Job):
    """The data, and what was fitted on it."""

    request: ReplyRequest
    config: ReplyConfig
    plan: ReplyPlan
    data: ReplyData

    @property
    def data_hash(self) -> str:
        return self.data.hash

    def static_files(self) -> dict[str, bytes]:
        return {**self.data.tokenizer.to_files(), REPLIES_FILE: self.data.replies.to_bytes()}

    def first_weights(self) -> "Arrays":
        import torch

        from elman.models.dual_encoder import DualEncoder

        torch.manual_seed(self.plan.seed)
        network = DualEncoder(self.config, self.data.tokenizer.size)
        network.begin_as_bag(self.data.type_weights())
        return network.to_arrays()

    def objective(self, plan: Plan, start: "Arrays | None") -> "Objective":
        from elman.tasks.reply.objective import ReplyObjective

        assert isinstance(plan, ReplyPlan)
        data = self.data
        return ReplyObjective(
            self.config,
            plan,
            vocab=data.tokenizer.size,
            earlier=self.request.data.earlier,
            train=data.train,
            valid=data.valid,
            start=start,
        )

    def finish(self) -> dict[str, Any]:
        parity = self._write_inference()
        model, data = load(self.folder), self.data
        how = {"earlier": self.request.data.earlier, "rival": self.request.rival}
        figures = {
            name: evaluate_part(model, part, **how).to_json()
            for name, part in (("valid", data.valid), ("test", data.test))
            if part is not None and len(part.pairs) > 1
        }
        arrays = model_folder.read_arrays(self.folder / model_folder.WEIGHTS_FILE)
        about = {
            **model.describe(),
            "parameters": sum(int(array.size) for array in arrays.values()),
            "hash": model_folder.weights_digest(self.folder),
        }
        return {
            "model": about,
            "data": {"sources": list(self.request.sources), **data.about()},
            "tokenizer": {**data.tokenizer.config.to_json(), "hash": data.tokenizer.hash},
            "inference": parity,
            "figures": figures,
        }

    def _write_inference(self) -> dict[str, Any]:
        """Measure the network on the validation part, and write its file for the engine."""
        import torch

        from elman.inference.encoder_precision import measured_encoder
        from elman.models.dual_encoder import DualEncoder
        from elman.tasks.encoder_logits import network_logits, result_of

        data, config = self.data, self.config
        arrays = model_folder.read_arrays(self.folder / model_folder.WEIGHTS_FILE)
        network = DualEncoder(config, data.tokenizer.size)
        network.load_arrays(arrays)
        pairs = [
            data.valid.ids(pair, earlier=self.request.data.earlier, most=config.max_tokens) for pair in data.valid.pairs
        ]
        texts = [message for message, _ in pairs] + [reply for _, reply in pairs]
        replies = [data.valid.texts(pair, earlier=0)[1] for pair in data.valid.pairs]
        with torch.no_grad():
            outputs = result_of(network_logits(network, texts))

        def scores(outputs: NDArray[np.float32]) -> NDArray[np.float32]:
            vectors = unit_halves(outputs)
            return vectors[: len(pairs), : config.vector_size] @ vectors[len(pairs) :, config.vector_size :].T

        made = measured_encoder(
            engine_arrays(arrays),
            config.encoder(),
            vocab_size=data.tokenizer.size,
            outputs=2 * config.vector_size,
            texts=texts,
            logits=outputs,
            figure=lambda some: 100 * float(recall_among(scores(some), replies, k=1, among=CANDIDATES[0]).mean()),
            predicted=lambda some: first_of_ten(scores(some)),
        )
        size = model_folder.write_inference(
            self.folder, made.encoder.to_arrays(), config=made.encoder.config.to_json(), parity=made.parity
        )
        self.progress.say(f"{model_folder.INFERENCE_FILE}: {made.parity['precision']}, {size / 1e6:.2f} MB")
        return {**made.parity, "bytes": size}


def first_of_ten(scores: NDArray[np.float32]) -> NDArray[np.int64]:
    """The best of each message's ten candidates ``[n, 1]``: its own reply and those of its neighbours.

    >>> first_of_ten(np.eye(12, dtype=np.float32))[:, 0].tolist()
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]
    """
    size = CANDIDATES[0]
    best = [scores[row, row // size * size :][:size].argmax() for row in range(len(scores))]
    return np.array(best, np.int64)[:, None]


def new_job(request: ReplyRequest, *, folder: Path, start: Path | None, progress: Progress) -> ReplyJob:
    """The job of a new training.

    Raises:
        UsageError: the request contradicts itself.
    """
    if start is not None:
        raise UsageError("--from does not apply to reply; leave it out")
    data = read_data(request, progress=progress)
    config = ReplyConfig.from_json(dict(request.fixed.config))
    plan = choose_plan(request.fixed.plan, pairs=len(data.train.pairs))
    precision = choose_precision(request.precision, device=choose_device(plan.device))
    plan = plan.replace(precision=precision, threads=request.threads or available_cores())
    per_epoch = -(-len(data.train.pairs) // plan.batch)
    if request.updates is not None:
        plan = plan.replace(updates=request.updates)
    if request.epochs is not None:
        plan = plan.replace(updates=max(1, round(request.epochs * per_epoch)))
    progress.say(
        f"network: {config.cell}, layers {config.layers_in_words}"
        f"{' in two directions' if config.bidirectional else ''}, embedding {config.embedding_size}, vectors of "
        f"{config.vector_size}; batch {plan.batch}, {plan.optimizer} at {plan.rate:g}, {precision}, {plan.threads} "
        "threads"
    )
    return ReplyJob(request=request, folder=folder, progress=progress, config=config, plan=plan, data=data)


def resumed_job(
    request: ReplyRequest, *, folder: Path, config: ReplyConfig, plan: ReplyPlan, progress: Progress
) -> ReplyJob:
    """The job of an interrupted training: its tokens and frequent replies lie in the folder.

    Raises:
        UsageError: the data came from standard input.
    """
    if "-" in (*request.sources, *request.valid, *request.test):
        raise UsageError("the dialogues came from standard input and are gone; train again, from a file")
    replies = Vocabulary.from_bytes(model_folder.static_files(folder)[REPLIES_FILE])
    data = read_data(request, tokenizer=read_tokenizer(folder), replies=replies, progress=progress)
    return ReplyJob(request=request, folder=folder, progress=progress, config=config, plan=plan, data=data)


def choose_plan(given: Mapping[str, Any], *, pairs: int) -> ReplyPlan:
    """The plan except its length; what the user fixed (``given``) is kept.

    >>> choose_plan({}, pairs=50_000).batch
    256
    """
    settings: dict[str, Any] = {
        "updates": 1,
        # Every other reply of a batch is a wrong one, so large batches teach more.
        "batch": 256 if pairs >= 20_000 else 64 if pairs >= 2000 else 16,
        "rate": 3e-3,
        "warmup": 0.1,
        "clip": 1.0,
        "weight_decay": 0.05,
        "dropout": 0.2,
        "input_dropout": 0.2,
        "validations": 8,
        "patience": 5,
    }
    return ReplyPlan(**{**settings, **given})
