from types import SimpleNamespace
from typing import Any

import pytest
from tests.workers import LONGEST, dealt


@pytest.mark.parametrize("workers", [1, 2, 3, 8])
def test_every_worker_begins_with_some_of_the_longest_tests(workers: int) -> None:
    names = [f"test_{number}" for number in range(50)] + [f"tests/{part}[{n}]" for part in LONGEST for n in range(2)]
    items: Any = [SimpleNamespace(nodeid=name) for name in names]
    found = [item.nodeid for item in dealt(items, workers)]
    assert sorted(found) == sorted(names)
    share = len(names) // workers
    for worker in range(workers):
        first = [name for part in LONGEST[worker::workers] for name in (f"tests/{part}[0]", f"tests/{part}[1]")]
        assert found[worker * share :][: len(first)] == first
