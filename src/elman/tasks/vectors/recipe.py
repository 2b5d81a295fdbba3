"""Which word vectors suit a text, where the user does not say: chosen by how many words it has."""

from collections.abc import Mapping
from typing import Any

from elman.models.vectors.config import VectorsConfig, models_for
from elman.progress import Progress

COUNTING_WORDS = 20_000_000
"""Up to so many words, counts with a factorisation gave better vectors than skip-gram
(docs/vectors.md)."""


def choose(settings: Mapping[str, Any], *, words: int, progress: Progress) -> VectorsConfig:
    """A whole configuration; says in one line which model was chosen, and why."""
    model = settings.get("model")
    if model is None:
        suited = models_for(settings)
        wanted = "ppmi" if words <= COUNTING_WORDS else "skipgram"
        model = wanted if wanted in suited else suited[0]
        why = f"of {words / 1e6:.1f} million words" if model == wanted else "that your settings mean something to"
        progress.say(f"model: {model}, the best one for a text {why}" if model == wanted else f"model: {model}, {why}")
    return VectorsConfig.of(model, {name: value for name, value in settings.items() if name != "model"})
