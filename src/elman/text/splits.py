"""Splits of a text: held-out documents, or ends of documents, for validation and test.

Lines are never shuffled, and the same text is always split the same way.
"""

import hashlib
import math
import re
from collections.abc import Callable, Iterator
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from elman.text.store import Text

FEWEST_DOCUMENTS = 20
"""With at least this many documents, whole documents are held out."""

_BLOCK = 1 << 18
_BUCKET_BITS = 20
_LEAST_BYTES = 16
"""No lines are cut to hold out less than this."""
_LINE_END = re.compile(rb"\n")
_SPACES = re.compile(rb" +(?=[^ ])")
_CHARACTER = re.compile(rb"(?=[^\x80-\xbf])")


def pieces(text: Text, *, share: float, parts: int) -> Iterator[tuple[int, int]]:
    """The text cut from its start to its end: bytes of each piece, and the part it goes to.

    Part 0 is for training, 1 for validation and, if ``parts`` is 2, 2 for test. Every piece is a
    document of its part. With at least ``FEWEST_DOCUMENTS`` documents, whole documents are taken in
    the order of their content's hash, so that equal ones stay together, until each part has about
    ``share`` of the bytes. With fewer or very uneven documents, the last ``parts * share`` of the
    lines of each document are held out; or, where lines are so long that this would be far from
    ``share`` of the text, of its bytes. A piece then ends at a space or between two characters.
    """
    sizes = text.document_sizes()
    if len(sizes) >= FEWEST_DOCUMENTS:
        chosen = _parts_of_documents(text, sizes, share=share, parts=parts)
        if chosen is not None:
            return zip(sizes.tolist(), chosen.tolist(), strict=True)
    return _ends_of_documents(text, sizes, share=share, parts=parts)


def _parts_of_documents(text: Text, sizes: NDArray[np.int64], *, share: float, parts: int) -> NDArray[np.int8] | None:
    # Buckets of hashes instead of sorted hashes take four bytes per document.
    buckets = np.empty(len(sizes), dtype=np.uint32)
    with open(text.path, "rb") as file:
        for row, size in enumerate(sizes.tolist()):
            buckets[row] = _bucket(file, size)
    mass = np.bincount(buckets, weights=sizes, minlength=1 << _BUCKET_BITS)
    target = share * text.bytes
    part_of_bucket = np.zeros(len(mass), dtype=np.int8)
    part, held = 1, 0.0
    for bucket in np.flatnonzero(mass).tolist():
        size = mass[bucket]
        if size > 2 * target:
            continue
        if held >= target / 2 and held + size / 2 > target:
            part, held = part + 1, 0.0
            if part > parts:
                break
        part_of_bucket[bucket] = part
        held += size
    enough = part > parts or (part == parts and held >= target / 2)
    return part_of_bucket[buckets] if enough else None


def _bucket(file: BinaryIO, size: int) -> int:
    digest = hashlib.sha256()
    while size:
        block = file.read(min(size, _BLOCK))
        digest.update(block)
        size -= len(block)
    return int.from_bytes(digest.digest()[:4]) >> (32 - _BUCKET_BITS)


def _ends_of_documents(text: Text, sizes: NDArray[np.int64], *, share: float, parts: int) -> Iterator[tuple[int, int]]:
    target = share * text.bytes
    cut = list(_cut_documents(text, sizes, _ends_by_lines, share=share, parts=parts))
    held = [sum(size for size, part in cut if part == wanted) for wanted in range(1, parts + 1)]
    if target >= _LEAST_BYTES and not all(target / 2 <= size <= 2 * target for size in held):
        cut = list(_cut_documents(text, sizes, _ends_by_bytes, share=share, parts=parts))
    return iter(cut)


def _cut_documents(
    text: Text, sizes: NDArray[np.int64], ends: Callable[..., list[int]], *, share: float, parts: int
) -> Iterator[tuple[int, int]]:
    with open(text.path, "rb") as file:
        for start, size in zip((np.cumsum(sizes) - sizes).tolist(), sizes.tolist(), strict=True):
            cuts = [0, *ends(file, start, size, share=share, parts=parts), size]
            for part in range(3):
                if cuts[part + 1] > cuts[part]:
                    yield cuts[part + 1] - cuts[part], part


def _ends_by_lines(file: BinaryIO, start: int, size: int, *, share: float, parts: int) -> list[int]:
    lines = sum(len(ends) for _, ends in _line_ends(file, start, size))
    held = math.floor(parts * share * lines + 0.5)
    last = held // 2 if parts == 2 else 0
    return _offsets(file, start, size, [lines - held, lines - last])


def _ends_by_bytes(file: BinaryIO, start: int, size: int, *, share: float, parts: int) -> list[int]:
    if share * size < _LEAST_BYTES:
        return [size, size]
    wanted = [size - round(count * share * size) for count in range(parts, 0, -1)]
    # Where it may lie, a cut between lines is better than one within a line.
    reach = min(int(share * size / 4), _BLOCK)
    cuts = []
    for offset in wanted:
        file.seek(start + offset)
        after = file.read(min(reach, size - offset))
        match = _LINE_END.search(after) or _SPACES.search(after) or _CHARACTER.search(after)
        cuts.append(offset + (match.end() if match else 0))
    return cuts if parts == 2 else [*cuts, size]


def _offsets(file: BinaryIO, start: int, size: int, wanted: list[int]) -> list[int]:
    """Byte offsets, counted from ``start``, after each of the ``wanted`` numbers of lines."""
    offsets = [0] * len(wanted)
    seen = 0
    for base, ends in _line_ends(file, start, size):
        for row, count in enumerate(wanted):
            if seen < count <= seen + len(ends):
                offsets[row] = base + int(ends[count - seen - 1]) + 1
        seen += len(ends)
    return offsets


def _line_ends(file: BinaryIO, start: int, size: int) -> Iterator[tuple[int, NDArray[np.int64]]]:
    file.seek(start)
    base = 0
    while base < size:
        block = file.read(min(size - base, _BLOCK))
        yield base, np.flatnonzero(np.frombuffer(block, dtype=np.uint8) == ord("\n"))
        base += len(block)
