"""The training of a dual encoder of messages and replies."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from elman.data.vocabulary import Vocabulary
from elman.evaluation.replies import CANDIDATES, recall_among
from elman.models.reply_config import ReplyConfig, engine_arrays
from elman.progress import Progress
from elman.storage import folder as model_folder
from elman.storage.language import read_tokenizer
from elman.tasks.network_job import NetworkJob, planned
from elman.tasks.reply.data import ReplyData, read_data
from elman.tasks.reply.evaluation import evaluate_part
from elman.tasks.reply.model import REPLIES_FILE, ReplyModel, unit_halves
from elman.tasks.reply.plan import ReplyPlan
from elman.tasks.reply.request import ReplyRequest
from elman.training.plan import Plan

if TYPE_CHECKING:
    from elman.models.dual_encoder import DualEncoder
    from elman.training.objective import Arrays, Objective


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReplyJob(NetworkJob):
    """The data, and what was fitted on it."""

    model = ReplyModel

    request: ReplyRequest
    config: ReplyConfig
    plan: ReplyPlan
    data: ReplyData

    def static_files(self) -> dict[str, bytes]:
        return {**self.data.tokenizer.to_files(), REPLIES_FILE: self.data.replies.to_bytes()}

    def make_network(self) -> "DualEncoder":
        from elman.models.dual_encoder import DualEncoder

        return DualEncoder(self.config, self.data.tokenizer.size)

    def begin(self, network: "DualEncoder") -> None:
        network.begin_as_bag(self.data.type_weights())

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

    def figures(self, model: ReplyModel) -> dict[str, Any]:
        how = {"earlier": self.request.data.earlier, "rival": self.request.rival}
        return {
            name: evaluate_part(model, part, **how).to_json()
            for name, part in (("valid", self.data.valid), ("test", self.data.test))
            if part is not None and len(part.pairs) > 1
        }

    def more_facts(self) -> dict[str, Any]:
        tokenizer = self.data.tokenizer
        return {"tokenizer": {**tokenizer.config.to_json(), "hash": tokenizer.hash}}

    def write_inference(self) -> tuple[dict[str, Any], dict[str, Any]]:
        import torch

        from elman.inference.encoder_precision import measured_encoder
        from elman.tasks.encoder_logits import network_logits, result_of

        data, config = self.data, self.config
        arrays, network = self.trained_weights(), self.make_network()
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
        return {}, self.store(made.network, made.parity)


def first_of_ten(scores: NDArray[np.float32]) -> NDArray[np.int64]:
    """The best of each message's ten candidates ``[n, 1]``: its own reply and those of its
    neighbours.

    >>> first_of_ten(np.eye(12, dtype=np.float32))[:, 0].tolist()
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]
    """
    size = CANDIDATES[0]
    best = [scores[row, row // size * size :][:size].argmax() for row in range(len(scores))]
    return np.array(best, np.int64)[:, None]


def new_job(request: ReplyRequest, *, folder: Path, progress: Progress) -> ReplyJob:
    """The job of a new training.

    Raises:
        UsageError: the request contradicts itself.
    """
    data = read_data(request, progress=progress)
    config = ReplyConfig.from_json(dict(request.fixed.config))
    plan = choose_plan(request.fixed.plan, pairs=len(data.train.pairs))
    plan = planned(plan, request, examples=len(data.train.pairs), progress=progress)
    progress.say(f"network: {config.in_words}, vectors of {config.vector_size}; {plan.in_words}")
    return ReplyJob(request=request, folder=folder, progress=progress, config=config, plan=plan, data=data)


def resumed_job(
    request: ReplyRequest, *, folder: Path, config: ReplyConfig, plan: ReplyPlan, progress: Progress
) -> ReplyJob:
    """The job of an interrupted training: its tokens and frequent replies lie in the folder."""
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
