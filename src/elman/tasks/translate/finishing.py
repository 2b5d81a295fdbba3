"""What follows the training of a translator: its file for the engine."""

from typing import TYPE_CHECKING, Any

import numpy as np

from elman.inference.decoder_precision import COMPARED, measured_decoder
from elman.inference.translator import inference_translator
from elman.models.translator import TranslatorNetwork
from elman.tasks.translate.data import sizes_of

if TYPE_CHECKING:
    from elman.tasks.translate.job import TranslateJob


def write_inference(job: "TranslateJob") -> dict[str, Any]:
    """Measure the network on the validation part, and write its file for the inference engine.

    Returns:
        Facts on precision, for the model card.
    """
    arrays = job.trained_weights()
    sizes, rows = sizes_of(job.vocabularies), np.arange(min(len(job.data.valid), COMPARED))
    made = measured_decoder(
        TranslatorNetwork.from_arrays(arrays, job.config, sizes),
        lambda groups: inference_translator(arrays, job.config, sizes, int8=groups),
        job.vocabularies.target,
        job.valid.batch(rows),
        job.valid.source[: len(rows)],
    )
    return job.store(made.network, made.parity)
