"""The outputs of an encoder for many texts, computed by torch."""

from collections.abc import Generator, Sequence
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from elman.data.padding import by_length, pad
from elman.models.encoder import Encoder
from elman.training.processes import ALONE, Processes

_ROWS = 256

T = TypeVar("T")


def network_logits(
    network: Encoder, rows: Sequence[NDArray[Any]], processes: Processes = ALONE
) -> Generator[float, None, NDArray[np.float32]]:
    """The logits ``[N, K]`` of texts, by processes that make the same call; yields the share that
    is done."""
    device = next(network.parameters()).device

    def logits_of(some: NDArray[np.int64]) -> NDArray[np.float32]:
        ids, lengths = (torch.from_numpy(part).to(device) for part in pad([rows[row] for row in some.tolist()], fill=0))
        return network.logits(ids, lengths).float().cpu().numpy()

    batches = by_length(np.array([len(row) for row in rows], np.int64), _ROWS)
    found = yield from processes.each(logits_of, batches)
    logits = np.zeros((len(rows), network.outputs), np.float32)
    for some, part in zip(batches, found, strict=True):
        logits[some] = part
    return logits


def result_of(work: Generator[float, None, T]) -> T:
    """What a generator returns."""
    while True:
        try:
            next(work)
        except StopIteration as done:
            return done.value
