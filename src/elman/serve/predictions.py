"""/v1/predict: labels of texts, their probabilities, and what each word contributes to them."""

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from starlette.requests import Request

from elman.evaluation.explanation import explain_text, words_of
from elman.serve.abilities import PredictsLabels
from elman.serve.batching import Patience
from elman.serve.errors import Problem
from elman.serve.input_texts import input_texts
from elman.serve.limits import Limits
from elman.serve.schemas import PredictBody
from elman.serve.work import Work
from elman.tasks.classify.model import Prediction


async def predicted_labels(body: PredictBody, able: PredictsLabels, work: Work, request: Request) -> dict[str, Any]:
    """The answer of a model that labels texts.

    Raises:
        Problem: as ``texts_of``, or the body asks for what taggers have.
    """
    for name in ("top", "n_best"):
        if getattr(body, name):
            raise Problem(422, f"{name} is for taggers; {able.name} {able.verb}: leave it out", param=name)
    texts = texts_of(body, work.limits, classes=len(able.model.labels))
    found = await work.result(request, functools.partial(able.batcher.predict, texts))
    explanations = None
    if body.explain:
        explain = functools.partial(explanations_of, texts, found, able)
        explanations = await work.in_thread(request, explain, reading=True)
    return predictions_answer(able, found, explanations)


def texts_of(body: PredictBody, limits: Limits, *, classes: int) -> list[str]:
    """The texts of a request.

    Args:
        classes: how many labels the model has.

    Raises:
        Problem: the request is too large, or a string is not valid text.
    """
    texts = input_texts(body.input, limits, size=classes, parts="labels", numbers="probabilities")
    characters = sum(map(len, texts))
    if body.explain and characters > limits.max_explain:
        raise Problem(
            413, f"input has {characters} characters; this server explains up to {limits.max_explain}: send less, or "
            "leave out explain", param="input", code="too_long_to_explain",
        )  # fmt: skip
    return texts


def predictions_answer(
    able: PredictsLabels, predictions: Sequence[Prediction], explanations: Sequence[dict[str, Any]] | None
) -> dict[str, Any]:
    """The answer: predictions in the order of the texts."""
    found = [prediction.to_json() for prediction in predictions]
    for facts, explanation in zip(found, explanations or (), strict=explanations is not None):
        facts["explanation"] = explanation
    return {"model": able.name, "labels": list(able.model.labels), "predictions": found}


def explanations_of(
    texts: Sequence[str], predictions: Sequence[Prediction], able: PredictsLabels, patience: Patience
) -> list[dict[str, Any]]:
    """The contribution of each word of each text to its most probable label."""
    pairs = zip(texts, predictions, strict=True)
    return [_explained(text, int(found.probabilities.argmax()), able, patience) for text, found in pairs]


def _explained(text: str, label: int, able: PredictsLabels, patience: Patience) -> dict[str, Any]:
    """The text without each of its words, all in one call of the worker."""
    name = able.model.labels[label]
    if not words_of(text):
        return {"label": name, "words": []}

    def predict(variants: Sequence[str]) -> NDArray[np.float64]:
        # Only one label's column is kept: there may be thousands of labels.
        def chance(prediction: Prediction) -> float:
            return float(prediction.probabilities[label])

        return np.array(patience.wait(able.batcher.map_predictions(variants, chance, patience)))[:, None]

    found = explain_text(predict, text, names=[name], label=0)
    words = [
        {
            "text": word.text,
            "start": word.start,
            "end": word.end,
            "contribution": word.contribution,
            "change": found.probability - word.probability,
        }
        for word in found.words
    ]
    return {"label": name, "words": words}
