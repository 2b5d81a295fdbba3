"""What the faults have found, each as a small test."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from elman.apps.ranking.build import IndexedDocument, build_index
from elman.data.word_text import _translate
from elman.errors import StorageError
from elman.models.vectors.pairs_on_disk import Disk
from elman.storage.folder import is_incomplete
from elman.tasks.tag import contexts


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
