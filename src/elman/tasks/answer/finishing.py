"""What follows the training of a reader: its file for the engine, and the threshold of its
answers."""

from typing import TYPE_CHECKING, Any

from elman.inference.reader_precision import measured_reader
from elman.models.reader import ReaderNetwork
from elman.tasks.answer.objective import network_scores, threshold_of
from elman.tasks.encoder_logits import result_of

if TYPE_CHECKING:
    from elman.tasks.answer.job import AnswerJob

_WINDOWS = 1000
"""Validation windows on which the engine and the network are compared."""


def write_inference(job: "AnswerJob") -> tuple[dict[str, Any], dict[str, Any]]:
    """Measure the network on the validation part, and write its file for the inference engine.

    Returns:
        The threshold, and facts on precision, for the model card.
    """
    import torch

    arrays, encoded = job.trained_weights(), job.encoded(job.data.valid)
    network = ReaderNetwork.from_arrays(arrays, job.config, job.features.size)
    with torch.no_grad():
        scores = result_of(network_scores(network, encoded))
    few = range(min(len(scores), _WINDOWS))
    made = measured_reader(
        arrays,
        job.config,
        job.features,
        pairs=[encoded.pair(row) for row in few],
        scores=scores[: len(few)],
        answers=encoded.windows.answers[: len(few)],
    )
    parity = job.store(made.network, made.parity)
    threshold, figure = threshold_of(job.data.valid, encoded, scores, most=job.config.answer_words)
    shown = "all answers are given" if threshold is None else f"answers from a score of {threshold:.2f} on are given"
    job.progress.say(f"{shown}, by F1 on the validation part: {100 * figure:.1f}%")
    return {"threshold": threshold}, parity
