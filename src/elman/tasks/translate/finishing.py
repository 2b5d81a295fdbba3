"""What follows the training of a translator: its file for the engine."""

from typing import TYPE_CHECKING, Any

import numpy as np

from elman.inference.translator_precision import measured_translator
from elman.models.translator import TranslatorNetwork
from elman.tasks.translate.data import sizes_of

if TYPE_CHECKING:
    from elman.tasks.translate.job import TranslateJob

_PAIRS = 256
"""Validation pairs on which the engine and the network are compared."""


def write_inference(job: "TranslateJob") -> dict[str, Any]:
    """Measure the network on the validation part, and write its file for the inference engine.

    Returns:
        Facts on precision, for the model card.
    """
    arrays = job.trained_weights()
    sizes = sizes_of(job.vocabularies)
    network = TranslatorNetwork.from_arrays(arrays, job.config, sizes)
    rows = np.arange(min(len(job.data.valid), _PAIRS))
    batch = job.valid.batch(rows)
    log_probs = network.log_probs(batch)[0].numpy()
    scores = [
        log_probs[row, np.arange(length), batch.target[row, :length]]
        for row, length in enumerate(batch.target_lengths.tolist())
    ]
    made = measured_translator(
        arrays,
        job.config,
        sizes,
        job.vocabularies.target,
        sources=job.valid.source[: len(rows)],
        targets=job.valid.target[: len(rows)],
        scores=scores,
    )
    return job.store(made.network, made.parity)
