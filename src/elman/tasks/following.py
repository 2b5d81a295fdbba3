"""The processes of a training after the first: they carry out the first one's orders."""

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elman.errors import FirstEnded, TrainingError
from elman.models.registry import entry, resolve
from elman.progress import Progress
from elman.system.launcher import TIMEOUT, is_launched
from elman.tasks.job import Job
from elman.tasks.registry import task_named

if TYPE_CHECKING:
    from elman.training.objective import Arrays
    from elman.training.processes import Group, Processes


def announce(job: Job, weights: "Arrays | None", processes: "Processes") -> None:
    """Tell the other processes what is trained, once its folder has the static files."""
    from safetensors.numpy import save

    assert job.plan is not None
    settings = {"request": job.request, "config": job.config, "plan": job.plan}
    facts = {"kind": job.request.kind, "data": job.data_hash, "has_weights": weights is not None}
    facts |= {name: part.to_json() for name, part in settings.items()}
    processes.order("job", facts, save(weights or {}))


@contextmanager
def leading(timeout: float = TIMEOUT) -> Iterator["Processes | None"]:
    """Lead the processes that torchrun started; None without torchrun. In the end the others are
    told whether there is a model."""
    if not is_launched():
        yield None
        return
    from elman.training.processes import join

    processes, trained = join(timeout), False
    try:
        yield processes
        trained = True
    finally:
        with suppress(TrainingError):
            processes.order("end", {"trained": trained})


def follow(folder: Path, timeout: float = TIMEOUT) -> None:
    """Train along until the first process ends.

    Raises:
        FirstEnded: it ended without a model.
        TrainingError: the data differ here, or a process is lost.
    """
    from elman.training.processes import Group, join

    # These reach all processes at once: the first one saves, and for that it needs the others.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    group = join(timeout)
    assert isinstance(group, Group)
    carry_out(group, folder)


def carry_out(group: "Group", folder: Path, *, job: Job | None = None, weights: "Arrays | None" = None) -> None:
    """Carry out the orders of the first process, up to the last.

    Args:
        folder: the model folder.
        job: what is trained, and from which weights; by default the first process tells.

    Raises:
        FirstEnded: it ended without a model.
        TrainingError: the data differ here, or a process is lost.
    """
    from safetensors.numpy import load

    from elman.training.checkpoint import read_checkpoint
    from elman.training.training import Training

    training = None
    while (order := group.next_order()).what != "end":
        if order.what == "job":
            job = job_of(folder, order.facts)
            weights = load(order.data) if order.facts["has_weights"] else None
        elif order.what == "begin":
            assert job is not None and job.plan is not None
            plan = type(job.plan).from_json(order.facts)
            training = Training(job.objective(plan, weights), plan, group)
        else:
            assert training is not None
            if order.what == "restore":
                training.restore(*read_checkpoint(folder / "training"))
            elif order.what == "gather":
                training.groups()
            elif order.what == "validate":
                training.validate()
            elif order.what == "average":
                training.average_from_here()
            else:
                assert order.what == "update", order.what
                with suppress(TrainingError):  # the first process tells
                    training.update()
    if not order.facts["trained"]:
        raise FirstEnded("the first process ended the training; its message says why")


def job_of(folder: Path, facts: Mapping[str, Any]) -> Job:
    """The training that the first process announced, or that a folder's plan file records.

    Raises:
        TrainingError: the data differ here.
    """
    found = entry(facts["kind"])
    assert found.plan is not None
    task = task_named(found.task)
    job = task.resume(
        task.request.from_json(facts["request"]),
        folder=folder,
        config=resolve(found.config).from_json(facts["config"]),
        plan=resolve(found.plan).from_json(facts["plan"]),
        data_hash=facts["data"],
        progress=Progress(),
    )
    if job.data_hash != facts["data"]:
        raise TrainingError(f"the texts that {folder} is trained on are not the same for all processes")
    return job
