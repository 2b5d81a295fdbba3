"""Choose which weights of a tagger are stored in 8 bits by comparing predictions.

The bounds are those of ``encoder_precision.py``.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from elman.inference.linear_chain import LinearChain
from elman.inference.measured import BOUNDS, Measured, float_difference, measured
from elman.inference.tagger import Arrays, InferenceTagger, inference_tagger
from elman.inference.weights import groups_of
from elman.models.tagger_config import TaggerConfig
from elman.models.word_features import WordFeatures

Tags = Sequence[NDArray[np.int64]]


def measured_tagger(
    arrays: Arrays,
    config: TaggerConfig,
    features: WordFeatures,
    *,
    outputs: int,
    chain: LinearChain,
    sentences: Sequence[Sequence[str]],
    scores: Sequence[NDArray[np.float32]],
    figure: Callable[[Tags], float],
    contexts: Sequence[NDArray[np.float32]] | None = None,
) -> Measured[InferenceTagger]:
    """Build the engine's tagger of a network and compare the two.

    Args:
        arrays: the network's weights by name.
        chain: from scores to tags.
        sentences: of the validation part, as words.
        scores: the network's own scores of them.
        figure: from the tags of the sentences to the task's figure in per cent.
        contexts: what language models give for their words.

    Raises:
        ModelError: the engine's float32 scores differ from the network's.
    """

    def built(groups: frozenset[str]) -> InferenceTagger:
        return inference_tagger(arrays, config, features, outputs=outputs, int8=groups)

    nothing = np.zeros((0, outputs), np.float32)
    plain = np.concatenate([nothing, *built(frozenset()).scores(sentences, contexts)])
    difference = float_difference(plain, np.concatenate([nothing, *scores]), "scores")
    own = chain.best(scores)
    words = max(sum(map(len, own)), 1)

    def changes(tagger: InferenceTagger) -> dict[str, float]:
        best = chain.best(tagger.scores(sentences, contexts))
        differ = sum(int((one != other).sum()) for one, other in zip(best, own, strict=True))
        return {"equal_predictions": 1 - differ / words, "figure_change": figure(best) - figure(own)}

    groups = [group for group in groups_of(arrays) if group != "crf"]
    facts = {"sentences": len(sentences), "fp32": {"largest_difference": difference}}
    return measured(built, groups, changes, BOUNDS, facts)
