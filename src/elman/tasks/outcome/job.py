"""The training of a model of outcomes."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from elman.data.column_encoding import COLUMNS_FILE, ColumnEncoding
from elman.models.outcome_config import OutcomeConfig
from elman.progress import Progress
from elman.storage import folder as model_folder
from elman.tasks.network_job import NetworkJob, planned
from elman.tasks.outcome.data import OutcomeData, read_data
from elman.tasks.outcome.evaluation import evaluate_part
from elman.tasks.outcome.model import OutcomeModel
from elman.tasks.outcome.plan import OutcomePlan
from elman.tasks.outcome.recipe import choose_plan
from elman.tasks.outcome.request import OutcomeRequest
from elman.tasks.outcome.rivals import trained_rivals
from elman.training.plan import Plan

if TYPE_CHECKING:
    from elman.models.outcome import OutcomeNetwork
    from elman.tasks.outcome.objective import RowObjective
    from elman.training.objective import Arrays


@dataclasses.dataclass(frozen=True, kw_only=True)
class OutcomeJob(NetworkJob):
    """The data, and what was fitted on it."""

    model = OutcomeModel

    request: OutcomeRequest
    config: OutcomeConfig
    plan: OutcomePlan
    data: OutcomeData

    def static_files(self) -> dict[str, bytes]:
        return {COLUMNS_FILE: self.data.encoding.to_bytes()}

    def make_network(self) -> "OutcomeNetwork":
        from elman.models.outcome import OutcomeNetwork

        return OutcomeNetwork(self.config, self.data.sizes)

    def begin(self, network: "OutcomeNetwork") -> None:
        targets = self.data.targets[self.data.parts["train"]]
        counts = np.bincount(targets, minlength=self.data.sizes.outcomes)
        network.begin(counts / counts.sum())

    def objective(self, plan: Plan, start: "Arrays | None") -> "RowObjective":
        from elman.tasks.outcome.objective import HistoryObjective, RowObjective

        assert isinstance(plan, OutcomePlan)
        kind = HistoryObjective if self.data.encoding.entities else RowObjective
        return kind(self.config, plan, data=self.data, start=start)

    def write_inference(self) -> tuple[dict[str, Any], dict[str, Any]]:
        from elman.tasks.outcome.finishing import write_inference

        return write_inference(self)

    def figures(self, model: OutcomeModel) -> dict[str, Any]:
        rivals = trained_rivals(self.data, skip=not self.request.rival, progress=self.progress)
        return {
            name: evaluate_part(model, self.data, self.data.parts[name], rivals=rivals).to_json()
            for name in ("valid", "test")
            if len(self.data.parts[name])
        }


def new_job(request: OutcomeRequest, *, folder: Path, progress: Progress) -> OutcomeJob:
    """The job of a new training.

    Raises:
        UsageError: the request contradicts itself.
    """
    data = read_data(request, progress=progress)
    config = OutcomeConfig(**request.fixed.config)
    rows, entities = len(data.parts["train"]), bool(data.encoding.entities)
    plan = choose_plan(request.fixed.plan, rows=rows, entities=entities)
    plan = planned(plan, request, examples=rows, small=True, progress=progress)
    kind = (
        f"{config.cell} of {config.layers_in_words} for each of {', '.join(data.encoding.entities)}; "
        if entities
        else ""
    )
    progress.say(
        f"network: {kind}embedding {config.embedding_size}, {config.dense_layers} x {config.dense_size} units; "
        f"{plan.in_words}"
    )
    return OutcomeJob(request=request, folder=folder, progress=progress, config=config, plan=plan, data=data)


def resumed_job(
    request: OutcomeRequest, *, folder: Path, config: OutcomeConfig, plan: OutcomePlan, progress: Progress
) -> OutcomeJob:
    """The job of an interrupted training: its columns lie in the folder."""
    encoding = ColumnEncoding.from_bytes(model_folder.static_files(folder)[COLUMNS_FILE])
    data = read_data(request, encoding=encoding, progress=progress)
    return OutcomeJob(request=request, folder=folder, progress=progress, config=config, plan=plan, data=data)
