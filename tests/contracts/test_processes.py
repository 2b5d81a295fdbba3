"""Every task trains and validates in several processes as in one."""

import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.contracts.task_samples import Subject
from tests.contracts.test_task import subject, trained
from tests.training.processes import side_by_side

from elman.storage import folder as model_folder
from elman.tasks import encoder_logits
from elman.tasks.following import carry_out, job_of
from elman.tasks.job import Job
from elman.training.objective import Arrays
from elman.training.plan import Plan
from elman.training.plan_file import read_plan
from elman.training.processes import ALONE, Group
from elman.training.training import Training

__all__ = ["subject", "trained"]


@cache  # of the three tests of a task; they only read them
def job_and_weights(folder: Path) -> tuple[Job, Plan, Arrays]:
    """The training that a folder records, in float32 on one thread, and the weights in the
    folder."""
    kind, config = model_folder.read_config(folder)
    record = read_plan(folder / "training")
    if record["plan"] is None or "updates" not in record["plan"]:
        pytest.skip("this kind is counted, or has a loop of its own")
    job = job_of(folder, {**record, "kind": kind, "config": config})
    assert job.plan is not None
    plan = job.plan.replace(threads=1, precision="fp32", device="cpu", optimizer="sgd", rate=0.1)
    return job, plan, model_folder.read_arrays(folder / model_folder.WEIGHTS_FILE)


def test_two_processes_train_the_network_of_one(
    subject: tuple[str, Subject],
    trained: tuple[Path, Path],  # noqa: F811
) -> None:
    job, plan, start = job_and_weights(trained[1])

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

    alone, together = weights(), side_by_side(2, work)[0]
    for name, weight in alone.items():
        torch.testing.assert_close(
            together[name], weight, rtol=1e-4, atol=1e-5, msg=lambda m, name=name: f"{name}: {m}"
        )


@pytest.mark.parametrize("count", [2, 3])
def test_processes_share_a_validation_and_find_the_figure_of_one(
    subject: tuple[str, Subject],
    trained: tuple[Path, Path],  # noqa: F811
    count: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job, plan, start = job_and_weights(trained[1])
    objective = job.objective(plan, start)
    for each in (*type(objective).__mro__, encoder_logits.network_logits):  # several batches, little as there is
        for name in ("_VALID_ROWS", "_ROWS"):
            if hasattr(sys.modules[each.__module__], name):
                monkeypatch.setattr(sys.modules[each.__module__], name, 3)

    def work(group: Group) -> float:
        if group.rank:
            carry_out(group, trained[1], job=job, weights=start)
            return 0.0
        figure = Training(objective, plan, group).validate()
        group.order("end", {"trained": True})
        return figure

    alone, together = Training(objective, plan).validate(), side_by_side(count, work)[0]
    # Rows that carry a state are divided themselves; all else is computed in the same batches.
    assert together == pytest.approx(alone, rel=1e-6, abs=0) if subject[0] == "language" else together == alone
