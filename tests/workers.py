"""Workers of pytest -n: what the first of them does for all, and the tests that each begins
with."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

MANY = "PYTEST_XDIST_WORKER" in os.environ
"""Whether this process is one of several workers."""

LONGEST = (
    "test_tour.py::test_all_commands", "cli/test_compare.py", "test_targets.py", "cli/test_torchrun.py",
    "cli/test_silent.py", "test_faults.py", "test_readme.py", "test_word_order_of_held_out", "test_kill.py",
    "test_an_lstm_remembers", "test_xray_words.py", "test_a_page_fits_its_size",
)  # fmt: skip
"""Tests that take longest, by a part of their names; the longest first."""


def dealt(items: list[pytest.Item], workers: int) -> list[pytest.Item]:
    """The tests in the order in which each worker, which gets a stretch of equal length, has some
    of the longest first.

    Else one of them runs all of these, and the others wait for it in the end.
    """

    def rank(item: pytest.Item) -> int:
        return next((number for number, part in enumerate(LONGEST) if part in item.nodeid), len(LONGEST))

    longest = sorted((item for item in items if rank(item) < len(LONGEST)), key=rank)
    others = [item for item in items if rank(item) == len(LONGEST)]
    found: list[pytest.Item] = []
    for worker in range(workers):
        first = [item for item in longest if rank(item) % workers == worker]
        more = max(0, len(items) // workers - len(first))
        found += first + others[:more]
        del others[:more]
    return found + others


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[Any]:
    """In the first run of all, one worker collects before the others: it compiles modules and tests
    for them.

    What is collected stays until the end, so that no search for garbage goes through it.
    """
    gc.disable()
    folder = os.environ["ELMAN_TESTS_FIRST"]
    try:
        if MANY and folder:
            collected = Path(folder, "collected")
            with FileLock(Path(folder, "collecting.lock")):
                if not collected.exists():
                    result = yield
                    collected.touch()
                    return result
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(scope="session", autouse=True)
def compiled_once() -> Iterator[None]:
    """One worker at a time compiles a function with numba; the others load from its cache what they
    need too.

    What a function calls is compiled while its own lock is held. Functions do not call each other
    in a circle, so no two workers wait for each other.
    """
    if not MANY:
        yield
        return
    from numba.core.dispatcher import Dispatcher

    folder, compile_loop = Path(os.environ["NUMBA_CACHE_DIR"], "compiling"), Dispatcher.compile
    folder.mkdir(parents=True, exist_ok=True)
    locks: dict[str, FileLock] = {}

    def alone(self: Any, signature: Any) -> Any:
        name = f"{self.py_func.__module__}.{self.py_func.__name__}"
        with locks.setdefault(name, FileLock(folder / f"{name}.lock")):
            return compile_loop(self, signature)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Dispatcher, "compile", alone)
        yield
