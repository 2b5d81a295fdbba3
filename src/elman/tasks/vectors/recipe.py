"""Which word vectors suit a text, where the user does not say: chosen by how many words it has."""

from collections.abc import Mapping
from typing import Any

from elman.models.vectors.config import VectorsConfig, models_for
from elman.progress import Progress

COUNTING_WORDS = 20_000_000
"""Up to so many words, counting is as good as skip-gram or better, at a fraction of the time
(docs/vectors.md, measured up to 11 million). Its table of pairs grows with the text; skip-gram's
memory does not."""
_SMALL_TEXT = {"model": "ppmi", "singular_power": 0.25}
_LARGE_TEXT = {"model": "skipgram", "rate": 0.05}


def choose(settings: Mapping[str, Any], *, words: int, progress: Progress) -> VectorsConfig:
    """A whole configuration; where the user names no model, says in one line which one was chosen,
    and why."""
    if settings.get("model") is not None:
        return _config(settings)
    wanted = _SMALL_TEXT if words <= COUNTING_WORDS else _LARGE_TEXT
    suited = models_for(settings)
    if wanted["model"] in suited:
        progress.say(f"model: {wanted['model']}, the best choice for a text of {words / 1e6:.1f} million words")
        return _config({**wanted, **settings})
    progress.say(f"model: {suited[0]}, since your settings mean nothing to {wanted['model']}")
    return _config({**settings, "model": suited[0]})


def _config(settings: Mapping[str, Any]) -> VectorsConfig:
    return VectorsConfig.of(settings["model"], {name: each for name, each in settings.items() if name != "model"})
