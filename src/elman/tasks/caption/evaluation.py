"""The figures of a captioner on pictures of files, next to those of its rivals."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from elman.data.captions import CaptionedPictures, CaptionsConfig, read_captioned
from elman.data.example_splits import random_part
from elman.decode.translation import DecodingConfig
from elman.errors import MissingExtra, UsageError
from elman.evaluation.caption_rivals import most_frequent_caption, nearest_captions
from elman.evaluation.captions import CaptionReport, evaluate_captions
from elman.progress import Progress
from elman.tasks.caption.data import CaptionData, read_data
from elman.tasks.caption.request import CaptionRequest

if TYPE_CHECKING:
    from elman.tasks.caption.model import Captioner

SAMPLE = 500
"""Most pictures of a part of the data on which a new captioner is measured."""


def evaluate_sources(
    model: "Captioner", sources: Sequence[str], settings: Mapping[str, Any], *, progress: Progress
) -> CaptionReport:
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
    for name in settings:
        if name not in reading | decoding:
            raise UsageError(f"--{name.replace('_', '-')} does not apply to a captioner; leave it out")
    config = CaptionsConfig(**{name: value for name, value in settings.items() if name in reading})
    search = model.decoding(**{name: value for name, value in settings.items() if name in decoding})
    pictures, _ = read_captioned(sources, config=config, shape=model.shape, progress=progress)
    data, why = CaptionRequest.data_of_training(model, lambda request: read_data(request, Progress()))
    if data is None:
        train, notes = None, [f"the rivals need the training data, which is gone or has changed: {why}"]
    else:
        train, notes = data.train, _seen(pictures, data.train)
    return _report(model, pictures, search, train, notes=notes, progress=progress)


def trained_figures(model: "Captioner", data: CaptionData, *, progress: Progress) -> dict[str, Any]:
    """The figures of a new captioner, and of its rivals, on at most ``SAMPLE`` random pictures of each part that it
    was not trained on, for its model card. Without sacreBLEU there are none, which is said."""
    figures = {}
    try:
        for name, part in data.parts.items():
            if name != "train":
                some = part.take(random_part(range(len(part)), SAMPLE))
                values = _report(model, some, model.decoding(), data.train, progress=progress).to_json()
                figures[name] = {"of": len(part), **values, "examples": []}
    except MissingExtra as error:
        progress.say(f"note: there are no figures: {error}")
    return figures


def _report(
    model: "Captioner",
    pictures: CaptionedPictures,
    search: DecodingConfig,
    train: CaptionedPictures | None,
    *,
    notes: Sequence[str] = (),
    progress: Progress,
) -> CaptionReport:
    predicted = []
    with progress.stage("writing captions", total=len(pictures), unit="pictures") as advance:
        for found in model.predictions(pictures.pictures, **search.to_json()):
            predicted.append(found.text)
            advance(1)
    rivals = {}
    if train is not None:
        rivals = {
            "the most frequent caption": [most_frequent_caption(train)] * len(pictures),
            "the caption of the nearest training picture": nearest_captions(train, model.shape, pictures.pictures),
        }
    return evaluate_captions(
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


def _seen(pictures: CaptionedPictures, train: CaptionedPictures) -> list[str]:
    """A note if some of the pictures are also in the training part."""
    shared = len({*pictures.digests} & {*train.digests})
    if not shared:
        return []
    return [
        f"{shared:,} of {len(pictures):,} pictures are also in the training part: figures on them say little about "
        "new ones"
    ]
