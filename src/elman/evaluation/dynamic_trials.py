"""Settings of dynamic evaluation, tried on a text one after another."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from elman.decode.rows import CHUNK
from elman.models.protocol import LanguageModel
from elman.notation import TokenIds
from elman.progress import Progress


class DynamicTrials:
    """Dynamic evaluation of a text, tried with one setting after another."""

    def __init__(self, stretches: Sequence[TokenIds], progress: Progress) -> None:
        """``stretches`` are tokens between fresh starts."""
        self._stretches = stretches
        self._progress = progress
        self._best: list[float] = []

    def cost(self, model: LanguageModel, name: str) -> float:
        """Nats of the piece; inf as soon as another setting is known to be better."""
        total, costs = 0.0, []
        tokens = sum(map(len, self._stretches))
        with self._progress.stage(f"trying dynamic evaluation, {name}", total=tokens, unit="tokens") as advance:
            for scores in scores_of(model, self._stretches):
                total -= float(scores.sum(dtype=np.float64))
                costs.append(total)
                advance(len(scores))
                place = len(costs) - 1
                hopeless = self._best and place >= 3 and total > 1.01 * self._best[place]
                if hopeless or not math.isfinite(total):
                    return math.inf
        if not self._best or total < self._best[-1]:
            self._best = costs
        return total


def scores_of(model: LanguageModel, stretches: Sequence[TokenIds]) -> Iterator[NDArray[np.float32]]:
    """Natural log-probabilities of the tokens of each stretch in turn, a chunk at a time."""
    for ids in stretches:
        state = model.start()
        for start in range(0, len(ids), CHUNK):
            part = ids[None, start : start + CHUNK]
            scores, state = model.score(part, np.array([part.shape[1]]), state)
            yield scores[0]
