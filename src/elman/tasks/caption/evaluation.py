"""The figures of a captioner on pictures of files, next to those of its rivals."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from elman.config import check_applies
from elman.data.captioned_pictures import CaptionedPictures, read_captioned
from elman.data.captions import CaptionsConfig
from elman.data.example_splits import random_part
from elman.decode.translation import DecodingConfig
from elman.errors import MissingExtra
from elman.evaluation.caption_rivals import most_frequent_caption, nearest_captions
from elman.evaluation.captions import CaptionReport, evaluate_captions
from elman.progress import Progress
from elman.tasks.caption.data import CaptionData, read_data
from elman.tasks.caption.request import CaptionRequest

if TYPE_CHECKING:
    from elman.tasks.caption.model import Captioner

ATTENTION = 5
"""Pictures of a page whose attention is drawn."""
SAMPLE = 500
"""Most pictures of a part of the data on which a new captioner is measured."""


class Evaluated(NamedTuple):
    """A report, the pictures that it is about, and their captions by the model."""

    report: CaptionReport
    pictures: CaptionedPictures
    predicted: list[str]


def evaluate_sources(
    model: "Captioner", sources: Sequence[str], settings: Mapping[str, Any], *, progress: Progress
) -> Evaluated:
    """The figures of a model on pictures of files.

    Args:
        settings: ``images``, ``encoding`` and ``skip_broken`` of ``CaptionsConfig``, and fields of
            ``DecodingConfig``.

    Raises:
        MissingExtra: sacreBLEU is not installed.
        TextError: a file cannot be read.
        UsageError: a setting that does not apply.
    """
    reading = {"images", "encoding", "skip_broken"}
    decoding = {field.name for field in dataclasses.fields(DecodingConfig)}
    check_applies(settings, reading | decoding, "a captioner")
    config = CaptionsConfig(**{name: value for name, value in settings.items() if name in reading})
    search = model.decoding(**{name: value for name, value in settings.items() if name in decoding})
    pictures, _ = read_captioned(sources, config=config, shape=model.shape, progress=progress)
    data, why = CaptionRequest.data_of_training(model, lambda request: read_data(request, Progress()))
    if data is None:
        train, notes = None, [f"the rivals were not compared: {why}"]
    else:
        train, notes = data.train, _seen(pictures, data.train)
    return _evaluated(model, pictures, search, train, notes=notes, progress=progress)


def write_report(folder: Path, model: "Captioner", evaluated: Evaluated) -> list[Path]:
    """Write the page of a report, with some pictures; of some the attention is drawn."""
    from elman.report.captions_page import MOST_SHOWN, ShownPicture, write_captions_page

    _, pictures, predicted = evaluated
    shown = []
    for number, row in enumerate(random_part(range(len(pictures)), MOST_SHOWN)):
        each = ShownPicture(pictures.pictures[row], predicted[row], pictures.captions[row])
        if number < ATTENTION and model.config.attends and predicted[row].strip():
            found = model.picture_attention(each.pixels, each.predicted)
            each = each._replace(words=found.words, weights=found.weights)
        shown.append(each)
    return write_captions_page(folder, evaluated.report.to_json(), shown)


def trained_figures(model: "Captioner", data: CaptionData, *, progress: Progress) -> dict[str, Any]:
    """The figures of a new captioner, and of its rivals, on at most ``SAMPLE`` random pictures of
    each part that it was not trained on, for its model card. Without sacreBLEU there are none,
    which is said."""
    figures = {}
    try:
        for name, part in data.parts.items():
            if name != "train":
                some = part.take(random_part(range(len(part)), SAMPLE))
                values = _evaluated(model, some, model.decoding(), data.train, progress=progress).report.to_json()
                figures[name] = {"of": len(part), **values, "examples": []}
    except MissingExtra as error:
        progress.say(f"note: there are no figures: {error}")
    return figures


def _evaluated(
    model: "Captioner",
    pictures: CaptionedPictures,
    search: DecodingConfig,
    train: CaptionedPictures | None,
    *,
    notes: Sequence[str] = (),
    progress: Progress,
) -> Evaluated:
    texts = (found.text for found in model.predictions(pictures.pictures, **search.to_json()))
    predicted = progress.collect("writing captions", texts, total=len(pictures), unit="pictures")
    rivals = {}
    if train is not None:
        rivals = {
            "the most frequent caption": [most_frequent_caption(train)] * len(pictures),
            "the caption of the nearest training picture": nearest_captions(train, model.shape, pictures.pictures),
        }
    report = evaluate_captions(
        pictures,
        predicted,
        rivals=rivals,
        model=str(model.describe()["name"]),
        notes=notes,
        facts={
            "model": f"{model.config.cell}-{model.model_hash[:8]}",
            "beam": str(search.beam_size),
        },
    )
    return Evaluated(report, pictures, predicted)


def _seen(pictures: CaptionedPictures, train: CaptionedPictures) -> list[str]:
    """A note if some of the pictures are also in the training part."""
    shared = len({*pictures.digests} & {*train.digests})
    if not shared:
        return []
    return [
        f"{shared:,} of {len(pictures):,} pictures are also in the training part: figures on them say little about "
        "new ones"
    ]
