"""Evaluates captions: BLEU against all captions of a picture, with intervals, rivals and a
verdict."""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence

import numpy as np

from elman.data.captioned_pictures import CaptionedPictures
from elman.evaluation.translations import WrittenReport, system_figures, written_results, written_signature
from elman.metrics.intervals import RESAMPLES

_FEWEST_WORDS = 4


@dataclasses.dataclass(frozen=True, kw_only=True)
class CaptionReport(WrittenReport):
    """The results of ``evaluate_captions``; examples have ``picture`` and ``captions``."""

    pictures: int
    references: int
    """Captions that people gave."""


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
    # BLEU counts four words in a row.
    lengths = [len(caption.split()) for captions in pictures.captions for caption in captions]
    long_enough = float(np.mean(np.array(lengths) >= _FEWEST_WORDS))
    headline = "bleu" if long_enough > 0.5 else "exact_match"
    if headline != "bleu":
        short = (
            f"BLEU says little here: it counts four words in a row, which {100 * long_enough:.0f}% of the captions have"
        )
        notes = [*notes, short]
    examples = [
        {"picture": name, "captions": list(captions), "predicted": text}
        for name, captions, text in zip(pictures.names, pictures.captions, predicted, strict=True)
    ]
    return CaptionReport(
        **written_results(found, model, headline, examples, unit="picture", resamples=resamples),
        pictures=len(pictures),
        references=sum(map(len, pictures.captions)),
        notes=tuple(notes),
        signature=written_signature("caption", facts, pictures.hash),
    )
