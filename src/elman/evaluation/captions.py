"""Evaluates captions: BLEU against all captions of a picture, with intervals, rivals and a verdict."""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from elman.data.captions import CaptionedPictures
from elman.data.example_splits import random_part
from elman.evaluation.translations import EXAMPLES, TranslationScores, compared_scores, system_figures
from elman.metrics.intervals import RESAMPLES
from elman.metrics.signature import signature
from elman.progress import counted
from elman.system.machine import version

_FEWEST_WORDS = 4


@dataclasses.dataclass(frozen=True, kw_only=True)
class CaptionReport:
    """The results of ``evaluate_captions``."""

    headline: str
    """The figure that the verdict is about: ``bleu``, or ``exact_match`` if half of the captions or more are
    too short for it."""
    scores: TranslationScores
    """Of the model."""
    rivals: tuple[TranslationScores, ...]
    """The best first."""
    pictures: int
    references: int
    """Captions that people gave."""
    examples: list[dict[str, Any]]
    """Some pictures, drawn at random: ``picture``, ``captions`` and what the model wrote (``predicted``)."""
    verdict: str
    """One sentence."""
    notes: tuple[str, ...]
    signatures: Mapping[str, str]
    """sacreBLEU's line for each figure that is its own."""
    signature: str

    def to_json(self) -> dict[str, Any]:
        """All of it as JSON."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        rivals = [rival.to_json() for rival in self.rivals]
        return {**values, "scores": self.scores.to_json(), "rivals": rivals, "notes": list(self.notes)}


def evaluate_captions(
    pictures: CaptionedPictures,
    predicted: Sequence[str],
    *,
    rivals: Mapping[str, Sequence[str]] | None = None,
    model: str = "the model",
    notes: Sequence[str] = (),
    facts: Mapping[str, str] | None = None,
    resamples: int = RESAMPLES,
) -> CaptionReport:
    """Figures of captions, with intervals of a bootstrap over pictures, beside those of rivals.

    An exact match is with any of a picture's captions.

    Args:
        predicted: the model's caption of each picture.
        rivals: those of simpler captioners, by name.
        model: its name in tables.
        facts: further parts of the signature.

    Raises:
        MissingExtra: sacreBLEU is not installed.

    >>> import numpy as np
    >>> said = [("a dog runs on grass", "the brown dog runs"), ("two cats sleep on a red sofa",)]
    >>> pictures = CaptionedPictures(["a", "b"], np.zeros((2, 1, 1, 3)), said)
    >>> report = evaluate_captions(pictures, ["the brown dog runs", "a cat"])
    >>> report.scores.figures["exact_match"].value
    50.0
    """
    # sacreBLEU takes the first, second ... reference of all; None where a picture has fewer.
    found = system_figures({model: predicted, **(rivals or {})}, *itertools.zip_longest(*pictures.captions))
    units = counted(len(pictures), "picture")
    figures = {name: of.figures for name, of in found.items()}
    # BLEU counts four words in a row.
    lengths = [len(caption.split()) for captions in pictures.captions for caption in captions]
    headline = "bleu" if np.mean(np.array(lengths) >= _FEWEST_WORDS) > 0.5 else "exact_match"
    scores, beside, said = compared_scores(figures, model, headline, len(pictures), units, resamples)
    return CaptionReport(
        headline=headline,
        scores=scores,
        rivals=beside,
        pictures=len(pictures),
        references=sum(map(len, pictures.captions)),
        examples=[
            {"picture": pictures.names[row], "captions": list(pictures.captions[row]), "predicted": predicted[row]}
            for row in random_part(range(len(pictures)), EXAMPLES)
        ],
        verdict=said,
        notes=tuple(notes),
        signatures=found[model].signatures,
        signature=signature(
            task="caption", **(facts or {}), data=pictures.hash[:12], elman=version("elman") or "unknown"
        ),
    )
