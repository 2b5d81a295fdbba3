"""Rows shared out to threads: every row once, the same results, and none lost after a fork."""

import os
import signal
from typing import NamedTuple

import numpy as np
import pytest
import torch

from elman.nn import row_threads
from elman.nn.row_threads import in_rows
from elman.nn.scan import SHORT, scan


class Pair(NamedTuple):
    left: torch.Tensor
    right: torch.Tensor


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(row_threads, "_WORTH_A_THREAD", 1)
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.mark.parametrize("count", [1, 2, 3, 8])
def test_every_row_is_visited_once(threads, count: int) -> None:
    threads(count)
    visits = torch.zeros(5, dtype=torch.int64)
    blocks = []

    def kernel(visited, start: int, stop: int) -> None:
        blocks.append((start, stop))
        visited[start:stop] += 1

    in_rows(kernel, (7, 5, 2), visits)
    assert visits.tolist() == [1] * 5
    assert len(blocks) == min(count, 5)


def test_arguments_arrive_as_arrays_over_the_same_memory(threads) -> None:
    threads(1)
    low, parameter = torch.ones(2, dtype=torch.bfloat16), torch.nn.Parameter(torch.zeros(1))

    def kernel(first, pair, start: int, stop: int) -> None:
        assert type(pair) is Pair and pair.left.dtype == np.uint16
        pair.left[:] = 0x4000
        pair.right[:] = 5
        first[:] = 3

    exact = torch.zeros(1)
    in_rows(kernel, (1, 1), exact, Pair(low, parameter))
    assert (exact.tolist(), low.tolist(), parameter.tolist()) == ([3], [2, 2], [5])


def test_a_mistake_in_a_thread_is_raised(threads) -> None:
    threads(4)

    def kernel(start: int, stop: int) -> None:
        if start == 2:
            raise ValueError("in a thread")

    with pytest.raises(ValueError, match="in a thread"):
        in_rows(kernel, (1, 4))


def test_the_number_of_threads_changes_no_bit(threads) -> None:
    parts = [torch.randn(SHORT + 3, 5, 9, requires_grad=True) for _ in range(2)]
    first = torch.randn(5, 9, requires_grad=True)
    results = []
    for count in (1, 3):
        threads(count)
        states, _ = scan(parts[0], parts[1], first)
        results.append([states, *torch.autograd.grad(states.sin().sum(), [*parts, first])])
    assert all(torch.equal(one, three) for one, three in zip(*results, strict=True))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_has_threads_of_its_own(threads) -> None:
    threads(3)
    a, b, first = torch.rand(SHORT + 3, 5, 9), torch.rand(SHORT + 3, 5, 9), torch.rand(5, 9)
    expected, _ = scan(a, b, first)
    child = os.fork()
    if child == 0:
        signal.alarm(60)  # it would wait for ever for threads that only its parent has
        os._exit(0 if torch.equal(scan(a, b, first)[0], expected) else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
