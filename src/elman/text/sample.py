"""A sample of a text, spread over all of it; it does not depend on the order of the documents."""

import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from elman.text.store import Text, starts_file

_WINDOW = 1024
_KEY_BYTES = 32
_DOCUMENTS = 1 << 16
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(29)
_LARGEST_KEY = 2**64 - 2**12
_FIRST_GAP, _LAST_GAP = re.compile(rb"[ \n]"), re.compile(rb"[ \n][^ \n]*$")


def sample_windows(text: Text, size: int) -> list[list[str]]:
    """Stretches of about a kilobyte, each as lines: ``size`` bytes together, or all there are.

    Each document is cut into stretches, and a hash of some of their bytes chooses among them. Equal
    ones are taken once. A stretch begins and ends between words where there are spaces.
    """
    limit = np.uint64(min(2 * size / max(text.bytes, 1), 1.0) * _LARGEST_KEY)
    chosen: dict[int, bytes] = {}
    data = np.memmap(text.path, dtype=np.uint8, mode="r")
    for begins, ends in _windows(text):
        keys = _keys(data, begins, ends)
        for row in np.flatnonzero(keys <= limit).tolist():
            begin, end = int(begins[row]), int(ends[row])
            chosen.setdefault(int(keys[row]), _between_words(data, begin, end))
    windows, taken = [], 0
    for key in sorted(chosen):
        lines = chosen[key].decode(errors="ignore").split("\n")
        windows.append([line for line in lines if line])
        taken += len(chosen[key])
        if taken >= size:
            break
    return windows


def _windows(text: Text) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Begins and ends of the stretches of some documents at a time."""
    starts = np.memmap(starts_file(text.path), dtype="<i8", mode="r")
    for first in range(0, len(starts), _DOCUMENTS):
        bounds = np.append(starts[first : first + _DOCUMENTS + 1], text.bytes)[: _DOCUMENTS + 1].astype(np.int64)
        counts = -(-np.diff(bounds) // _WINDOW)
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        begins = np.repeat(bounds[:-1], counts) + within * _WINDOW
        yield begins, np.minimum(begins + _WINDOW, np.repeat(bounds[1:], counts))


def _keys(data: NDArray[np.uint8], begins: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.uint64]:
    keys = (ends - begins).astype(np.uint64)
    for place in range(_KEY_BYTES):
        # From all over the stretch: many begin alike.
        at = begins + (ends - begins - 1) * place // (_KEY_BYTES - 1)
        keys = (keys ^ (keys >> _SHIFT)) * _FACTOR + data[at].astype(np.uint64)
    return (keys ^ (keys >> _SHIFT)) * _FACTOR


def _between_words(data: NDArray[np.uint8], begin: int, end: int) -> bytes:
    window = data[begin:end].tobytes()
    if begin and data[begin - 1] not in b"\n ":
        gap = _FIRST_GAP.search(window)
        window = window[gap.end() :] if gap else window
    if end < len(data) and not window.endswith(b"\n"):
        gap = _LAST_GAP.search(window)
        window = window[: gap.start()] if gap else window
    return window
