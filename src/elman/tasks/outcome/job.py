"""The training of a model of outcomes."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from elman.data.column_encoding import COLUMNS_FILE, ColumnEncoding
from elman.errors import UsageError
from elman.models.outcome_config import OutcomeConfig
from elman.progress import Progress
from elman.storage import folder as model_folder
from elman.system.machine import available_cores, choose_device
from elman.tasks.job import Job
from elman.tasks.outcome.data import OutcomeData, read_data
from elman.tasks.outcome.evaluation import evaluate_part
from elman.tasks.outcome.model import load
from elman.tasks.outcome.plan import OutcomePlan
from elman.tasks.outcome.recipe import choose_plan
from elman.tasks.outcome.request import OutcomeRequest
from elman.tasks.outcome.rivals import trained_rivals
from elman.training.plan import Plan

if TYPE_CHECKING:
    from elman.tasks.outcome.objective import RowObjective
    from elman.training.objective import Arrays


@dataclasses.dataclass(frozen=True, kw_only=True)
class OutcomeJob(Job):
    """The data, and what was fitted on it."""

    request: OutcomeRequest
    config: OutcomeConfig
    plan: OutcomePlan
    data: OutcomeData

    @property
    def data_hash(self) -> str:
        return self.data.hash

    def static_files(self) -> dict[str, bytes]:
        return {COLUMNS_FILE: self.data.encoding.to_bytes()}

    def first_weights(self) -> "Arrays":
        import torch

        from elman.models.outcome import OutcomeNetwork

        torch.manual_seed(self.plan.seed)
        network = OutcomeNetwork(self.config, self.data.sizes)
        targets = self.data.targets[self.data.parts["train"]]
        counts = np.bincount(targets, minlength=self.data.sizes.outcomes)
        network.begin(counts / counts.sum())
        return network.to_arrays()

    def objective(self, plan: Plan, start: "Arrays | None") -> "RowObjective":
        from elman.tasks.outcome.objective import HistoryObjective, RowObjective

        assert isinstance(plan, OutcomePlan)
        kind = HistoryObjective if self.data.encoding.entities else RowObjective
        return kind(self.config, plan, data=self.data, start=start)

    def finish(self) -> dict[str, Any]:
        from elman.tasks.outcome.finishing import write_inference

        calibration, parity = write_inference(self)
        model = load(self.folder, finished=False)
        model.temperature = calibration["temperature"]
        rivals = trained_rivals(self.data, skip=not self.request.rival, progress=self.progress)
        figures = {
            name: evaluate_part(model, self.data, self.data.parts[name], rivals=rivals).to_json()
            for name in ("valid", "test")
            if len(self.data.parts[name])
        }
        arrays = model_folder.read_arrays(self.folder / model_folder.WEIGHTS_FILE)
        about = {
            **model.describe(),
            "parameters": sum(int(array.size) for array in arrays.values()),
            "hash": model_folder.weights_digest(self.folder),
        }
        return {
            "model": about,
            "data": {"sources": list(self.request.sources), **self.data.about()},
            "notes": list(self.data.notes),
            "calibration": calibration,
            "inference": parity,
            "figures": figures,
        }


def new_job(request: OutcomeRequest, *, folder: Path, start: Path | None, progress: Progress) -> OutcomeJob:
    """The job of a new training.

    Raises:
        UsageError: the request contradicts itself.
    """
    if start is not None:
        raise UsageError("--from does not apply to outcome; leave it out")
    data = read_data(request, progress=progress)
    config = OutcomeConfig(**request.fixed.config)
    rows, entities = len(data.parts["train"]), bool(data.encoding.entities)
    plan = choose_plan(request.fixed.plan, rows=rows, entities=entities)
    if request.precision == "bf16":
        raise UsageError("--precision bf16 does not apply to outcome, whose products are small; leave it out")
    choose_device(plan.device)
    plan = plan.replace(precision="fp32", threads=request.threads or available_cores())
    per_epoch = -(-rows // plan.batch)
    if request.updates is not None:
        plan = plan.replace(updates=request.updates)
    if request.epochs is not None:
        plan = plan.replace(updates=max(1, round(request.epochs * per_epoch)))
    kind = (
        f"{config.cell} of {config.layers_in_words} for each of {', '.join(data.encoding.entities)}; "
        if entities
        else ""
    )
    progress.say(
        f"network: {kind}embedding {config.embedding_size}, {config.dense_layers} x {config.dense_size} units; batch "
        f"{plan.batch}, {plan.optimizer} at {plan.rate:g}, {plan.threads} threads"
    )
    return OutcomeJob(request=request, folder=folder, progress=progress, config=config, plan=plan, data=data)


def resumed_job(
    request: OutcomeRequest, *, folder: Path, config: OutcomeConfig, plan: OutcomePlan, progress: Progress
) -> OutcomeJob:
    """The job of an interrupted training: its columns lie in the folder.

    Raises:
        UsageError: the data came from standard input.
    """
    if "-" in (*request.sources, *request.valid, *request.test):
        raise UsageError("the rows came from standard input and are gone; train again, from a file")
    encoding = ColumnEncoding.from_bytes(model_folder.static_files(folder)[COLUMNS_FILE])
    data = read_data(request, encoding=encoding, progress=progress)
    return OutcomeJob(request=request, folder=folder, progress=progress, config=config, plan=plan, data=data)
