"""Every task trains in several processes as in one, or says that it does not."""

from pathlib import Path
from typing import Any

import pytest
import torch
from tests.contracts.test_task import Subject, subject, trained
from tests.training.processes import side_by_side

from elman.errors import UsageError
from elman.storage import folder as model_folder
from elman.tasks.following import job_of
from elman.training.objective import Divisible
from elman.training.plan_file import read_plan
from elman.training.processes import ALONE, Group
from elman.training.training import Training

__all__ = ["subject", "trained"]


def test_two_processes_train_the_network_of_one(
    subject: tuple[str, Subject],
    trained: tuple[Path, Path],  # noqa: F811
) -> None:
    folder = trained[1]
    kind, config = model_folder.read_config(folder)
    record = read_plan(folder / "training")
    if record["plan"] is None or "updates" not in record["plan"]:
        pytest.skip("this kind is counted, or has a loop of its own")
    job = job_of(folder, {**record, "kind": kind, "config": config})
    assert job.plan is not None
    plan = job.plan.replace(threads=1, precision="fp32", device="cpu", optimizer="sgd", rate=0.1)
    start = model_folder.read_arrays(folder / model_folder.WEIGHTS_FILE)

    def weights(group: Any = ALONE) -> dict[str, Any]:
        training = Training(job.objective(plan, start), plan, group)
        for _ in range(3):
            training.update()
        return training.groups()["weights"]

    def work(group: Group) -> dict[str, Any]:
        if group.rank == 0:
            return weights(group)
        assert group.next_order().what == "begin"
        training = Training(job.objective(plan, start), plan, group)
        for _ in range(3):
            assert group.next_order().what == "update"
            training.update()
        assert group.next_order().what == "gather"
        training.groups()
        return {}

    objective = job.objective(plan, start)
    if not isinstance(objective.batch(Training(objective, plan).position.cursor, 0).data, Divisible):
        with pytest.raises(UsageError, match="start it without torchrun"):
            side_by_side(2, work)
        return
    alone, together = weights(), side_by_side(2, work)[0]
    for name, weight in alone.items():
        torch.testing.assert_close(
            together[name], weight, rtol=1e-4, atol=1e-5, msg=lambda m, name=name: f"{name}: {m}"
        )
