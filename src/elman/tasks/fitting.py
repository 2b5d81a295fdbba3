"""From a request to a model folder, whatever the task: plan, train, measure, write the model card;
and resuming."""

import dataclasses
import re
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elman.errors import FolderError, Interrupted, MissingExtra, StorageError, TrainingError, UsageError
from elman.models.registry import Entry, entry, resolve
from elman.progress import Progress
from elman.report.curve import draw_curve, read_log
from elman.report.growth import draw_growth
from elman.storage import folder as model_folder
from elman.storage.archive import arrays_digest
from elman.system.files import write_atomic
from elman.system.launcher import TIMEOUT, leads, was_restarted
from elman.system.machine import available_cores, choose_device, fingerprint, require_torch, set_threads, version
from elman.tasks.following import announce, follow, leading
from elman.tasks.job import Job
from elman.tasks.registry import task_named
from elman.tasks.request import DEFAULT_MINUTES, Request
from elman.training.lock import alone
from elman.training.plan_file import read_plan, write_plan

if TYPE_CHECKING:
    from elman.training.processes import Processes


def train_model(
    request: Request,
    *,
    out: Path,
    start: Path | None,
    progress: Progress,
    pictures: bool = True,
    timeout: float = TIMEOUT,
) -> None:
    """Train a model into the new folder ``out``.

    Args:
        start: a model folder to start from (``--from``).
        pictures: whether the learning curve is drawn into the folder.
        timeout: seconds that processes of torchrun wait for each other.

    Raises:
        ElmanError: whatever is wrong, in one line; Interrupted on Ctrl-C.
    """
    if not leads():
        follow(out, timeout)
        return
    if was_restarted() and model_folder.has_checkpoint(out):
        resume_model(out, progress=progress, timeout=timeout)
        return
    learns = entry(request.kind).plan is not None
    if learns:
        require_torch()
        choose_device(str(request.fixed.plan.get("device", "auto")))
    if request.tensorboard and version("tensorboard") is None:
        raise MissingExtra("--tensorboard needs tensorboard; run: pip install tensorboard")
    with leading(timeout) as processes, alone(out), request.sharing(progress):
        # Before the data is read, which may take a while.
        model_folder.create(out)
        try:
            job = task_named(request.task).prepare(request, folder=out, start=start, progress=progress)
            job, weights = _begin(job, start, processes)
            _fit(job, weights, processes, resume=False, pictures=pictures)
        except BaseException:
            _remove_incomplete(out, entry(request.kind))
            raise


def resume_model(out: Path, *, progress: Progress, timeout: float = TIMEOUT) -> None:
    """Resume an interrupted training, bit for bit as if it had not stopped.

    Raises:
        TrainingError: nothing to resume, or the data has changed.
    """
    if not leads():
        follow(out, timeout)
        return
    with leading(timeout) as processes:
        _resume(out, processes, progress)


def _resume(out: Path, processes: "Processes | None", progress: Progress) -> None:
    kind, values = model_folder.read_config(out)
    found = entry(kind)
    if model_folder.is_incomplete(out):
        raise TrainingError(
            f"the training of {out} ended before there was anything to resume; {model_folder.how_to_go_on(out)}"
        )
    if not found.learns and not found.resumes:
        raise UsageError("this model is counted in one go; there is nothing to resume: train it again")
    if found.learns:
        require_torch()
    if model_folder.card_file(out).exists():
        progress.say(f"the training of {out} has finished; continue with new text by --from {out}")
        return
    weights = model_folder.read_arrays(out / model_folder.WEIGHTS_FILE)  # with the seal over all that is read below
    record = read_plan(out / "training")
    task = task_named(found.task)
    try:
        request = task.request.from_json(record["request"])
        if request.kind != kind:
            raise ValueError("of another kind of model")
        plan = None if found.plan is None else resolve(found.plan).from_json(record["plan"])
        then_all, data_hash = dict(record["fingerprint"]), str(record.get("data", record.get("corpus")))
        if not re.fullmatch("[0-9a-f]{16}", data_hash):
            raise ValueError("no hash")
    except (UsageError, KeyError, TypeError, ValueError) as error:
        raise FolderError(f"{out / 'training' / 'plan.json'} is damaged; train again, or with --from {out}") from error
    config = resolve(found.config).from_json(values)
    if plan is not None:
        device = choose_device(plan.device)
        _tell_changes(then_all, fingerprint(threads=plan.threads, precision=plan.precision, device=device), progress)
    job = task.resume(request, folder=out, config=config, plan=plan, data_hash=data_hash, progress=progress)
    if plan is None:
        _tell_changes(then_all, job.fingerprint, progress)
    if job.data_hash != data_hash:
        raise TrainingError(
            f"the texts have changed since {out} began training; put them back, or start a new model with --from {out}"
        )
    with alone(out):
        model_folder.remove_temporary(out)
        if processes is not None and job.plan is not None:
            announce(job, weights, processes)
        _fit(job, weights, processes, resume=True)


def _tell_changes(then_all: Mapping[str, Any], now: Mapping[str, Any], progress: Progress) -> None:
    for name, then in then_all.items():
        if now.get(name) != then:
            progress.say(
                f"warning: {name} was {then}, is now {now.get(name)}; the model will not be bit for bit the same"
            )


