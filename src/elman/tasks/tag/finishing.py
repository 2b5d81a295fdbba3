"""What follows the training of a tagger: its file for the engine, and the temperature of its
probabilities."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from elman.inference.tagger_precision import measured_tagger
from elman.metrics.calibration import Reliability
from elman.metrics.span_schemes import OUTSIDE
from elman.models.tagger import TaggerNetwork
from elman.storage import folder as model_folder
from elman.tasks.tag.objective import chain_of, network_scores, outside_bias, share_of
from elman.tasks.tag.outside import less_outside
from elman.tasks.tag.temperature import fit_chain_temperature

if TYPE_CHECKING:
    from elman.tasks.tag.job import TagJob

_FEWEST_TO_CALIBRATE = 500
"""Words."""


def write_inference(job: "TagJob") -> tuple[dict[str, Any], dict[str, Any]]:
    """Measure the network on the validation part, and write its file for the inference engine.

    Returns:
        Facts on calibration and on precision, for the model card.
    """
    import torch

    data, progress = job.data, job.progress
    arrays = model_folder.read_arrays(job.folder / model_folder.WEIGHTS_FILE)
    network = TaggerNetwork.from_arrays(arrays, job.config, job.features.size, len(data.tags))
    valid = job.encoded(data.valid)
    with torch.no_grad():
        work = network_scores(network, valid)
        while True:
            try:
                next(work)
            except StopIteration as done:
                scores = done.value
                break
    chain = chain_of(arrays, len(data.tags), job.allowed)
    names, scheme = data.tags.names, job.config.scheme

    def figure(found: Sequence[NDArray[np.int64]]) -> float:
        return share_of(found, valid.tags[: len(found)], names, scheme)

    less = outside_bias(chain, scores, valid.tags, names, scheme).amount
    if less:
        outside = names.index(OUTSIDE)
        scores = less_outside(scores, outside, less)
        arrays = {**arrays, "output.bias": less_outside([arrays["output.bias"][None]], outside, less)[0][0]}
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
    size = model_folder.write_inference(
        job.folder, made.tagger.to_arrays(), config=made.tagger.config.to_json(), parity=made.parity
    )
    progress.say(f"{model_folder.INFERENCE_FILE}: {made.parity['precision']}, {size / 1e6:.2f} MB")
    if less:
        progress.say(f"spans are found more readily: {less:g} nats less for {OUTSIDE}, by F1 on the validation part")
    words = sum(map(len, data.valid))
    temperature = 1.0
    if words < _FEWEST_TO_CALIBRATE:
        progress.say(f"not calibrated: {words} words of the validation part are too few to fit a temperature")
    else:
        temperature = fit_chain_temperature(chain, scores, valid.tags)
    before, after = (_error(chain, scores, valid.tags, cooled) for cooled in (1.0, temperature))
    if temperature != 1:
        progress.say(
            f"calibrated: temperature {temperature:.2f}; expected calibration error on the validation part "
            f"{100 * before:.1f}% before, {100 * after:.1f}% after"
        )
    calibration = {
        "temperature": temperature,
        "error_before": before,
        "error_after": after,
        **({"less_outside": less} if less else {}),
    }
    return calibration, {**made.parity, "bytes": size}


def _error(chain: Any, scores: Any, tags: Any, temperature: float) -> float:
    """Expected calibration error of the words' probabilities."""
    probabilities = np.concatenate(chain.cooled(temperature).marginals([each / temperature for each in scores]))
    return Reliability.measure(np.concatenate(tags), probabilities).error
