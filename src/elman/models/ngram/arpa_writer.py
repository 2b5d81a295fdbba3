"""Writing an ARPA file: the same tables always give the same bytes, which read back as the same
tables.
"""

import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.models.ngram import arpa_kernels as kernels
from elman.models.ngram.arpa_lexicon import BOS
from elman.models.ngram.backoff import LARGEST_LOG10, BackoffTables
from elman.progress import Progress
from elman.system.files import write_atomic

_ROWS = 1 << 16
_LOG10_OF_BOS = np.float32(-99)
"""`<s>` is never predicted; most tools write it so."""


def write_arpa(
    path: Path, tables: BackoffTables, words: Sequence[str], *, preamble: str = "", progress: Progress | None = None
) -> None:
    """Write tables into a file, gzip if its name ends in ``.gz``; an old file is replaced at the
    end.

    Every number is the shortest that reads back as the same float32; a backoff of 0 is left out.

    Args:
        words: the types by token id, without blanks in them: `<unk>`, `</s>` and the others.
        preamble: what stands before ``\\data\\``; KenLM allows lines that begin with ``#``.

    Raises:
        StorageError: the disk is full or the folder not writable.
    """
    assert len(words) == tables.vocab_size, "words of another model"
    total = sum(map(len, tables.log10_probs)) + 1
    with (progress or Progress()).stage(f"writing {path.name}", total=total, unit="n-grams") as advance:
        blocks = chain([preamble.encode()], _blocks(tables, [*words, BOS], advance))
        write_atomic(path, _gzip(blocks) if path.suffix == ".gz" else blocks)


def _gzip(parts: Iterable[bytes | memoryview]) -> Iterator[bytes]:
    # zlib's own header has no name and no time, so the same model gives the same bytes.
    packer = zlib.compressobj(6, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    for part in parts:
        yield packer.compress(part)
    yield packer.flush()


def _blocks(tables: BackoffTables, words: list[str], advance: Callable[[int], None]) -> Iterator[bytes | memoryview]:
    """The file, piece by piece."""
    size = tables.vocab_size
    counts = [size + 1, *map(len, tables.log10_probs[1:])]
    header = "".join(f"ngram {order}={count}\n" for order, count in enumerate(counts, start=1))
    yield f"\\data\\\n{header}".encode()
    spelled = [word.encode() for word in words]
    pool = np.frombuffer(b"".join(spelled), dtype=np.uint8)
    offsets = np.concatenate([[0], np.cumsum([len(word) for word in spelled])])
    for order, count in enumerate(counts, start=1):
        yield f"\n\\{order}-grams:\n".encode()
        # `<s>` comes after `<unk>` and `</s>`, where people look for it.
        rows_in_order = np.insert(np.arange(size), min(size, 2), size) if order == 1 else None
        probs = tables.log10_probs[order - 1]
        backoffs = tables.log10_backoffs[order - 1] if order < tables.order else None
        for start in range(0, count, _ROWS):
            rows = (
                np.arange(start, min(start + _ROWS, count))
                if rows_in_order is None
                else rows_in_order[start : start + _ROWS]
            )
            logs = np.zeros((len(rows), 2), dtype=np.float32)
            logs[:, 0] = _LOG10_OF_BOS
            known = rows < len(probs)
            logs[known, 0] = probs[rows[known]]
            if backoffs is not None:
                logs[:, 1] = backoffs[rows]
            yield _lines(tables.tokens(order, rows), logs, 1 + (backoffs is not None), pool, offsets)
            advance(len(rows))
    yield b"\n\\end\\\n"


def _lines(
    tokens: NDArray[np.int64], logs: NDArray[np.float32], columns: int, pool: NDArray[np.uint8], offsets: NDArray[Any]
) -> memoryview:
    assert np.isfinite(logs).all() and np.abs(logs).max() <= LARGEST_LOG10, "no logarithms of a model"
    odd = np.flatnonzero((logs != 0) & (np.abs(logs) < kernels.SMALLEST))
    texts = [_spelled(number) for number in logs.reshape(-1)[odd]]
    odd_pool = np.frombuffer(b"".join(texts), dtype=np.uint8)
    odd_offsets = np.concatenate([[0], np.cumsum([len(text) for text in texts], dtype=np.int64)])
    lengths = np.diff(offsets)
    capacity = int(lengths[tokens].sum()) + tokens.size + len(tokens) * columns * kernels.NUMBER_BYTES
    out = np.empty(capacity, dtype=np.uint8)
    end = kernels.write_lines(tokens, logs, columns, pool, offsets, odd, odd_pool, odd_offsets, out)
    return out[:end].data


def _spelled(number: np.float32) -> bytes:
    shortest = str(number)
    # Readers go through float64, where the shortest decimal may be off by one bit.
    return (shortest if np.float32(float(shortest)) == number else repr(float(number))).encode()
