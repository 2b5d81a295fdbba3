"""Work on the items of a list, here or spread over the processes of a Dask cluster.

A task is a function of one item. It writes into folders of its own below one that all processes
see, and returns little. So a process that is killed costs the item in its hands, which another one
does again.
"""

import contextlib
import logging
import re
import signal
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from elman.errors import ElmanError, MissingExtra, TrainingError, UsageError
from elman.progress import Progress
from elman.system.machine import version

Advance = Callable[[int], None]
WorkFunction = Callable[[Any, Advance], Any]
"""``task(item, advance)``; ``advance`` is called with the amount of work done since the last
call."""
TRIES = 3
"""Most attempts at one item; on processes started here, a failure and a lost process each count as
one."""
_PATIENCE = 30
"""Seconds in which a cluster must answer."""


class Workers:
    """This process alone.

    >>> dict(Workers().results(lambda item, advance: 2 * item, {"first": 1, "second": 2}))
    {'first': 2, 'second': 4}
    """

    count = 1
    """Tasks at a time."""
    are_others = False
    """Whether tasks are done by other processes."""
    on_one_machine = 1
    """Most of them that share a machine."""

    def results(
        self, task: WorkFunction, items: Mapping[str, Any], *, advance: Advance = lambda amount: None
    ) -> Iterator[tuple[str, Any]]:
        """The name of each item with what the task returns, in any order.

        Raises:
            ElmanError: an item failed ``TRIES`` times on other processes; it is named.
        """
        for name, item in items.items():
            yield name, task(item, advance)

    def share(self, memory: int) -> int:
        """How much of the memory of this machine one of them may take."""
        return memory


ALONE = Workers()
_current: ContextVar[Workers] = ContextVar("workers", default=ALONE)


def workers() -> Workers:
    """The current workers; this process alone outside ``started``."""
    return _current.get()


def check_workers(count: int | None, address: str | None) -> None:
    """Refuse what cannot be started or reached.

    Raises:
        UsageError: it cannot.
    """
    if count is not None and address is not None:
        raise UsageError("--workers starts processes here and --cluster uses others; give one of them")
    if count is not None and not 1 <= count <= 1024:
        raise UsageError(f"--workers is {count}; it must be 1 to 1024")
    if address is not None and not re.fullmatch(r"[a-z]+://[^\s/]+:\d+", address):
        raise UsageError(f"--cluster is {address[:40]!r}; give the address of a Dask scheduler: tcp://HOST:8786")


@contextlib.contextmanager
def started(count: int | None, address: str | None, *, folder: Path, progress: Progress) -> Iterator[None]:
    """Processes of this machine, or those of a Dask scheduler, as the ``workers`` of a block.

    Args:
        count: processes to start here; or
        address: of a scheduler; neither: nothing changes.
        folder: where tasks write; all processes must see it.

    Raises:
        MissingExtra: Dask is not installed.
        UsageError: no scheduler answers, or its workers cannot do the work.
    """
    if count is None and address is None:
        yield
        return
    try:
        from distributed import Client
    except ImportError as error:
        raise MissingExtra("--workers and --cluster need Dask; run: pip install 'elman[cluster]'") from error
    with contextlib.ExitStack() as opened:
        place = address or opened.enter_context(local_cluster(count or 1))
        try:
            client = opened.enter_context(Client(place, timeout=_PATIENCE))
            client.wait_for_workers(1, timeout=_PATIENCE)
        except (OSError, ValueError) as error:  # a TimeoutError is an OSError
            raise UsageError(
                f"--cluster {address}: no Dask scheduler with workers answers there ({error}); start them: "
                "dask scheduler, dask worker tcp://HOST:8786 --nthreads 1"
            ) from error
        found = _Cluster(client, local=address is None)
        progress.say(f"{found.count} processes; Dask's dashboard: {client.dashboard_link}")
        _check(client, folder)
        token = _current.set(found)
        opened.callback(_current.reset, token)
        yield


@contextlib.contextmanager
def local_cluster(count: int) -> Iterator[Any]:
    """A Dask cluster of processes of this machine.

    Nobody from outside can connect; nor other users of the machine, who lack the keys, which are
    made for it and kept in memory.
    """
    from dask import config
    from distributed import LocalCluster, Security

    settings = {
        "distributed.scheduler.allowed-failures": TRIES - 1,
        "distributed.dashboard.link": "http://{host}:{port}/status",
        # On a busy machine a process that died may take long to start again; then Dask would give
        # it up.
        "distributed.deploy.lost-worker-timeout": "1 hour",
    }
    with (
        config.set(settings),
        LocalCluster(
            n_workers=count,
            threads_per_worker=1,
            host="127.0.0.1",
            security=Security.temporary(),
            dashboard_address="127.0.0.1:0",
            worker_dashboard_address=None,
            memory_limit=0,
            silence_logs=logging.ERROR,
            preload=__name__,
        ) as cluster,
    ):
        yield cluster


def dask_setup(worker: Any) -> None:
    """Let Ctrl-C reach the first process alone, which ends the others. Dask calls this in each of
    them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


class _Cluster(Workers):
    are_others = True

    def __init__(self, client: Any, *, local: bool) -> None:
        self._client, self._local = client, local
        threads = client.nthreads()
        self.count = sum(threads.values())
        hosts: Counter[str | None] = Counter()
        for worker, own in threads.items():
            hosts[urlsplit(worker).hostname] += own
        self.on_one_machine = max(hosts.values())

    def results(
        self, task: WorkFunction, items: Mapping[str, Any], *, advance: Advance = lambda amount: None
    ) -> Iterator[tuple[str, Any]]:
        from distributed import as_completed

        submit = self._client.submit
        names = {submit(_measured, task, item, retries=TRIES - 1, pure=False): name for name, item in items.items()}
        try:
            for future in as_completed(list(names)):
                name = names.pop(future)
                error = future.exception()
                if error is not None:
                    raise _failed(name, error) from error
                result, amount = future.result()
                advance(amount)
                yield name, result
        finally:
            self._client.cancel(list(names))

    def share(self, memory: int) -> int:
        return memory // self.count if self._local else memory


def _measured(task: WorkFunction, item: Any) -> tuple[Any, int]:
    done = 0

    def advance(amount: int) -> None:
        nonlocal done
        done += amount

    return task(item, advance), done


def _failed(name: str, error: BaseException) -> ElmanError:
    from distributed import KilledWorker

    if isinstance(error, KilledWorker):
        # A scheduler that others started has a limit of its own.
        died = int(error.allowed_failures) + 1
        return TrainingError(f"{name}: {died} processes died over it, maybe for want of memory")
    kind = type(error) if isinstance(error, ElmanError) else TrainingError
    return kind(f"{name} failed {TRIES} times; the last time: {error or type(error).__name__}")


def _check(client: Any, folder: Path) -> None:
    """See that all workers have this elman and see the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        answers = client.run(_answer, Path(file.name), on_error="return")
    for worker, answer in answers.items():
        if answer != (version("elman"), True):
            fault = f"does not see {folder}; give --scratch a folder on a disk that all share"
            if isinstance(answer, BaseException):
                fault = f"cannot run elman ({answer}); install it there"
            elif answer[0] != version("elman"):
                fault = f"has elman {answer[0]}, not {version('elman')}; install the same version"
            raise UsageError(f"the Dask worker {worker} {fault}")


def _answer(file: Path) -> tuple[str | None, bool]:
    return version("elman"), file.exists()
