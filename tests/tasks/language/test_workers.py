"""Preparing, counting and comparing on the processes of a Dask cluster: the same results whoever
dies, and errors in one line.
"""

import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from tests.conftest import tiny_text
from tests.in_process import train_here

import elman
from elman.data import document_words
from elman.data.store import build_store
from elman.data.vocabulary import Vocabulary
from elman.data.word_text import WordText
from elman.errors import TrainingError
from elman.models.ngram import counts_on_disk
from elman.models.vectors import counting
from elman.models.vectors.config import VectorsConfig
from elman.models.vectors.pairs_on_disk import Disk
from elman.progress import Progress
from elman.studies import compare_language
from elman.studies.compare_language import language_jobs
from elman.system.cluster import _failed, local_cluster, started, workers
from elman.text import store
from elman.text.store import Text, TextWriter
from elman.text.tokenizer import Tokenizer, TokenizerConfig

pytest.importorskip("distributed")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """As one that others started: whoever knows its address may use it."""
    with patch("distributed.Security.temporary", return_value=None), local_cluster(2) as found:
        yield found


@pytest.fixture(autouse=True)
def short_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "STRETCH", 3000)
    monkeypatch.setattr(counts_on_disk, "_STRETCH", 700)


def processes(cluster: Any) -> dict[str, int]:
    from distributed import Client

    with Client(cluster.scheduler_address) as client:
        return client.run(os.getpid)


class Killing(Progress):
    """Kills a process of a cluster once the first of the counts are there."""

    def __init__(self, cluster: Any) -> None:
        self._cluster, self.killed = cluster, list[str]()

    @contextmanager
    def stage(self, name: str, *, total: int | None = None, unit: str = "") -> Iterator[Callable[[int], None]]:
        def advance(amount: int) -> None:
            if name == "counting n-grams" and not self.killed:
                self.killed.append(name)
                os.kill(next(iter(processes(self._cluster).values())), signal.SIGKILL)

        yield advance


def files_of(folder: Path) -> dict[str, bytes]:
    """All but pictures, which tests do not draw, and the card, which has times."""
    files = [path for path in folder.iterdir() if path.is_file() and path.suffix != ".png"]
    return {path.name: path.read_bytes() for path in files if path.name != "model_card.json"}


def test_the_model_is_the_same_whoever_dies(cluster: Any, text_file: Path, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"model": "ngram", "order": 3, "level": "word"}
    elman.train(text_file, out=tmp_path / "alone", **settings)
    killing, before = Killing(cluster), processes(cluster)
    shared = {"cluster": cluster.scheduler_address, "scratch": str(tmp_path / "scratch")}
    elman.train(text_file, out=tmp_path / "shared", **settings, **shared, progress=killing)
    assert killing.killed
    assert set(processes(cluster).values()) != set(before.values())
    assert files_of(tmp_path / "shared") == files_of(tmp_path / "alone")
    assert list((tmp_path / "scratch" / "counts").iterdir()) == []


def test_what_fails_is_named(cluster: Any, tmp_path: Path) -> None:
    with TextWriter(tmp_path, "text") as writer:
        for line in tiny_text(200, 2).splitlines():
            writer.write(line, starts=False)
    text: Text = writer.text()
    data = bytearray(text.path.read_bytes())
    data[4000] = 0xFF
    text.path.write_bytes(data)
    tokenizer = Tokenizer.fit(["the cat"], config=TokenizerConfig(rules=2, min_count=1))
    with (
        started(None, cluster.scheduler_address, folder=tmp_path, progress=Progress()),
        pytest.raises(
            TrainingError, match=r"the stretch of text.txt at bytes 3,0\d\d to 6,0\d\d failed 3 times; the last"
        ),
    ):
        build_store(text, tokenizer, folder=tmp_path / "tokens", workers=workers())


def test_what_kills_is_named(cluster: Any) -> None:
    from distributed import KilledWorker

    error = _failed("counting tokens 0 to 9", KilledWorker("task", next(iter(cluster.scheduler.workers.values())), 2))
    assert str(error) == "counting tokens 0 to 9: 3 processes died over it, maybe for want of memory"


def test_pairs_of_words_are_the_same(cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "_STRETCH", counting._BLOCK)
    ids = np.minimum(np.random.default_rng(3).zipf(1.3, 120_000) - 1, 999).astype(np.int32)
    ids[::17] = -1
    text = WordText(ids, Vocabulary([*map(str, range(1000))], np.bincount(ids[ids >= 0], minlength=1000)), 0, 0, "")
    config = VectorsConfig.of("ppmi", {"window": 5, "subsample": 1e-2})
    found = []
    for name, address in (("alone", None), ("shared", cluster.scheduler_address)):
        disk = Disk(tmp_path / name, 1 << 26)
        disk.folder.mkdir()
        with started(None, address, folder=disk.folder, progress=Progress()):
            found.append(counting.count_pairs(text, config, disk=disk, progress=Progress()))
    assert len(found[0].columns) > 10_000
    assert [each.tobytes() for each in found[0]] == [each.tobytes() for each in found[1]]


def test_words_of_documents_are_the_same(
    cluster: Any, text_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(document_words, "_STRETCH", 2000)
    settings: dict[str, Any] = {"task": "vectors", "model": "tfidf", "min_count": 2, "vocab_size": 50}
    elman.train(text_file, out=tmp_path / "alone", **settings)
    shared = {"cluster": cluster.scheduler_address, "scratch": str(tmp_path / "scratch")}
    elman.train(text_file, out=tmp_path / "shared", **settings, **shared)
    assert files_of(tmp_path / "shared") == files_of(tmp_path / "alone")
    assert list((tmp_path / "scratch" / "counts").iterdir()) == []


def test_a_comparison_is_the_same(
    cluster: Any, text_file: Path, tmp_path: Path, cli: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compare_language, "language_jobs", lambda *given, **more: language_jobs(*given, **more)[1:3])
    words = ["compare", text_file, "--models", "ngram", "--level", "word", "--json"]
    shared = cli(*words, "--out", tmp_path / "shared", "--cluster", cluster.scheduler_address)
    monkeypatch.setattr("elman.studies.compare_training._run", train_here)
    alone = cli(*words, "--out", tmp_path / "alone")
    assert shared.code == alone.code == 0, shared.err + alone.err
    found, wanted = json.loads(shared.out), json.loads(alone.out)
    assert "trainings shared a machine" in found["warnings"].pop()
    assert [without_times(row) for row in found["orders"]] == [without_times(row) for row in wanted["orders"]]
    assert [row["bits_per_byte"] for row in found["models"]] == [row["bits_per_byte"] for row in wanted["models"]]
    for name in ("data", "columns", "differences", "warnings"):
        assert found[name] == wanted[name]
    for order in (2, 3):
        model = Path("models") / f"ngram-{order}"
        assert files_of(tmp_path / "shared" / model) == files_of(tmp_path / "alone" / model)


def without_times(row: dict[str, Any]) -> dict[str, Any]:
    """The size of a folder is among what is left out, for its card has times."""
    return {name: value for name, value in row.items() if name not in ("milliseconds", "bytes")}
