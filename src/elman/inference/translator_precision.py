"""Choose which weights of a translator are stored in 8 bits by comparing the engine with the network.

The bounds are those of language models: in 8 bits the perplexity of targets changes by at most half a
per cent, and in float32 every log-probability agrees to 1e-4.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.padding import pad
from elman.errors import ModelError
from elman.inference.conditioned_translator import ConditionedTranslator
from elman.inference.group_choice import choose_groups
from elman.inference.precision import FLOAT_BOUND, INT8_BOUND
from elman.inference.translator import Arrays, InferenceTranslator, inference_translator
from elman.inference.weights import groups_of
from elman.models.translator_config import TranslatorConfig, TranslatorSizes
from elman.text.tokenizer import Tokenizer

Rows = Sequence[NDArray[np.int64]]


@dataclasses.dataclass(frozen=True)
class MeasuredTranslator:
    """A translator of the engine, and its agreement with the network."""

    network: InferenceTranslator
    parity: dict[str, Any]
    """For the model card: precision, what stayed float32, differences."""


def measured_translator(
    arrays: Arrays,
    config: TranslatorConfig,
    sizes: TranslatorSizes,
    tokenizer: Tokenizer,
    *,
    sources: Rows,
    targets: Rows,
    scores: Sequence[NDArray[np.float32]],
) -> MeasuredTranslator:
    """Build the engine's translator and compare the two.

    Args:
        sources, targets: tokens of validation pairs.
        scores: the network's log-probability of each target token.

    Raises:
        ModelError: the engine's float32 log-probabilities differ from the network's.
    """

    def built(groups: frozenset[str]) -> InferenceTranslator:
        return inference_translator(arrays, config, sizes, int8=groups)

    def scored(network: InferenceTranslator) -> NDArray[np.float32]:
        model = ConditionedTranslator(network, tokenizer, sources, "")
        ids, lengths = pad(targets, fill=0)
        found, _ = model.score(ids, lengths, model.start(condition=np.arange(len(ids))))
        return np.concatenate([row[:length] for row, length in zip(found, lengths.tolist(), strict=True)])

    wanted = np.concatenate(scores)
    difference = float(np.abs(scored(built(frozenset())) - wanted).max(initial=0))
    bound = FLOAT_BOUND * max(float(np.abs(wanted).max(initial=0)), 1)
    if not difference <= bound:
        raise ModelError(f"the engine's log-probabilities differ by {difference:.1e} nats, more than {bound:.0e}")

    def cost(groups: frozenset[str]) -> float:
        return float(np.expm1((wanted - scored(built(groups))).mean(dtype=np.float64))) if groups else 0.0

    every = groups_of(arrays)
    kept, ratio = choose_groups(every, cost, bound=INT8_BOUND)
    network = built(kept)
    facts = {"pairs": len(sources), "fp32": {"largest_difference": difference}}
    about8 = {"perplexity_ratio": 1 + ratio, "kept_in_fp32": sorted(set(every) - kept)}
    return MeasuredTranslator(network, {"precision": network.precision, **facts, "int8": about8})
