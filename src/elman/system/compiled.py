"""Where the loops that numba compiles are kept between runs: beside their source or in the cache
folder; in a temporary folder, for one run, where neither can be written."""

import atexit
import os
import shutil
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from elman.system.machine import cache_folder

HOW_TO_KEEP = "set ELMAN_CACHE or NUMBA_CACHE_DIR to a folder that can be written"


def keep_compiled(package: Path) -> None:
    """Set ``NUMBA_CACHE_DIR`` where the source in ``package`` may not be written.

    Whoever may write there may let this process run what he likes, so a temporary folder is this
    process's alone. If it was needed, a note at the end says so.
    """
    given = os.environ.get("NUMBA_CACHE_DIR")
    if os.access(package, os.W_OK) or (given and is_writable(Path(given))):
        return
    kept = cache_folder() / "numba"
    if not is_writable(kept):
        try:
            kept = Path(tempfile.mkdtemp(prefix="elman-compiled-"))
        except OSError:  # numba says it when it compiles, and the command says what to do
            return
        atexit.register(_end, kept, os.getpid())
    os.environ["NUMBA_CACHE_DIR"] = str(kept)


def is_writable(folder: Path) -> bool:
    """Whether files can be made in a folder, which is made where it is missing."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _end(folder: Path, process: int) -> None:
    if os.getpid() != process:
        return
    used = any(folder.iterdir()) if folder.is_dir() else False
    shutil.rmtree(folder, ignore_errors=True)
    if used and sys.stderr is not None:
        with suppress(OSError):
            print(f"note: loops were compiled anew, some 10 seconds; to keep them, {HOW_TO_KEEP}", file=sys.stderr)
