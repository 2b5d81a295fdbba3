"""Trainings and exports with faults in them: what is left must load or say what to do, and go on to
the same bytes.

    python -m tests.faults.campaign --moments 200 --seed 1

prints a line for each kind of fault, and what went wrong; the exit code is 1 if anything did.
"""

import argparse
import os
import random
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"):
    os.environ[_name] = "1"  # a fork has none of its parent's threads
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ.setdefault("MPLBACKEND", "Agg")

from tests.faults.jobs import Job, exports, trainings  # noqa: E402
from tests.faults.runs import Ended, contents, run  # noqa: E402
from tests.faults.taps import Fault  # noqa: E402

_NOBODY = 65534
KINDS = {
    "kill": 0.4, "half": 0.4, "time": 0.2, "serve": 0.05, "full": 0.15, "io": 0.15, "fsync": 0.1, "short": 0.05,
    "clock": 0.05, "disk": 0.2, "memory": 0.15, "read-only": 0.03,
}  # fmt: skip
"""Kinds of faults, and how many of each for a moment; ``time``: stopped after a random time,
``serve``: a server killed while it starts, ``disk``: a small file system."""

_WAYS = ("--resume", "train it again", "does not exist")
"""What the error of a folder that does not load must have one of."""


class Campaign:
    """Runs jobs with faults in a folder of its own."""

    def __init__(self, home: Path, seed: int, only: Collection[str] = ()) -> None:
        self._home, self._random = home, random.Random(seed)
        self.mistakes: list[str] = []
        self.counts: Counter[str] = Counter()
        self.ends: Counter[str] = Counter()
        data = home / "data"
        data.mkdir()
        self.jobs = trainings(data, only)
        self._whole: dict[str, dict[str, bytes]] = {}
        self._operations: dict[str, int] = {}
        self._seconds: dict[str, float] = {}
        for job in list(self.jobs):
            self._run_whole(job)
        for job in exports({job.name: home / "whole" / job.name / job.out for job in self.jobs}):
            self._run_whole(job)
            self.jobs.append(job)

    def _run_whole(self, job: Job) -> None:
        """Run a job as it should end, and count its file operations."""
        from elman.cli.main import main

        folder = self._folder(self._home / "whole" / job.name)
        if job.trains:  # compiles, and loads modules, for all forks
            with suppress(SystemExit), _nothing_shown():
                main([*job.command(self._folder(self._home / "first" / job.name))])
        begin = time.monotonic()
        ended = run(*job.command(folder), fault=Fault("count"))
        assert ended.code == 0, f"{job}: {ended.said}"
        self._seconds[job.name] = time.monotonic() - begin
        self._whole[job.name], self._operations[job.name] = contents(folder / job.out), ended.operations

    def _folder(self, folder: Path) -> Path:
        """A new folder for a job, with a cache of its own."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        os.environ["ELMAN_CACHE"] = str(folder / "cache")
        return folder

    def inject(self, kind: str, moments: int) -> None:
        """Run so many jobs with a fault of this kind, at moments spread over all their
        operations."""
        jobs = self.jobs if kind in ("kill", "half", "full", "io") else [job for job in self.jobs if job.trains]
        order = self._random.sample(jobs, len(jobs))
        each = -(-moments // len(order))
        for number in range(moments):
            job = order[number % len(order)]
            part = (number // len(order) + self._random.random()) / each
            self.counts[kind] += 1
            try:
                self._try(job, kind, min(part, 0.999))
            except Exception as error:
                self._mistake(job, kind, f"{type(error).__name__}: {error}")

    def _try(self, job: Job, kind: str, part: float) -> None:
        at = 1 + int(part * self._operations[job.name])
        label = f"{kind} at {at} of {self._operations[job.name]}"
        folder = self._folder(self._home / "run")
        words = job.command(folder)
        if kind == "disk":
            with small_disk(folder / "disk", 1 << 27) as free:
                os.environ["ELMAN_CACHE"] = str(folder / "disk" / "cache")
                words = job.command(folder / "disk")
                free(int(part * 40) * 4096)
                ended = run(*words)
                free(None)
                self._judge(job, f"a disk with {int(part * 40)} free pages", ended, words, folder / "disk")
            return
        if kind == "memory":
            more = int(part * 64) << 20
            ended = run(*words, before=lambda: limit_memory(more))
            label = f"{more >> 20} MB of memory"
        elif kind == "read-only":
            folder.chmod(0o555)
            ended = run(*words, before=lambda: os.setuid(_NOBODY))
            folder.chmod(0o755)
        elif kind == "time":
            after = part * self._seconds[job.name]
            by = self._random.choice([signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
            ended, label = run(*words, until=lambda seconds: seconds >= after, by=by), f"{by.name} after {after:.3f} s"
        else:
            ended = run(*words, fault=Fault(kind, at))
        self._judge(job, label, ended, words, folder)

    def serve(self, times: int) -> None:
        """Kill a server while it starts, and start it again: it answers."""
        model = self._home / "whole" / "language" / "model"
        folder = self._folder(self._home / "run")
        for _ in range(times):
            with socket.create_server(("127.0.0.1", 0)) as free:
                port = free.getsockname()[1]
            words = ("serve", model, "--port", port, "--corrections", folder / "corrections.jsonl")
            after = self._random.uniform(0, 0.6)
            self.counts["serve"] += 1
            ended = run(*words, until=lambda seconds, after=after: seconds >= after)
            again = run(*words, until=lambda seconds, port=port: _answers(port), by=signal.SIGTERM)
            if mistake := ended.mistake or again.mistake:
                self.mistakes.append(f"serve, killed after {after:.3f} s: {mistake}")

    def _judge(self, job: Job, label: str, ended: Ended, words: tuple[str, ...], folder: Path) -> None:
        """What is left after a fault: it loads or says what to do, and going on gives the same
        bytes."""
        out = folder / job.out
        self.ends["killed" if ended.code == -9 else "one line" if ended.code else "no matter"] += 1
        if ended.mistake:
            self._mistake(job, label, ended.mistake)
        if ended.code == 0:
            self._compare(job, label, out)
            return
        if not job.trains:
            if out.is_file():
                self._compare(job, label, out)
                out.unlink()
            shutil.rmtree(out, ignore_errors=True)
            self._go_on(job, label, words)
        else:
            shown = run("info", out)
            if shown.mistake:
                self._mistake(job, label, f"info: {shown.mistake}")
            if shown.code == 2 and not any(way in shown.said for way in _WAYS):
                self._mistake(job, label, f"no way to go on: {shown.said}")
            resumes = (out / "training" / "checkpoint.safetensors").exists()
            again = ("train", "--out", str(out), "--resume") if resumes else words
            if resumes and self._random.random() < 0.5:
                second = Fault(self._random.choice(["kill", "half", "io"]), self._random.randint(1, 60))
                if mistake := run(*again, fault=second).mistake:
                    self._mistake(job, label, f"then --resume with {second}: {mistake}")
            if resumes or not (out / "model_card.json").exists():
                self._go_on(job, label, again)
        self._compare(job, label, out)

    def _go_on(self, job: Job, label: str, words: tuple[str, ...]) -> None:
        ended = run(*words)
        if ended.code != 0:
            self._mistake(job, label, f"it does not go on: {ended.code} {ended.said[-600:]}")

    def _compare(self, job: Job, label: str, out: Path) -> None:
        if not out.exists():
            self._mistake(job, label, "there is nothing in the end")
            return
        found, wanted = contents(out), self._whole[job.name]
        for name in sorted(found.keys() | wanted.keys()):
            if found.get(name) != wanted.get(name):
                self._mistake(job, label, f"{name or out.name} is not as it should be")

    def _mistake(self, job: Job, label: str, what: str) -> None:
        self.mistakes.append(f"{job.name}, {label}: {what}")
        print(self.mistakes[-1], file=sys.stderr, flush=True)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


def limit_memory(more: int) -> None:
    """Let this process take so many bytes more than it has."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    limit = pages * os.sysconf("SC_PAGE_SIZE") + more
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Callable[[int | None], None]]:
    """A file system of so many bytes at ``folder``; what is given says how many of them are free,
    None for all.

    Raises:
        subprocess.CalledProcessError: it cannot be mounted: only root may, and not in every
            container.
    """
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    subprocess.run(mount, check=True, capture_output=True)
    ballast = folder / "ballast"

    def free(wanted: int | None) -> None:
        ballast.unlink(missing_ok=True)
        if wanted is not None:
            there = os.statvfs(folder)
            with open(ballast, "wb") as file:
                os.posix_fallocate(file.fileno(), 0, max(there.f_bavail * there.f_frsize - wanted, 1))

    try:
        yield free
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def can_mount() -> bool:
    """Whether this process may have a small file system."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            with small_disk(Path(folder) / "disk", 1 << 16):
                return True
        except (OSError, subprocess.CalledProcessError):
            return False


@contextmanager
def _nothing_shown() -> Iterator[None]:
    sys.stdout.flush()
    kept = [os.dup(number) for number in (1, 2)]
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for number in (1, 2):
        os.dup2(nowhere, number)
    try:
        yield
    finally:
        sys.stdout.flush()
        for number, own in zip((1, 2), kept, strict=True):
            os.dup2(own, number)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--moments", type=int, default=200, help="kills; other faults come on top")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="*", default=tuple(KINDS), choices=KINDS)
    parser.add_argument("--jobs", nargs="*", default=(), help="only these trainings, and exports of their models")
    options = parser.parse_args()
    print(f"{options.moments} moments, seed {options.seed}")
    with tempfile.TemporaryDirectory(prefix="elman-faults-") as home:
        os.chmod(home, 0o755)
        campaign = Campaign(Path(home), options.seed, options.jobs)
        for kind in options.only:
            if (kind == "disk" and not can_mount()) or (kind == "read-only" and os.geteuid() != 0):
                print(
                    f"{kind}: not tried, as this process may not " + ("mount" if kind == "disk" else "change its user")
                )
                continue
            count = max(1, round(KINDS[kind] * options.moments))
            campaign.serve(count) if kind == "serve" else campaign.inject(kind, count)
            print(f"{kind}: {campaign.counts[kind]} tried, {len(campaign.mistakes)} mistakes so far", flush=True)
        print(f"{sum(campaign.counts.values())} faults: {dict(campaign.ends)}; {len(campaign.mistakes)} mistakes")
        return 1 if campaign.mistakes else 0


if __name__ == "__main__":
    sys.exit(main())
