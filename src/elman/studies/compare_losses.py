"""Losses of a model on a text by line, by position in the document, and by token frequency.

One pass; only a few numbers per line are kept, never one per token and type.
"""

from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.data.oov import unknown_tokens
from elman.data.spelling_costs import signs_of_tokens, spelling_nats
from elman.decode.scoring import token_log_probs, token_stream
from elman.models.protocol import LanguageModel
from elman.progress import Progress
from elman.text.speller import Speller
from elman.text.store import Text
from elman.text.tokenizer import EOS_ID, UNK_ID

CONTEXT = "document"
_POSITION_EDGES = np.array([1, 4, 16, 64, 256, 1024, 4096])
POSITIONS = ("first", "1–3", "4–15", "16–63", "64–255", "256–1023", "1024–4095", "4096–")
"""Tokens since the document began."""
_COUNT_EDGES = np.array([4, 16, 64, 256, 1024, 4096, 16384])
FREQUENCIES = (
    "unknown", "0–3", "4–15", "16–63", "64–255", "256–1023", "1024–4095", "4096–16383", "16384–", "line end",
)  # fmt: skip
"""Occurrences of the token in the training text."""


class Losses(NamedTuple):
    """Losses on a text in nats; all include the spelling of unknown words, except ``predicted``."""

    lines: NDArray[np.float64]
    """Nats of each line with its end ``[lines]``."""
    predicted: NDArray[np.float64]
    """The same without spelling, for perplexity ``[lines]``."""
    tokens: NDArray[np.int64]
    """Tokens of each line ``[lines]``."""
    by_position: NDArray[np.float64]
    """Nats and tokens of each of POSITIONS ``[8, 2]``."""
    by_frequency: NDArray[np.float64]
    """Nats and tokens of each of FREQUENCIES ``[10, 2]``."""


def measure(
    model: LanguageModel, speller: Speller, text: Text, counts: NDArray[np.int64], *, progress: Progress, name: str = ""
) -> Losses:
    """Score a text once, each document from its start.

    Args:
        counts: occurrences of each type in the training text ``[V]``.
    """
    waiting: deque[tuple[Any, NDArray[np.float64], int]] = deque()
    position = 0
    pairs = zip(token_stream(model.tokenizer, text, context=CONTEXT), text, strict=True)

    def stream() -> Any:
        nonlocal position
        for (ids, starts), (line, _) in pairs:
            position = 0 if starts else position
            waiting.append((ids, _spelling(model, speller, line, ids), position))
            position += len(ids)
            yield ids, starts

    total = _Sums(counts)
    left = np.empty(0, np.float64)
    with progress.stage(f"evaluating {name}".rstrip(), total=text.lines, unit="lines") as advance:
        for part in token_log_probs(model, stream()):
            left = np.concatenate([left, -part.astype(np.float64)])
            left = _take(waiting, left, total, advance)
    assert not waiting and not len(left)
    return Losses(
        np.array(total.lines), np.array(total.predicted), np.array(total.tokens), total.by_position, total.by_frequency
    )


class _Sums:
    def __init__(self, counts: NDArray[np.int64]) -> None:
        self._bucket = 1 + np.searchsorted(_COUNT_EDGES, counts, side="right")
        self._bucket[UNK_ID], self._bucket[EOS_ID] = 0, len(FREQUENCIES) - 1
        self.lines: list[float] = []
        self.predicted: list[float] = []
        self.tokens: list[int] = []
        self.by_position = np.zeros((len(POSITIONS), 2))
        self.by_frequency = np.zeros((len(FREQUENCIES), 2))

    def add(self, ids: Any, nats: NDArray[np.float64], spelling: NDArray[np.float64], position: int) -> None:
        whole = nats + spelling
        self.lines.append(float(whole.sum()))
        self.predicted.append(float(nats.sum()))
        self.tokens.append(len(ids))
        buckets = np.searchsorted(_POSITION_EDGES, np.arange(position, position + len(ids)), side="right")
        for table, bucket in ((self.by_position, buckets), (self.by_frequency, self._bucket[ids])):
            table[:, 0] += np.bincount(bucket, weights=whole, minlength=len(table))
            table[:, 1] += np.bincount(bucket, minlength=len(table))


def _take(
    waiting: deque[tuple[Any, NDArray[np.float64], int]],
    nats: NDArray[np.float64],
    total: _Sums,
    advance: Callable[[int], None],
) -> NDArray[np.float64]:
    """Assign scores to completely scored lines; returns the remaining scores."""
    offset = 0
    while waiting and offset + len(waiting[0][0]) <= len(nats):
        ids, spelling, position = waiting.popleft()
        total.add(ids, nats[offset : offset + len(ids)], spelling, position)
        offset += len(ids)
        advance(1)
    return nats[offset:]


def _spelling(model: LanguageModel, speller: Speller, line: str, ids: Any) -> NDArray[np.float64]:
    tokenizer = model.tokenizer
    unknown = unknown_tokens(tokenizer, line, tokenizer.encode(line)) if (ids == UNK_ID).any() else []
    return spelling_nats(tokenizer, speller, ids, unknown, signs_of_tokens(tokenizer, line))