def _begin(job: Job, start: Path | None, processes: "Processes | None") -> tuple[Job, Any]:
    """Fix first weights and plan, and write everything that resuming needs; returns plan and
    weights."""
    begin, weights = time.monotonic(), None
    # First, since a folder without it is not recognised as that of a killed training.
    inner = job.folder / "training"
    inner.mkdir(exist_ok=True)
    model_folder.write_static_files(
        job.folder, kind=job.request.kind, config=job.config.to_json(), files=job.static_files()
    )
    if job.plan is not None:
        # Sums of many numbers are the same only with the same number of threads.
        set_threads(job.plan.threads)
        weights = job.first_weights()
        if processes is not None:
            announce(job, weights, processes)
        minutes = job.request.default_minutes
        if minutes is not None:
            plan = _calibrated(job, weights, processes, minutes=minutes, spent=time.monotonic() - begin)
            job = dataclasses.replace(job, plan=plan)
    record = {
        "request": job.request.to_json(),
        "plan": job.plan.to_json() if job.plan else None,
        "data": job.data_hash,
        "from": None if start is None else _parent(start),
        "fingerprint": job.fingerprint,
    }
    write_plan(inner, record)
    return job, weights


def _calibrated(job: Job, weights: Any, found: "Processes | None", *, minutes: float, spent: float) -> Any:
    """The plan with its minutes as updates; ``spent`` seconds of them are already used."""
    from elman.training.calibrate import measure, plan_minutes, with_better_threads
    from elman.training.processes import ALONE

    processes = found or ALONE
    assert job.plan is not None
    if job.request.minutes is None:
        job.progress.say(
            f"no length was given: training for {DEFAULT_MINUTES:g} minutes (--minutes, --epochs or --updates "
            "change that)"
        )
    plan = job.plan.replace(device=choose_device(job.plan.device))
    objective = job.objective(plan, weights)
    seconds, given = min(5.0, 6 * minutes), job.request.threads is not None
    speed = measure(objective, plan, seconds=seconds, processes=processes)
    plan, speed = with_better_threads(
        objective, plan, speed, cores=available_cores(), given=given, seconds=seconds / 2, processes=processes,
        progress=job.progress,
    )  # fmt: skip
    left = max(minutes - spent / 60, 0.5 * minutes)
    plan = plan_minutes(plan, speed, minutes=left, most=objective.most_epochs * objective.updates_per_epoch)
    epochs = plan.updates / objective.updates_per_epoch
    job.progress.say(
        f"calibrated: {1000 * speed.update:.1f} ms per update, so --minutes {minutes:g} makes {plan.updates} updates "
        f"({epochs:.1f} epochs) and {plan.validations} validations"
    )
    return plan


def _parent(start: Path) -> dict[str, Any]:
    """What a model starts from, for its model card."""
    arrays = model_folder.read_arrays(start / model_folder.WEIGHTS_FILE)
    return {"folder": str(start), "weights": arrays_digest(arrays)}


def _fit(job: Job, weights: Any, processes: "Processes | None", *, resume: bool, pictures: bool = True) -> None:
    begin = time.monotonic()
    try:
        if job.plan is not None:
            job = dataclasses.replace(job, plan=job.plan.replace(device=choose_device(job.plan.device)))
            _train(job, weights, processes, resume=resume)
    except (Interrupted, TrainingError):
        if pictures:
            _draw(job)
        raise
    except StorageError as error:
        raise _with_resume(job, error) from error
    try:
        about = job.finish()
        # A resumed run has trained longer than this process; what has no log is counted in the end.
        log = read_log(job.folder / "training" / "log.jsonl")
        seconds = log[-1].get("seconds", 0.0) if log else time.monotonic() - begin
        card = job.card(about, seconds=seconds)
        card["from"] = read_plan(job.folder / "training").get("from")
        model_folder.write_card(job.folder, card)
    except StorageError as error:
        raise _with_resume(job, error) from error
    if pictures:
        _draw(job, card.get("growth", ()))


def _with_resume(job: Job, error: StorageError) -> StorageError:
    if not model_folder.has_checkpoint(job.folder):
        return error
    return StorageError(f"{error}; then {model_folder.how_to_go_on(job.folder)}")


def _train(job: Job, weights: Any, processes: "Processes | None", *, resume: bool) -> None:
    from elman.training.loop import fit
    from elman.training.processes import ALONE
    from elman.training.run import Run

    assert job.plan is not None
    run = Run(
        folder=job.folder,
        objective=job.objective(job.plan, weights),
        plan=job.plan,
        progress=job.progress,
        resume=resume,
        tensorboard=job.request.tensorboard,
        observer=job.observer(),
        processes=processes or ALONE,
    )
    fit(run)


def _draw(job: Job, growth: Sequence[Mapping[str, Any]] = ()) -> None:
    try:
        draw_curve(job.folder)
        if growth:
            draw_growth(job.folder, growth)
        if model_folder.card_file(job.folder).exists():
            for name, picture in job.pictures().items():
                write_atomic(job.folder / name, picture)
    except Exception as error:  # a failed picture must not cost the model
        job.progress.say(f"note: the picture could not be drawn ({error})")


def _remove_incomplete(folder: Path, kind: Entry) -> None:
    """Remove a folder that holds nothing yet to resume or, for kinds other than networks, to
    use."""
    # A network's first weights are written before its first checkpoint.
    kept = ("training/checkpoint.safetensors", *(() if kind.learns else (model_folder.WEIGHTS_FILE,)))
    if not any((folder / name).exists() for name in kept):
        shutil.rmtree(folder, ignore_errors=True)
