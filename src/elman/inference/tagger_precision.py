"""Choose which weights of a tagger are stored in 8 bits by comparing predictions.

The bounds are those of ``encoder_precision.py``.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.errors import ModelError
from elman.inference.encoder_precision import AGREEMENT, FIGURE_BOUND, FLOAT_BOUND
from elman.inference.group_choice import choose_groups
from elman.inference.linear_chain import LinearChain
from elman.inference.tagger import Arrays, InferenceTagger, inference_tagger
from elman.inference.weights import groups_of
from elman.models.tagger_config import TaggerConfig
from elman.models.word_features import WordFeatures

Tags = Sequence[NDArray[np.int64]]


@dataclasses.dataclass(frozen=True)
class MeasuredTagger:
    """A tagger of the engine, and its agreement with the network."""

    tagger: InferenceTagger
    parity: dict[str, Any]
    """For the model card: precision, what stayed float32, differences."""


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
) -> MeasuredTagger:
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

    found = built(frozenset()).scores(sentences, contexts)
    largest = max((float(np.abs(each).max(initial=0)) for each in scores), default=0.0)
    difference = max((float(np.abs(a - b).max(initial=0)) for a, b in zip(found, scores, strict=True)), default=0.0)
    bound = FLOAT_BOUND * max(largest, 1)
    if not difference <= bound:
        raise ModelError(f"the engine's scores differ from the network's by {difference:.1e}, more than {bound:.0e}")
    own = chain.best(scores)
    words = max(sum(map(len, own)), 1)

    def changes(groups: frozenset[str]) -> tuple[float, float]:
        """Share of tags that differ, and points by which the figure changes."""
        best = chain.best(built(groups).scores(sentences, contexts))
        differ = sum(int((one != other).sum()) for one, other in zip(best, own, strict=True))
        return differ / words, figure(best) - figure(own)

    def cost(groups: frozenset[str]) -> float:
        changed, points = changes(groups)
        return max(changed / (1 - AGREEMENT), abs(points) / FIGURE_BOUND)

    every = [group for group in groups_of(arrays) if group != "crf"]
    kept, _ = choose_groups(every, cost, bound=1 + 1e-9)
    share, points = changes(kept) if kept else (0.0, 0.0)
    tagger = built(kept)
    about8 = {"equal_predictions": 1 - share, "figure_change": points, "kept_in_fp32": sorted(set(every) - kept)}
    facts = {"sentences": len(sentences), "fp32": {"largest_difference": difference}, "int8": about8}
    return MeasuredTagger(tagger, {"precision": tagger.precision, **facts})
