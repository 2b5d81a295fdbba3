"""``pytest --workers 3``: one process collects the tests, and its forks run them, a file at a time.

So each module is imported once, and what the tests of a file share is made once.
"""

import gc
import os
import resource
import struct
from itertools import chain, groupby, pairwise
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

LONGEST = (
    "test_tour.py", "cli/test_compare.py", "test_targets.py", "cli/test_torchrun.py", "cli/test_silent.py",
    "test_faults.py", "test_readme.py", "contracts/test_language_model.py", "test_kill.py", "test_xray_words.py",
)  # fmt: skip
"""Files that take longest, which begin first: else others wait in the end for who has them."""
_NUMBER = struct.Struct("i")


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option ``--workers``."""
    parser.addoption("--workers", type=int, default=1, metavar="N", help="processes that run tests (1)")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what the tests cost whatever else the machine does."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    terminalreporter.write_line(f"{sum(each.ru_utime + each.ru_stime for each in used):.0f} CPU s")


def _rank(path: str) -> int:
    return next((number for number, part in enumerate(LONGEST) if path.endswith(part)), len(LONGEST))


def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Run the tests in several processes, if ``--workers`` says so."""
    config, workers = session.config, session.config.option.workers
    if workers < 2 or config.option.collectonly or session.testsfailed:
        return None
    files = [list(items) for _, items in groupby(session.items, key=lambda item: item.path)]
    files.sort(key=lambda items: _rank(str(items[0].path)))
    numbers, dealer = os.pipe()  # whoever is free takes the next number of a file out of this pipe
    os.write(dealer, b"".join(map(_NUMBER.pack, range(len(files)))))
    os.close(dealer)
    config._tmp_path_factory.getbasetemp()  # one folder for all
    gc.collect()
    gc.freeze()  # no search for garbage goes through what was collected
    fork, running = get_context("fork"), {}
    for worker in range(workers):
        reports, sender = fork.Pipe(duplex=False)
        process = fork.Process(target=_work, args=(config, files, numbers, sender, worker))
        process.start()
        sender.close()
        running[reports] = process
    try:
        _listen(session, running)
    finally:
        gc.unfreeze()
        for process in running.values():
            process.terminate()
        os.close(numbers)
    if session.shouldfail:
        raise session.Failed(session.shouldfail)
    return True


def _listen(session: pytest.Session, running: dict[Connection, BaseProcess]) -> None:
    """Hand on what workers report until all have ended."""
    hook, at = session.config.hook, {}
    while running and not session.shouldfail:
        for reports in wait(list(running)):
            try:
                data = reports.recv()
            except EOFError:
                process = running.pop(reports)
                process.join()
                if process.exitcode:
                    text = f"the process that ran this ended with code {process.exitcode}"
                    lost = pytest.TestReport(*at[reports], {}, "failed", text, "call")
                    hook.pytest_runtest_logreport(report=lost)
                continue
            if isinstance(data, tuple):
                at[reports] = data
            else:
                report = hook.pytest_report_from_serializable(config=session.config, data=data)
                hook.pytest_runtest_logreport(report=report)


class _Reporter:
    """Sends reports to the process that collected."""

    def __init__(self, config: pytest.Config, sender: Connection) -> None:
        self._config, self._sender = config, sender

    def pytest_runtest_logstart(self, nodeid: str, location: tuple[str, int | None, str]) -> None:
        self._sender.send((nodeid, location))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        data = self._config.hook.pytest_report_to_serializable(config=self._config, report=report)
        self._sender.send(data)


def _work(config: pytest.Config, files: list[list[pytest.Item]], numbers: int, sender: Connection, worker: int) -> None:
    """Run file after file as long as there are any."""
    plugins = config.pluginmanager
    capture = plugins.getplugin("capturemanager")
    # The files into which output goes are not shared with other workers.
    capture.stop_global_capturing()
    capture.start_global_capturing()
    capture.suspend_global_capture()
    plugins.unregister(name="terminalreporter")
    plugins.register(_Reporter(config, sender))
    os.environ["ELMAN_CACHE"] += str(worker)
    _compile_alone()
    mine = (files[_NUMBER.unpack(number)[0]] for number in iter(lambda: os.read(numbers, _NUMBER.size), b""))
    for item, following in pairwise(chain(chain.from_iterable(mine), [None])):
        config.hook.pytest_runtest_protocol(item=item, nextitem=following)
    sender.close()


def _compile_alone() -> None:
    """One worker at a time compiles a function with numba; the others load from its cache what they
    need too.

    What a function calls is compiled while its own lock is held. Functions do not call each other
    in a circle, so no two workers wait for each other.
    """
    from numba.core.dispatcher import Dispatcher

    folder, compile_loop = Path(os.environ["NUMBA_CACHE_DIR"], "compiling"), Dispatcher.compile
    folder.mkdir(parents=True, exist_ok=True)
    locks: dict[str, FileLock] = {}

    def alone(self: Any, signature: Any) -> Any:
        name = f"{self.py_func.__module__}.{self.py_func.__name__}"
        with locks.setdefault(name, FileLock(folder / f"{name}.lock")):
            return compile_loop(self, signature)

    Dispatcher.compile = alone
