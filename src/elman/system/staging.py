"""Cache folders that appear whole or not at all: written under a hidden name, synced, renamed.

A published folder is named by its content, so the first one to arrive is as good as any other.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from elman.errors import StorageError
from elman.system.files import storage_errors, sync_folder

_PREFIX = ".new-"
_STALE_SECONDS = 24 * 3600


@contextmanager
def staging_folder(root: Path) -> Iterator[Path]:
    """A fresh hidden folder in ``root``, gone at the end of the block unless it was published.

    >>> with tempfile.TemporaryDirectory() as home, staging_folder(Path(home)) as folder:
    ...     _ = (folder / "a.txt").write_text("whole")
    ...     publish(folder, Path(home) / "kept")
    ...     os.listdir(home)
    ['kept']

    Raises:
        StorageError: the disk is full, or ``root`` cannot be written to.
    """
    if root.exists() and not root.is_dir():
        raise StorageError(f"cannot write {root}: it is a file, not a folder; choose another folder")
    with storage_errors(root):
        root.mkdir(parents=True, exist_ok=True)
        _remove_stale(root)
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=root))
        try:
            os.chmod(folder, 0o755)
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def publish(folder: Path, target: Path) -> None:
    """Give a staging folder its lasting name; if the name is taken, the folder that has it
    stays."""
    for path in sorted(folder.iterdir()):
        # Windows syncs only what is open for writing.
        with open(path, "rb+") as file:
            os.fsync(file.fileno())
    sync_folder(folder)
    try:
        os.rename(folder, target)
    except OSError:
        if not target.is_dir():
            raise
    sync_folder(target.parent)


def _remove_stale(root: Path) -> None:
    """Remove what killed processes left, once it is too old to belong to a living one."""
    for path in root.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > _STALE_SECONDS:
                shutil.rmtree(path, ignore_errors=True)
