"""What follows the training of a captioner: its file for the engine."""

from typing import TYPE_CHECKING, Any

import numpy as np

from elman.inference.captioner import inference_captioner
from elman.inference.decoder_precision import COMPARED, measured_decoder
from elman.models.captioner import CaptionerNetwork
from elman.tasks.caption.data import sizes_of

if TYPE_CHECKING:
    from elman.tasks.caption.job import CaptionJob


def write_inference(job: "CaptionJob") -> dict[str, Any]:
    """Measure the network on the validation part, and write its file for the inference engine.

    Returns:
        Facts on precision, for the model card.
    """
    arrays = job.trained_weights()
    sizes, rows = sizes_of(job.data.shape, job.tokenizer), np.arange(min(len(job.valid.target), COMPARED))
    batch = job.valid.batch(rows)
    made = measured_decoder(
        CaptionerNetwork.from_arrays(arrays, job.config, sizes),
        lambda groups: inference_captioner(arrays, job.config, sizes, int8=groups),
        job.tokenizer,
        batch,
        list(batch.patches),
    )
    return job.store(made.network, made.parity)
