"""Trains the models of a comparison one after another, each in its own process."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from elman.errors import Interrupted, TrainingError
from elman.progress import Progress, duration
from elman.storage import folder as model_folder
from elman.studies.compare_worker import PEAK_FILE
from elman.studies.comparison import TrainingJob
from elman.system.cluster import Advance, workers
from elman.system.launcher import SHARED_BY
from elman.training.lock import alone

_PATIENCE = 60.0
"""Seconds to wait for a worker whose comparison was killed."""


class Failure(NamedTuple):
    """A failed training."""

    name: str
    message: str


def train_all(jobs: Sequence[TrainingJob], *, progress: Progress) -> list[Failure]:
    """Train all missing models; a failure is reported, and the others continue.

    Raises:
        Interrupted: Ctrl-C or SIGTERM; the same command resumes.
    """
    failures = []
    todo = [job for job in jobs if not _done(job)]
    if len(todo) < len(jobs):
        progress.say(f"{len(jobs) - len(todo)} of {len(jobs)} models exist already")
    if workers().are_others:
        return _train_apart(todo, progress)
    begin = time.monotonic()
    for number, job in enumerate(todo):
        took = (time.monotonic() - begin) / max(number, 1)
        later = sum(other.seconds or took for other in todo[number + 1 :])
        head = f"model {len(jobs) - len(todo) + number + 1} of {len(jobs)}, {job.name}"
        left = f"; after that about {duration(later)} more" if later else ""
        progress.say(f"{head}{left}")
        message = _run(job, head=head, progress=progress)
        if message is not None:
            progress.say(f"warning: {job.name} failed: {message}; continuing with the others")
            failures.append(Failure(job.name, message))
    return failures


def _train_apart(jobs: Sequence[TrainingJob], progress: Progress) -> list[Failure]:
    """Train all on the processes that share the work, several at a time."""
    task = partial(_train_there, processes=workers().on_one_machine)
    failed = {}
    for number, (name, message) in enumerate(workers().results(task, {job.name: job for job in jobs}), 1):
        progress.say(f"model {number} of {len(jobs)}, {name}: {'trained' if message is None else f'failed: {message}'}")
        failed[name] = message
    return [Failure(job.name, failed[job.name]) for job in jobs if failed[job.name] is not None]


def _train_there(job: TrainingJob, advance: Advance, *, processes: int) -> str | None:
    return _run(job, head=job.name, progress=Progress(), processes=processes)


def _done(job: TrainingJob) -> bool:
    folder = Path(job.request["out"])
    return model_folder.card_file(folder).exists() and (folder / "training" / PEAK_FILE).exists()


def _run(job: TrainingJob, *, head: str, progress: Progress, processes: int = 1) -> str | None:
    """Train one model, beside others if there are more ``processes``; returns the error, or
    None."""
    _wait_for(Path(job.request["out"]))
    # Its own session, so that Ctrl-C reaches it once, from here.
    worker = subprocess.Popen(
        [sys.executable, "-m", "elman.studies.compare_worker"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", errors="replace",
        start_new_session=True, env={**os.environ, SHARED_BY: str(processes)},
    )  # fmt: skip
    assert worker.stdin and worker.stdout and worker.stderr
    last: list[str] = []
    listener = threading.Thread(target=_listen, args=(worker.stderr, head, progress, last), daemon=True)
    listener.start()
    try:
        worker.stdin.write(json.dumps(job.request) + "\n")
        worker.stdin.flush()
        out = worker.stdout.read()
        code = worker.wait()
        listener.join()
    except BrokenPipeError:
        out, code = "", worker.wait()
        listener.join()
    except KeyboardInterrupt:
        progress.say("stopping at the next safe place ...")
        worker.send_signal(signal.SIGTERM)
        worker.wait()
        raise Interrupted(f"interrupted while training {job.name}; the same command resumes") from None
    finally:
        if worker.poll() is None:
            worker.kill()
            worker.wait()
        for pipe in (worker.stdin, worker.stdout, worker.stderr):
            with suppress(BrokenPipeError):
                pipe.close()
    progress.clear()
    if code == 0:
        return None
    if code == Interrupted.exit_code:
        raise Interrupted(f"the training of {job.name} was interrupted; the same command resumes")
    return _message(out) or (last[-1] if last else f"its process ended with code {code}")


def _message(out: str) -> str | None:
    try:
        return str(json.loads(out.strip().splitlines()[-1])["message"])
    except (ValueError, KeyError, IndexError, TypeError):
        return None


def _listen(stream: Any, head: str, progress: Progress, last: list[str]) -> None:
    for line in stream:
        line = line.strip()
        if line:
            last[:] = [line]
            if line.startswith("warning"):
                progress.say(line)
            else:
                progress.show(f"{head}: {line}")


def _wait_for(folder: Path) -> None:
    """Wait until no process trains in a folder.

    Raises:
        TrainingError: one still does after a minute.
    """
    begin = time.monotonic()
    while folder.exists():
        try:
            with alone(folder):
                return
        except TrainingError:
            if time.monotonic() - begin > _PATIENCE:
                raise
            time.sleep(0.5)
