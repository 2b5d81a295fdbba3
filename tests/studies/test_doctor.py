"""Each piece of advice from faked readings, none where all is well; and that measuring gives
readings.
"""

from typing import Any

import pytest

from elman.progress import Progress
from elman.studies.doctor import Readings, advice_on, diagnose, facts_of, measure

GIB = 2**30
WELL: dict[str, Any] = {
    "cores": 8, "all_cores": 8, "quota": None, "load": 0.3, "stolen": 0.0, "spread": 1.1,
    "threads": {1: 8e-3, 4: 2.5e-3, 8: 1.5e-3}, "fp32": 3e11, "bf16": 8e11, "onednn": 1.0, "tuned": True,
    "faulted": 0.0, "fault_cost": 0.2, "memory": {"total": 32 * GIB, "available": 20 * GIB, "swapped": 0},
    "governor": "amd-pstate-epp: powersave", "disk": 10**11, "torch": "2.13.0",
}  # fmt: skip


def test_nothing_to_mend_where_all_is_well() -> None:
    assert advice_on(Readings(**WELL)) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"torch": None, "fp32": None, "bf16": None}, ["pip install 'elman[train]'"]),
        ({"bf16": None}, ["has no bf16", "two to five times"]),
        ({"bf16": 1e11}, ["bf16 is slower than fp32 here", "--precision fp32"]),
        ({"quota": 1.5, "cores": 2}, ["may use 1.5 of 8 cores", "--threads 2"]),
        ({"stolen": 0.2}, ["take 20% of this one's time"]),
        ({"load": 6.0}, ["other programs keep this machine busy", "smaller --threads"]),
        ({"spread": 2.4}, ["other programs keep this machine busy"]),
        ({"threads": {1: 2e-3, 4: 2.1e-3, 8: 9e-3}}, ["8 threads are slower than 1", "--threads 1"]),
        ({"threads": {1: 8e-3, 4: 2e-3, 8: 9e-3}}, ["8 threads are slower than 4", "--threads 4"]),
        ({"cores": 1}, ["one core only"]),
        ({"tuned": False}, ["gives freed memory back", "0.20 s per GB", "--batch"]),
        ({"faulted": 1.0}, ["gives freed memory back", "glibc"]),
        ({"onednn": 2.0}, ["2.0 times slower than they could be", "leave --precision at auto"]),
        ({"governor": "acpi-cpufreq: powersave"}, ["cpupower frequency-set -g performance"]),
        ({"memory": {"total": 32 * GIB, "available": GIB, "swapped": 0}}, ["only 1.0 GiB of memory", "--hidden-size"]),
        ({"memory": {"total": 32 * GIB, "available": 9 * GIB, "swapped": 4 * GIB}}, ["4.0 GiB of memory are swapped"]),
        ({"disk": 5 * 10**8}, ["0.50 GB of disk are free"]),
    ],
)
def test_each_trouble_has_its_advice_and_no_other(changes: dict[str, Any], said: list[str]) -> None:
    advice = advice_on(Readings(**{**WELL, **changes}))
    assert len(advice) == 1, advice
    for words in said:
        assert words in advice[0]


def test_old_amd_processors_are_told_to_prefer_the_lstm() -> None:
    advice = advice_on(Readings(**{**WELL, "onednn": 2.0, "bf16": None}))
    assert len(advice) == 2 and "prefer lstm" in advice[1]


@pytest.mark.parametrize(
    ("changes", "name", "value"),
    [
        ({"quota": 2.0, "cores": 2}, "cores", "2 usable of 8 (quota 2)"),
        ({}, "bf16", "about 800 GFLOP/s in training"),
        ({"bf16": None}, "bf16", "not on this processor"),
        ({"faulted": 0.9}, "allocator", "gives freed memory back to the system"),
        ({}, "allocator", "keeps freed memory"),
        ({}, "threads", "1: 8.0 ms, 4: 2.5 ms, 8: 1.5 ms"),
        ({}, "memory", "20.0 of 32.0 GiB available, 0.0 GiB swapped out"),
        ({"stolen": 0.125}, "stolen", "12.5% of the time by other virtual machines"),
        ({"gpu": "Some GPU"}, "gpu", "Some GPU"),
    ],
)
def test_facts(changes: dict[str, Any], name: str, value: str) -> None:
    assert facts_of(Readings(**{**WELL, **changes}))[name] == value


def test_what_is_unknown_is_left_out() -> None:
    facts = facts_of(Readings(cores=2, all_cores=2))
    assert not {"memory", "fp32", "threads", "stolen", "clock", "gpu"} & set(facts)
    assert facts["load"] == "unknown" and facts["torch"] == "not installed"


@pytest.mark.slow
def test_measuring_fills_in_what_this_machine_can_say() -> None:
    import torch

    threads = torch.get_num_threads()
    found = measure(Progress())
    assert torch.get_num_threads() == threads
    assert found.fp32 is not None and found.fp32 > 1e8
    assert set(found.threads) >= {1, found.cores} and all(seconds > 0 for seconds in found.threads.values())
    assert found.spread is not None and found.spread >= 1
    assert found.fault_cost is not None and found.fault_cost >= 0
    assert found.disk is not None and found.disk > 0


def test_json_is_facts_and_advice_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("elman.studies.doctor.measure", lambda progress: Readings(**{**WELL, "spread": 3.0}))
    found = diagnose()
    assert set(found) == {"facts", "advice"}
    assert all(isinstance(value, str) for value in found["facts"].values())
    assert found["advice"] and all(isinstance(line, str) and "\n" not in line for line in found["advice"])


@pytest.mark.slow
def test_an_allocator_that_keeps_memory_does_not_fault() -> None:
    """In a process that has been told to keep memory, and in one that has been told to give it back
    at once.
    """
    import subprocess
    import sys

    look = "from elman.studies.doctor import _faulted; from elman.system.machine import tune_allocator; "
    shares = []
    for first in ("print(tune_allocator())", "print(True)"):
        # Without huge pages, whose single fault brings 2 MB, each page is one fault.
        code = look + first + "; print(_faulted())"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        tuned, share = done.stdout.split()
        if tuned == "False":
            pytest.skip("this C library has no such setting")
        shares.append(float(share))
    assert shares[0] < 0.1
    assert shares[1] >= shares[0]
