"""Figures of a tagger on the sentences of files."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from elman.errors import ElmanError
from elman.progress import Progress
from elman.tasks.tag.data import read_sentences, repaired, unknown_tags
from elman.tasks.tag.request import TagDataConfig, TagRequest
from elman.training.plan_file import read_plan

if TYPE_CHECKING:
    from elman.tasks.tag.model import Tagger


def evaluate_sources(
    model: "Tagger", sources: Sequence[str], settings: Mapping[str, Any], progress: Progress
) -> dict[str, float]:
    """The figures of a model on the tagged sentences of files.

    Args:
        settings: fields of ``TaggedConfig``; by default as in training.
    """
    config = data_config(model).replace(**settings)
    notes: list[str] = []
    sentences = repaired(list(read_sentences(sources, config, progress)), model.scheme, config, "test", notes)
    notes += unknown_tags(sentences, model.label_set, "test")
    for note in notes:
        progress.say(f"note: {note}")
    return model.figures(sentences)


def data_config(model: "Tagger") -> TagDataConfig:
    """How the data of its training was read, if the folder still knows."""
    if model.folder is None:
        return TagDataConfig()
    try:
        return TagRequest.from_json(read_plan(model.folder / "training")["request"]).data
    except (ElmanError, KeyError, TypeError, ValueError):
        return TagDataConfig()
