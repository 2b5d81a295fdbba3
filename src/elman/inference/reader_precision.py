"""Choose which weights of a reader are stored in 8 bits by comparing answers.

The bounds are those of ``encoder_precision.py``.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.errors import ModelError
from elman.inference.answer_spans import Scores, best_span
from elman.inference.encoder_precision import AGREEMENT, FIGURE_BOUND, FLOAT_BOUND
from elman.inference.group_choice import choose_groups
from elman.inference.reader import Arrays, InferenceReader, Pair, inference_reader
from elman.inference.weights import groups_of
from elman.models.reader_config import ReaderConfig
from elman.models.word_features import WordFeatures


@dataclasses.dataclass(frozen=True)
class MeasuredReader:
    """A reader of the engine, and its agreement with the network."""

    reader: InferenceReader
    parity: dict[str, Any]
    """For the model card: precision, what stayed float32, differences."""


def measured_reader(
    arrays: Arrays,
    config: ReaderConfig,
    features: WordFeatures,
    *,
    pairs: Sequence[Pair],
    scores: Sequence[Scores],
    answers: NDArray[np.int64],
) -> MeasuredReader:
    """Build the engine's reader of a network and compare the two.

    Args:
        arrays: the network's weights by name.
        pairs: questions and passages of the validation part.
        scores: the network's own scores of them.
        answers: the first and last word of the right answers ``[N, 2]``, zeros if there is none.

    Raises:
        ModelError: the engine's float32 scores differ from the network's.
    """

    def built(groups: frozenset[str]) -> InferenceReader:
        return inference_reader(arrays, config, features, int8=groups)

    def spans(found: Sequence[Scores]) -> NDArray[np.int64]:
        chosen = [best_span(each, config.answer_words) for each in found]
        return np.array([each[:2] if each.answers or not config.unanswerable else (0, 0) for each in chosen], np.int64)

    difference, largest = _difference(built(frozenset()).scores(pairs), scores)
    bound = FLOAT_BOUND * max(largest, 1)
    if not difference <= bound:
        raise ModelError(f"the engine's scores differ from the network's by {difference:.1e}, more than {bound:.0e}")
    own = spans(scores)

    def changes(groups: frozenset[str]) -> tuple[float, float]:
        """Share of answers that differ, and points by which the share of right ones changes."""
        best = spans(built(groups).scores(pairs))
        right, before = (100 * float((each == answers).all(axis=1).mean()) for each in (best, own))
        return float((best != own).any(axis=1).mean()), right - before

    def cost(groups: frozenset[str]) -> float:
        changed, points = changes(groups)
        return max(changed / (1 - AGREEMENT), abs(points) / FIGURE_BOUND)

    every = groups_of(arrays)
    kept, _ = choose_groups(every, cost, bound=1 + 1e-9)
    share, points = changes(kept) if kept else (0.0, 0.0)
    reader = built(kept)
    about8 = {"equal_predictions": 1 - share, "figure_change": points, "kept_in_fp32": sorted(set(every) - kept)}
    facts = {"passages": len(pairs), "fp32": {"largest_difference": difference}, "int8": about8}
    return MeasuredReader(reader, {"precision": reader.precision, **facts})


def _difference(found: Sequence[Scores], scores: Sequence[Scores]) -> tuple[float, float]:
    """The largest difference of two scores, and the largest score."""
    pairs = [
        (one[np.isfinite(one)], other[np.isfinite(one)])
        for mine, given in zip(found, scores, strict=True)
        for one, other in zip(mine, given, strict=True)
    ]
    mine, given = (np.concatenate([np.zeros(1), *each]) for each in zip(*pairs, strict=True))
    return float(np.abs(mine - given).max()), float(np.abs(given).max())
