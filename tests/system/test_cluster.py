"""What is refused before Dask starts, and the cores of trainings that share a machine."""

import sys
from pathlib import Path
from typing import Any

import pytest

from elman.errors import MissingExtra, UsageError
from elman.progress import Progress
from elman.system import cluster
from elman.system.cluster import check_workers, started, workers
from elman.system.launcher import SHARED_BY
from elman.system.machine import available_cores


@pytest.mark.parametrize(
    ("count", "address", "said"),
    [
        (2, "tcp://host:8786", "give one of them"),
        (0, None, "--workers is 0; it must be 1 to 1024"),
        (None, "host:8786", "--cluster is 'host:8786'; give the address of a Dask scheduler: tcp://HOST:8786"),
    ],
)
def test_refused(count: Any, address: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        check_workers(count, address)


def test_without_dask(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with started(None, None, folder=tmp_path, progress=Progress()):
        assert not workers().are_others
    with (
        pytest.raises(MissingExtra, match=r"pip install 'elman\[cluster\]'"),
        started(1, None, folder=tmp_path, progress=Progress()),
    ):
        pass


@pytest.mark.slow
def test_no_scheduler_answers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr(cluster, "_PATIENCE", 0.5)
    with (
        pytest.raises(
            UsageError, match="--cluster tcp://127.0.0.1:9: no Dask scheduler with workers answers"
        ) as caught,
        started(None, "tcp://127.0.0.1:9", folder=tmp_path, progress=Progress()),
    ):
        pass
    assert "\n" not in str(caught.value)


def test_trainings_of_a_comparison_share_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    cores = available_cores()
    monkeypatch.setenv(SHARED_BY, "2")
    assert available_cores() == max(1, cores // 2)
    for given in ("x", "0", "-1", "\u0663"):
        monkeypatch.setenv(SHARED_BY, given)
        with pytest.raises(UsageError, match=f"ELMAN_SHARED_BY is .*{given}.*; it must be a number of processes"):
            available_cores()
