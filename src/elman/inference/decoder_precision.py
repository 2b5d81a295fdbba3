"""Choose which weights of a network with a decoder are stored in 8 bits by comparing the engine
with the network.

The bounds are those of language models: in 8 bits the perplexity of targets changes by at most half
a per cent, and in float32 every log-probability agrees to 1e-4.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from elman.inference.conditioned_decoder import ConditionedDecoder
from elman.inference.decoder import InferenceDecoder
from elman.inference.group_choice import choose_groups
from elman.inference.measured import Measured, float_difference
from elman.inference.precision import INT8_BOUND
from elman.inference.weights import groups_of
from elman.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    from elman.models.decoder import DecoderNetwork

COMPARED = 256
"""Validation examples on which the two are compared."""


def measured_decoder(
    network: "DecoderNetwork",
    built: Callable[[frozenset[str]], InferenceDecoder],
    tokenizer: Tokenizer,
    batch: Any,
    sources: Sequence[NDArray[Any]],
) -> Measured[InferenceDecoder]:
    """Build the engine's network and compare the two.

    Args:
        network: the trained one.
        built: the engine's, with groups of its weights in 8 bits.
        batch: validation examples, as the trained one reads them.
        sources: theirs, as the engine reads them.

    Raises:
        ModelError: the engine's float32 log-probabilities differ from the network's.
    """
    log_probs, lengths = network.log_probs(batch)[0].numpy(), batch.target_lengths
    targets = [row[:length] for row, length in zip(batch.target, lengths.tolist(), strict=True)]
    wanted = np.concatenate([log_probs[row, np.arange(len(ids)), ids] for row, ids in enumerate(targets)])

    def scored(network: InferenceDecoder) -> NDArray[np.float32]:
        model = ConditionedDecoder(network, tokenizer, sources, "")
        found, _ = model.score(batch.target, lengths, model.start(condition=np.arange(len(lengths))))
        return np.concatenate([row[:length] for row, length in zip(found, lengths.tolist(), strict=True)])

    difference = float_difference(scored(built(frozenset())), wanted, "log-probabilities")

    def cost(groups: frozenset[str]) -> float:
        return float(np.expm1((wanted - scored(built(groups))).mean(dtype=np.float64))) if groups else 0.0

    every = groups_of(network.to_arrays())
    kept, ratio = choose_groups(every, cost, bound=INT8_BOUND)
    engine = built(kept)
    facts = {"examples": len(sources), "fp32": {"largest_difference": difference}}
    about8 = {"perplexity_ratio": 1 + ratio, "kept_in_fp32": sorted(set(every) - kept)}
    return Measured(engine, {"precision": engine.precision, **facts, "int8": about8})
