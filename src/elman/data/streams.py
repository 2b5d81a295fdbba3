"""Contiguous streams for truncated backpropagation through time.

The ids of a store are one long ring. Each epoch cuts it into B rows, at an offset that changes from
epoch to epoch, and reads all rows together: chunk after chunk, with the state carried over. The
input at a position is the token before it; at document starts it is `<s>`, and ``reset`` is set.
"""

import dataclasses
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from elman.data.cursor import Cursor
from elman.data.part import Part
from elman.errors import TextError
from elman.progress import counted
from elman.text.tokenizer import EOS_ID


@dataclasses.dataclass(frozen=True)
class Chunk:
    """T tokens of each of B rows."""

    inputs: NDArray[np.int64]
    """``[B, T]``: the token before each target, V (`<s>`) where a document starts."""
    targets: NDArray[np.int64]
    """``[B, T]``."""
    reset: NDArray[np.bool_]
    """``[B, T]``: the state is reset here."""

    @property
    def rows(self) -> int:
        """B."""
        return len(self.inputs)

    def part(self, part: Part) -> "Chunk":
        """Some of the rows."""
        return Chunk(self.inputs[part.slice], self.targets[part.slice], self.reset[part.slice])


class Streams:
    """Rows of a token store.

    Args:
        ids: all tokens, ``[N]``, any unsigned or signed integer type.
        documents: offsets at which documents start, increasing, the first 0 (a last one N is
            allowed).
        vocab_size: V; the input id of `<s>`.
        batch: B.
        seed: of the moving cuts and the random line resets.
        move: whether the cuts move from epoch to epoch (training) or stay (validation).
        line_resets: at one random position in each chunk, reset every row that begins a line there,
            so that the model also learns isolated lines.

    Raises:
        TextError: fewer than two tokens for each row.

    >>> ids, documents = np.arange(2, 12), np.array([0])
    >>> streams = Streams(ids, documents, vocab_size=12, batch=2, seed=0, move=False)
    >>> chunk, cursor = streams.chunk(Cursor(), 3)
    >>> chunk.inputs.tolist(), chunk.targets.tolist(), cursor
    ([[12, 2, 3], [6, 7, 8]], [[2, 3, 4], [7, 8, 9]], Cursor(epoch=0, offset=3))
    """

    def __init__(
        self,
        ids: NDArray[np.integer],
        documents: NDArray[np.integer],
        *,
        vocab_size: int,
        batch: int,
        seed: int,
        move: bool = True,
        line_resets: bool = False,
    ) -> None:
        if len(ids) < 2 * batch:
            raise TextError(
                f"{counted(len(ids), 'token')}: too few for a batch of {counted(batch, 'row')}; give more text "
                "or a smaller batch"
            )
        self._ids = ids
        self._documents = np.asarray(documents)
        self._bos = vocab_size
        self.batch = batch
        """B."""
        self._seed = seed
        self._move = move
        self._line_resets = line_resets
        self.row_length = len(ids) // batch
        """Tokens of one row, so of each row in one epoch."""

    def chunks_per_epoch(self, length: int) -> int:
        """How many chunks of ``length`` one epoch has; the last may be shorter."""
        return -(-self.row_length // length)

    def chunk(self, cursor: Cursor, length: int) -> tuple[Chunk, Cursor]:
        """The next ``length`` tokens of every row (fewer at the epoch's end) and the cursor after
        them.
        """
        total = len(self._ids)
        length = min(length, self.row_length - cursor.offset)
        shift = 0
        if self._move and cursor.epoch:
            shift = int(np.random.default_rng([self._seed, cursor.epoch]).integers(total))
        starts = (shift + np.arange(self.batch) * self.row_length + cursor.offset) % total
        # One more token on the left: the input of the first target.
        positions = (starts[:, None] + np.arange(-1, length)[None, :]) % total
        tokens = self._ids[positions].astype(np.int64)
        inputs, targets = tokens[:, :-1].copy(), tokens[:, 1:].copy()
        reset = self._document_starts(positions[:, 1:])
        if self._line_resets:
            rng = np.random.default_rng([self._seed, cursor.epoch, cursor.offset])
            column = int(rng.integers(length))
            reset[:, column] |= inputs[:, column] == EOS_ID
        inputs[reset] = self._bos
        if cursor.offset == 0:
            reset[:, 0] = True
        offset = cursor.offset + length
        ended = offset >= self.row_length
        return Chunk(inputs, targets, reset), Cursor(cursor.epoch + 1, 0) if ended else Cursor(cursor.epoch, offset)

    def epoch(self, length: int) -> Iterator[Chunk]:
        """All chunks of the first epoch, in order."""
        cursor = Cursor()
        while cursor.epoch == 0:
            chunk, cursor = self.chunk(cursor, length)
            yield chunk

    def _document_starts(self, positions: NDArray[np.int64]) -> NDArray[np.bool_]:
        next_starts = np.searchsorted(self._documents, positions)
        return self._documents[np.minimum(next_starts, len(self._documents) - 1)] == positions
