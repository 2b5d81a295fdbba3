"""The outputs of an encoder for many texts, computed by torch."""

from collections.abc import Generator, Sequence
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from elman.data.padding import pad
from elman.models.encoder import Encoder

_ROWS = 256

T = TypeVar("T")


def network_logits(network: Encoder, rows: Sequence[NDArray[Any]]) -> Generator[float, None, NDArray[np.float32]]:
    """The logits ``[N, K]`` of texts; yields the share that is done."""
    order = np.argsort([len(row) for row in rows], kind="stable")
    logits = np.zeros((len(rows), network.outputs), np.float32)
    device = next(network.parameters()).device
    for start in range(0, len(rows), _ROWS):
        some = order[start : start + _ROWS]
        ids, lengths = (torch.from_numpy(part).to(device) for part in pad([rows[row] for row in some.tolist()], fill=0))
        logits[some] = network.logits(ids, lengths).float().cpu().numpy()
        yield min(1.0, (start + _ROWS) / len(rows))
    return logits


def result_of(work: Generator[float, None, T]) -> T:
    """What a generator returns."""
    while True:
        try:
            next(work)
        except StopIteration as done:
            return done.value
