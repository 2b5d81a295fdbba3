"""Choose which weights of a reader are stored in 8 bits by comparing answers.

The bounds are those of ``encoder_precision.py``.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from elman.inference.answer_spans import Scores, best_span
from elman.inference.measured import BOUNDS, Measured, float_difference, measured
from elman.inference.reader import Arrays, InferenceReader, Pair, inference_reader
from elman.inference.weights import groups_of
from elman.models.reader_config import ReaderConfig
from elman.models.word_features import WordFeatures


def measured_reader(
    arrays: Arrays,
    config: ReaderConfig,
    features: WordFeatures,
    *,
    pairs: Sequence[Pair],
    scores: Sequence[Scores],
    answers: NDArray[np.int64],
) -> Measured[InferenceReader]:
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

    difference = float_difference(_finite(built(frozenset()).scores(pairs), scores), _finite(scores, scores), "scores")
    own = spans(scores)

    def right(best: NDArray[np.int64]) -> float:
        return 100 * float((best == answers).all(axis=1).mean())

    def changes(reader: InferenceReader) -> dict[str, float]:
        best = spans(reader.scores(pairs))
        same = float((best == own).all(axis=1).mean())
        return {"equal_predictions": same, "figure_change": right(best) - right(own)}

    facts = {"passages": len(pairs), "fp32": {"largest_difference": difference}}
    return measured(built, groups_of(arrays), changes, BOUNDS, facts)


def _finite(found: Sequence[Scores], wanted: Sequence[Scores]) -> NDArray[np.float32]:
    """All scores where they should be finite."""
    pairs = zip(found, wanted, strict=True)
    rows = [one[np.isfinite(other)] for both in pairs for one, other in zip(*both, strict=True)]
    return np.concatenate([np.zeros(0, np.float32), *rows])
