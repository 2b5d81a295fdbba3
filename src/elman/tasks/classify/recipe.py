"""Sizes and plan of a text classifier from its data."""

from collections.abc import Mapping
from typing import Any

from elman.models.classifier_config import ClassifierConfig
from elman.models.network_config import NeuralConfig
from elman.tasks.classify.plan import ClassifyPlan

MOST_EPOCHS = 30
"""More would only memorise the examples."""


def choose_sizes(
    given: Mapping[str, Any], *, language_model: NeuralConfig | None, vector_size: int | None
) -> ClassifierConfig:
    """The configuration; what the user fixed (``given``) is kept.

    Args:
        language_model: the configuration of the model that embeddings and layers are taken from.
        vector_size: size of the word vectors, if embeddings begin as such.

    Raises:
        UsageError: a size that contradicts the language model or the vectors.

    >>> choose_sizes({"hidden_size": 64}, language_model=None, vector_size=50).embedding_size
    50
    """
    if language_model is not None:
        return ClassifierConfig.from_language_model(language_model, **{"bidirectional": False, **given})
    sizes: dict[str, Any] = {"embedding_size": 96 if vector_size is None else vector_size, "hidden_size": 96}
    return ClassifierConfig.from_json({**sizes, **given})


def choose_plan(given: Mapping[str, Any], *, examples: int, vectors: bool) -> ClassifyPlan:
    """The plan except its length; what the user fixed (``given``) is kept.

    Layers of a small language model learn best from the first update on, as fast as the others
    (docs/classify.md has the figures); ``frozen`` and ``lower_rate`` are there for large ones.

    Args:
        vectors: whether embeddings begin as word vectors, which then stay fixed: the network learns
            from what words have in common, and n-grams from the words themselves.

    >>> choose_plan({}, examples=7000, vectors=False).batch
    32
    """
    batch = 16 if examples < 2000 else 32 if examples < 50_000 else 64
    settings: dict[str, Any] = {
        "updates": 1,
        "batch": batch,
        "rate": 3e-3,
        "warmup": 0.1,
        "clip": 1.0,
        "weight_decay": 0.05,
        "dropout": 0.3,
        "input_dropout": 0.3,
        "embedding_dropout": 0.1,
        "output_dropout": 0.5,
        "validations": MOST_EPOCHS,
        "patience": 8,
        "average_from": 0.5,
    }
    if vectors:
        settings["frozen"] = 1.0
    return ClassifyPlan(**{**settings, **given})
