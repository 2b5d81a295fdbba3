"""Changed files and requests for everything that reads them: each is used or refused in one line.

    python -m tests.faults.fuzz 10000 --seed 1

A child process with bounded memory reads some hundreds of them. What went wrong is told with its
group and number, and ``1 --only GROUP --first NUMBER`` repeats it.
"""

import argparse
import io
import math
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Collection
from contextlib import redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"):
    os.environ[_name] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

from tests.contracts.task_samples import sentences  # noqa: E402
from tests.faults.campaign import limit_memory  # noqa: E402
from tests.faults.http_requests import requests  # noqa: E402
from tests.faults.jobs import trainings  # noqa: E402
from tests.faults.targets import Target, folders, readers  # noqa: E402
from tests.stopping import stopped_run  # noqa: E402

from elman.errors import ElmanError  # noqa: E402

_SECONDS = 5.0
"""Of the processor, for one change."""
_MEMORY = 2 << 30
"""Bytes that a child may take beyond what it begins with."""
_AT_ONCE = 250
_LONGEST_LINE = 1200
SHARES = {"files": 0.55, "folders": 0.25, "HTTP": 0.2}
"""Groups, and their parts of all changes."""


class Fuzz:
    """Changes of three groups: files of data, model folders, and requests."""

    def __init__(self, home: Path, seed: int, jobs: Collection[str] = ()) -> None:
        self._home, self._seed, self._jobs = home, seed, jobs
        self.mistakes: list[str] = []
        self.refused = 0
        os.environ["ELMAN_CACHE"] = str(home / "cache")
        (home / "data").mkdir()

    def run(self, group: str, count: int, *, first: int = 0) -> None:
        """Try so many changes of a group."""
        if group == "HTTP":
            self._run_in_children(group, first, first + count, self._try_requests)
            return
        targets = self._folders() if group == "folders" else self._readers()
        by_number: Callable[[int], Target] = lambda number: targets[number % len(targets)]  # noqa: E731
        self._run_in_children(group, first, first + count, lambda numbers: self._try_files(numbers, by_number))

    def _readers(self) -> list[Target]:
        text, model, arpa = (self._home / name for name in ("data/tiny.txt", "tiny", "a.arpa"))
        sentences(text, 1)
        _command("train", text, "--model", "ngram", "--order", "3", "--out", model, "--quiet")
        _command("export", model, "--to", "arpa", "--out", arpa)
        return readers(self._home / "data", arpa.read_bytes())

    def _folders(self) -> list[Target]:
        models = {}
        for job in trainings(self._home / "data", self._jobs):
            folder = self._home / "models" / job.name
            folder.mkdir(parents=True)
            _command(*job.command(folder), "--quiet")
            models[job.name.replace(" ", "-")] = folder / job.out
        sentences(self._home / "data" / "text.txt", 1)
        stopped_run(self._home / "data" / "text.txt", self._home / "stopped")
        return folders(models, self._home / "stopped", self._home)

    def _run_in_children(self, what: str, first: int, stop: int, work: Callable[[range], Any]) -> None:
        while first < stop:
            first = self._child(range(first, min(first + _AT_ONCE, stop)), work, what)

    def _child(self, numbers: range, work: Callable[[range], Any], what: str) -> int:
        """Work on changes in a child; returns the first number that is left, behind one that ended
        the child."""
        reading, writing = os.pipe()
        sys.stdout.flush()
        process = os.fork()
        if not process:
            os.close(reading)
            self._work(numbers, work, writing)
        os.close(writing)
        told, deadline = b"", time.monotonic() + 120 + 2 * len(numbers)
        os.set_blocking(reading, False)
        status = None
        while status is None and time.monotonic() < deadline:
            with suppress(BlockingIOError):
                told += os.read(reading, 1 << 16)
            ended, found = os.waitpid(process, os.WNOHANG)
            status = os.waitstatus_to_exitcode(found) if ended else None
            time.sleep(0.01)
        if status is None:
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)
        with suppress(BlockingIOError):
            while more := os.read(reading, 1 << 16):
                told += more
        os.close(reading)
        lines = told.decode(errors="replace").splitlines()
        for line in lines:
            if line.startswith("mistake "):
                self._mistake(f"{what} {line.removeprefix('mistake ')}")
        self.refused += sum(line == "refused" for line in lines)
        at = max((int(line) for line in lines if line.isdecimal()), default=numbers.start)
        if status != 0:
            how = {None: "hangs", -signal.SIGPROF: f"takes more than {_SECONDS:g} s"}.get(
                status, f"ended with {status}"
            )
            self._mistake(f"{what} {at}: the process {how}")
            return at + 1
        return numbers.stop

    def _work(self, numbers: range, work: Callable[[range], Any], writing: int) -> None:
        """Never returns."""
        code = 1
        try:
            warnings.simplefilter("error")
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 1)
            limit_memory(_MEMORY)
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            self._tell = lambda line: os.write(writing, f"{line}\n".encode(errors="replace"))
            work(numbers)
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)

    def _begin(self, number: int) -> random.Random:
        self._tell(str(number))
        signal.setitimer(signal.ITIMER_PROF, _SECONDS)
        return random.Random(f"{self._seed} {number}")

    def _try_files(self, numbers: range, target_of: Callable[[int], Target]) -> None:
        folder = self._home / "changed"
        for number in numbers:
            rng, target = self._begin(number), target_of(number)
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            path, changed = target.change(folder, rng)
            wrong = None
            try:
                target.use(path)
                if target.notices and changed:
                    wrong = "a change was not noticed"
            except ElmanError as error:
                line = str(error).replace(str(path), "")
                self._tell("refused")
                if "\n" in line or len(line) > _LONGEST_LINE:
                    wrong = f"not one line: {line[:200]!r}"
            except Exception as error:
                where = traceback.extract_tb(error.__traceback__)[-1]
                wrong = f"{type(error).__name__}: {str(error)[:200]} ({Path(where.filename).name}, line {where.lineno})"
            if wrong:
                self._tell(f"mistake {number}, {target.name}, {path.name}: " + " ".join(wrong.split()))

    def _try_requests(self, numbers: range) -> None:
        folder = self._home / "http"
        folder.mkdir(exist_ok=True)
        with requests(folder) as sender:
            for number in numbers:
                rng = self._begin(number)
                try:
                    wrong = sender.request(rng)
                except Exception as error:
                    where = traceback.extract_tb(error.__traceback__)[-1]
                    wrong = f"{type(error).__name__}: {str(error)[:200]} ({Path(where.filename).name}, {where.lineno})"
                if wrong:
                    self._tell(f"mistake {number}: " + " ".join(wrong.split()))
            signal.setitimer(signal.ITIMER_PROF, 0)

    def _mistake(self, line: str) -> None:
        self.mistakes.append(line)
        print(line, file=sys.stderr, flush=True)


def _command(*words: object) -> None:
    from elman.cli.main import main

    with suppress(SystemExit), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        main([str(word) for word in words])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=SHARES)
    parser.add_argument("--jobs", nargs="*", default=(), help="only the folders of these trainings")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="elman-fuzz-") as home:
        fuzz = Fuzz(Path(home), options.seed, options.jobs)
        for group, share in SHARES.items() if options.only is None else [(options.only, 1.0)]:
            count = math.ceil(share * options.count)
            fuzz.run(group, count, first=options.first)
            print(f"{count} of {group}: {fuzz.refused} refused, {len(fuzz.mistakes)} mistakes so far", flush=True)
    return 1 if fuzz.mistakes else 0


if __name__ == "__main__":
    sys.exit(main())
