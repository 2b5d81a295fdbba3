"""One training at a time in one folder."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from elman.errors import TrainingError


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep every other training out of ``folder``, which is created if missing.

    The system drops the lock when its holder ends, however it ends, so no lock is ever stale. Where
    folders cannot be locked (Windows, some network disks), nobody is kept out.

    Raises:
        TrainingError: another training is running there.
    """
    try:
        import fcntl

        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY)
    except (ImportError, OSError):  # whoever writes there reports what is wrong with the path
        yield
        return
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise TrainingError(
                f"another training is running in {folder}; wait until it ends, or choose another --out"
            ) from None
        except OSError:
            pass
        try:
            yield
        finally:
            with suppress(OSError):
                folder.rmdir()  # succeeds only if nothing was written
    finally:
        os.close(handle)
