"""What follows the training of a tagger: its file for the engine, and the temperature of its
probabilities."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from elman.inference.tagger_precision import measured_tagger
from elman.metrics.calibration import Reliability
from elman.metrics.span_schemes import OUTSIDE
from elman.models.tag_regression import mixed_scores
from elman.models.tagger import TaggerNetwork
from elman.tasks.encoder_logits import result_of
from elman.tasks.network_job import fit_temperature_of
from elman.tasks.tag.ngram_training import fit_share
from elman.tasks.tag.objective import chain_of, network_scores, outside_bias, share_of
from elman.tasks.tag.outside import less_outside
from elman.tasks.tag.temperature import fit_chain_temperature

if TYPE_CHECKING:
    from elman.tasks.tag.job import TagJob

_FEWEST_TO_CALIBRATE = 500
"""Words."""
_USUAL_SHARE = 0.5
"""The linear part's share where validation words are too few to fit it."""


def write_inference(job: "TagJob") -> tuple[dict[str, Any], dict[str, Any]]:
    """Measure the network on the validation part, and write its file for the inference engine.

    Returns:
        Facts on calibration and on precision, for the model card.
    """
    import torch

    data, progress = job.data, job.progress
    arrays = job.trained_weights()
    network = TaggerNetwork.from_arrays(arrays, job.config, job.features.size, len(data.tags))
    valid = job.encoded(data.valid)
    with torch.no_grad():
        scores = result_of(network_scores(network, valid))
    chain = chain_of(arrays, len(data.tags), job.allowed)
    names, scheme = data.tags.names, job.config.scheme

    def figure(found: Sequence[NDArray[np.int64]]) -> float:
        return share_of(found, valid.tags[: len(found)], names, scheme)

    share, linear = 0.0, scores
    if job.ngrams is not None:
        linear = job.ngrams.scores([sentence.words for sentence in data.valid])
        enough = sum(map(len, data.valid)) >= _FEWEST_TO_CALIBRATE
        share = fit_share(chain, scores, linear, valid.tags) if enough else _USUAL_SHARE
        progress.say(f"n-grams: {100 * share:.0f}% of the answer")
    mixed = mixed_scores(scores, linear, share)
    less = outside_bias(chain, mixed, valid.tags, names, scheme).amount
    if less:
        outside = names.index(OUTSIDE)
        # The network alone takes it, whose scores have a part of the weight.
        own = less / (1 - share)
        scores, mixed = less_outside(scores, outside, own), less_outside(mixed, outside, less)
        arrays = {**arrays, "output.bias": less_outside([arrays["output.bias"][None]], outside, own)[0][0]}
    made = measured_tagger(
        arrays,
        job.config,
        job.features,
        outputs=len(data.tags),
        chain=chain,
        sentences=[sentence.words for sentence in data.valid],
        scores=scores,
        contexts=valid.split_contexts(),
        figure=lambda found: 100 * figure(found),
    )
    parity = job.store(made.network, made.parity)
    if less:
        progress.say(f"spans are found more readily: {less:g} nats less for {OUTSIDE}, by F1 on the validation part")
    found = fit_temperature_of(
        progress,
        count=sum(map(len, data.valid)),
        fewest=_FEWEST_TO_CALIBRATE,
        unit="words",
        fit=lambda: fit_chain_temperature(chain, mixed, valid.tags),
        error=lambda cooled: _error(chain, mixed, valid.tags, cooled),
    )
    found = {**found, **({"ngrams": share} if job.ngrams is not None else {})}
    return {**found, **({"less_outside": less} if less else {})}, parity


def _error(chain: Any, scores: Any, tags: Any, temperature: float) -> float:
    """Expected calibration error of the words' probabilities."""
    probabilities = np.concatenate(chain.cooled(temperature).marginals([each / temperature for each in scores]))
    return Reliability.measure(np.concatenate(tags), probabilities).error
