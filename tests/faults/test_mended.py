"""What the faults have found, each as a small test."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest
from tests.apps.nbest import test_lattices as lattices

from elman.apps.nbest.formats import read_nbest
from elman.apps.ranking.build import IndexedDocument, build_index
from elman.apps.ranking.trec import read_qrels, read_run
from elman.data.tagged import read_tagged
from elman.data.word_text import _translate
from elman.errors import StorageError, TextError, UsageError
from elman.models.vectors.config import VectorsConfig
from elman.models.vectors.pairs_on_disk import Disk
from elman.storage.folder import is_incomplete
from elman.tasks.tag import contexts
from elman.text.word_splitter import WordSplitter
from elman.text.word_types import Spelling


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_the_last_words_of_a_text_are_not_lost_on_a_full_disk(tmp_path: Path) -> None:
    source = tmp_path / "words.part"
    source.write_bytes(np.arange(3, dtype="<i4").tobytes())
    # NumPy's tofile keeps the last 4 KB back, and does not look at what became of them.
    with pytest.raises(StorageError, match="the disk is full"):
        _translate(source, Path("/dev/full"), np.arange(3, dtype=np.int32), 3)


def test_files_that_are_mapped_have_their_space_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page without space would end the process by SIGBUS."""

    def full(handle: int, offset: int, size: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    monkeypatch.setattr(contexts, "_IN_MEMORY", 0)
    for use in (
        lambda: Disk(tmp_path, 1 << 25).space("plain", 10),
        lambda: contexts._room(10, 2),
        lambda: build_index([IndexedDocument("a", "one wing")], tmp_path),
    ):
        with pytest.raises(StorageError, match="the disk is full"):
            use()


def test_counting_that_was_killed_is_begun_again(tmp_path: Path) -> None:
    training = tmp_path / "training"
    training.mkdir()
    for name in ("plan.json", "words.bin", "words.joined", "pairs-0", "pairs.counts", "shuffled-3"):
        (training / name).touch()
    assert is_incomplete(tmp_path)
    (training / "diary.txt").touch()
    assert not is_incomplete(tmp_path)


@pytest.mark.slow
def test_a_line_without_a_space_is_split_in_linear_time() -> None:
    # A tuple that grows by each type took minutes for these.
    assert len(WordSplitter(Spelling(), {}, unknown=0).ids('{"a":' * 60_000)) > 4 * 60_000


LONG = "9" * 5000


@pytest.mark.parametrize(
    ("format", "text"),
    [
        ("kaldi-lattice", f"u1\n0 {LONG} in 2,8,\n"),
        ("htk-lattice", lattices.SLF.replace("S=1", f"S={LONG}")),
        ("htk-lattice", lattices.SLF.replace("N=5", "N=five")),
        ("kaldi", f"u1-{LONG} in the end\n"),
        ("tsv", f"id\ttext\tx{LONG}\ta\ta\nu1\tin\t1\t2\t3\n"),
        ("tsv", f"id\ttext\tx{LONG}\nu1\tin\tone\n"),
        ("jsonl", f'{{"id": 1, "hyps": [["in", {LONG[:400]}]]}}'),
    ],
)
def test_long_numbers_of_lattices_and_lists_are_refused_in_one_line(format: str, text: str, tmp_path: Path) -> None:
    (tmp_path / "a").write_text(text)
    with pytest.raises(TextError) as refused:
        read_nbest(tmp_path / "a", format=format)
    assert len(str(refused.value)) < 400


def test_long_names_of_a_configuration_are_cut() -> None:
    for values in ({"model": LONG}, {LONG: 1}):
        with pytest.raises(UsageError) as refused:
            VectorsConfig.from_json(values)
        assert len(str(refused.value)) < 1200


def test_long_numbers_of_other_files_are_refused_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "a"
    for text, read in (
        (f"7 Q0 d2 1 x{LONG} bm25\n", read_run),
        (f"7 0 d1 1\n7 0 d2 {LONG}.5\n", read_qrels),
        (f"{LONG}\tin\t_\tX\t_\t_\t_\t_\t_\t_\n", lambda file: list(read_tagged(file, format="conllu"))),
    ):
        file.write_text(text)
        with pytest.raises(TextError) as refused:
            read(file)
        assert len(str(refused.value)) < 400
