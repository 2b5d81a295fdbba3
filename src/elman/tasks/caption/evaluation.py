"""The figures of a captioner on pictures of files, next to those of its rivals."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from elman.data.captions import CaptionedPictures, CaptionsConfig, read_captioned
from elman.decode.translation import DecodingConfig
from elman.errors import ElmanError, UsageError
from elman.evaluation.caption_rivals import most_frequent_caption, nearest_captions
from elman.evaluation.captions import CaptionReport, evaluate_captions
from elman.progress import Progress
from elman.tasks.caption.data import read_data
from elman.tasks.caption.request import CaptionRequest

if TYPE_CHECKING:
    from elman.tasks.caption.model import Captioner


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
    request = CaptionRequest.of_training(model.folder)
    config = CaptionsConfig(**{name: value for name, value in settings.items() if name in reading})
    search = DecodingConfig(**{name: settings[name] for name in settings if name in decoding})
    pictures, _ = read_captioned(sources, config=config, shape=model.shape, progress=progress)
    predicted = []
    given = {name: settings[name] for name in settings if name in decoding}
    with progress.stage("writing captions", total=len(pictures), unit="pictures") as advance:
        for found in model.predictions(pictures.pictures, **given):
            predicted.append(found.text)
            advance(1)
    train = training_data(model, request)
    rivals, notes = {}, []
    if train is None:
        notes = ["the rivals need the training data, which is gone or has changed"]
    else:
        rivals = {
            "the most frequent caption": [most_frequent_caption(train)] * len(pictures),
            "the caption of the nearest training picture": nearest_captions(train, model.shape, pictures.pictures),
        }
        notes = _seen(pictures, train)
    return evaluate_captions(
        pictures,
        predicted,
        rivals=rivals,
        model=str(model.describe()["name"]),
        notes=notes,
        facts={"model": f"{model.config.cell}-{model.model_hash[:8]}", "beam": str(search.beam_size)},
    )


def training_data(model: "Captioner", request: CaptionRequest | None) -> CaptionedPictures | None:
    """The training part, if it still exists and is the same."""
    if request is None or "-" in (*request.sources, *request.valid, *request.test):
        return None
    try:
        data = read_data(request, Progress())
        return data.train if data.hash == model.card["data"]["hash"] else None
    except (ElmanError, KeyError):
        return None


def _seen(pictures: CaptionedPictures, train: CaptionedPictures) -> list[str]:
    """A note if some of the pictures are also in the training part."""
    shared = len({*pictures.digests} & {*train.digests})
    if not shared:
        return []
    return [
        f"{shared:,} of {len(pictures):,} pictures are also in the training part: figures on them say little about "
        "new ones"
    ]
