"""One training at a time in one folder."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from elman.errors import TrainingError


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep every other training out of ``folder``, which is made where it is missing.

    The system drops the lock when its holder ends, however it ends, so that none is ever stale.
    Where folders cannot be locked (Windows, some network disks), nobody is kept out.

    Raises:
        TrainingError: another training is at work there.
    """
    try:
        import fcntl

        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY)
    except (ImportError, OSError):  # what is wrong with the path is said by whoever writes there
        yield
        return
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise TrainingError(
                f"another training is at work in {folder}; wait until it ends, or choose another --out"
            ) from None
        except OSError:
            pass
        try:
            yield
        finally:
            with suppress(OSError):
                folder.rmdir()  # succeeds only where nothing came of it
    finally:
        os.close(handle)
