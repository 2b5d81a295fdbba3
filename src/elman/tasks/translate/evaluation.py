"""The figures of a translator on pairs of files, next to those of its rivals."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from elman.config import check_applies
from elman.data.example_splits import random_part
from elman.data.pairs import Pairs, named_files, read_pairs
from elman.decode.translation import DecodingConfig
from elman.errors import MissingExtra
from elman.evaluation.alignments import agreement, counted_links, pharaoh
from elman.evaluation.translation_rivals import Copy, TranslationRival, rival_translations, translation_rivals
from elman.evaluation.translations import TranslationReport, evaluate_translations
from elman.progress import Progress
from elman.report.attention import attention_page
from elman.report.translations_page import write_translations_page
from elman.system.files import write_atomic
from elman.tasks.translate.attention import attended
from elman.tasks.translate.data import TranslateData, read_data
from elman.tasks.translate.request import TranslateDataConfig, TranslateRequest

if TYPE_CHECKING:
    from elman.tasks.translate.model import Translator

DRAWN = 3
"""Sentences whose attention is drawn in a report."""
ON_PAGE = 20
"""Sentences of its page of attention."""
SAMPLE = 500
"""Most pairs of a part of the data on which a new translator is measured."""


class Evaluated(NamedTuple):
    """What an evaluation read, and what it found."""

    report: TranslationReport
    pairs: Pairs
    train: Pairs | None
    """The training part; None if it is gone or has changed."""


def evaluate_sources(
    model: "Translator", sources: Sequence[str], settings: Mapping[str, Any], *, progress: Progress
) -> Evaluated:
    """The figures of a model on pairs of files.

    Args:
        settings: fields of ``PairsConfig``, by default as in training, and of ``DecodingConfig``.

    Raises:
        MissingExtra: sacreBLEU is not installed.
        TextError: a file cannot be read.
        UsageError: a setting that does not apply.
    """
    request = TranslateRequest.of_training(model.folder)
    config = TranslateDataConfig() if request is None else request.data
    reading = {field.name for field in dataclasses.fields(config)}
    decoding = {field.name for field in dataclasses.fields(DecodingConfig)}
    check_applies(settings, reading | decoding, "a translator")
    own = {name: value for name, value in settings.items() if name in reading}
    # Two files that correspond line by line are recognised.
    sources, config = named_files(sources, config.replace(**{"format": None, **own}))
    search = DecodingConfig(**{name: settings[name] for name in settings if name in decoding})
    pairs = read_pairs(sources, config=config, progress=progress)
    data, why = TranslateRequest.data_of_training(model, lambda request: read_data(request, Progress()))
    if data is None:
        train, rivals = None, [Copy()]
        notes = [f"the word-by-word dictionary was not compared: {why}"]
    else:
        train, rivals = data.train, [rival.fit(data.train) for rival in translation_rivals()]
        notes = _seen(pairs, train)
    return Evaluated(_report(model, pairs, search, rivals, notes=notes, progress=progress), pairs, train)


def trained_figures(model: "Translator", data: TranslateData, *, progress: Progress) -> dict[str, Any]:
    """The figures of a new translator, and of its rivals, on at most ``SAMPLE`` random pairs of
    each part that it was not trained on, for its model card. Without sacreBLEU there are none,
    which is said."""
    rivals, figures = [rival.fit(data.train) for rival in translation_rivals()], {}
    try:
        for name, part in (("valid", data.valid), ("test", data.test)):
            if len(part):
                pairs = part.take(random_part(range(len(part)), SAMPLE))
                values = _report(model, pairs, DecodingConfig(), rivals, progress=progress).to_json()
                figures[name] = {"pairs": len(part), **values, "examples": []}
    except MissingExtra as error:
        progress.say(f"note: there are no figures: {error}")
    return figures


def _report(
    model: "Translator",
    pairs: Pairs,
    search: DecodingConfig,
    rivals: Sequence[TranslationRival],
    *,
    notes: Sequence[str] = (),
    progress: Progress,
) -> TranslationReport:
    texts = (found.text for found in model.predictions(pairs.source, **search.to_json()))
    predicted = progress.collect("translating", texts, total=len(pairs), unit="sentences")
    return evaluate_translations(
        pairs,
        predicted,
        rivals=rival_translations(rivals, pairs.source),
        model=str(model.describe()["name"]),
        notes=notes,
        facts={"model": f"{model.config.cell}-{model.model_hash[:8]}", "beam": str(search.beam_size)},
    )


def write_report(folder: Path, model: "Translator", evaluated: Evaluated, *, progress: Progress) -> list[Path]:
    """Write the page of a report; with attention, also its pictures, a page of it, and alignments.

    ``attention.pharaoh`` and ``counted.pharaoh`` have a line for each pair: the alignment of the
    source with the target that was given, by attention and by IBM model 1.
    """
    pairs, values, drawn, files = evaluated.pairs, evaluated.report.to_json(), [], {}
    if model.config.attends:
        found = progress.collect("aligning", attended(model, pairs), total=len(pairs), unit="sentences")
        links, counted = [each.links for each in found], _counted(pairs, evaluated.train)
        files = {
            "attention.pharaoh": "".join(f"{pharaoh(each)}\n" for each in links),
            "counted.pharaoh": "".join(f"{pharaoh(each)}\n" for each in counted),
        }
        share = agreement(links, counted)
        values["notes"].append(
            f"attention.pharaoh and counted.pharaoh align the words of all pairs by attention and by IBM model 1; "
            f"they agree in {100 * share:.1f}% of their links"
        )
        shown = [found[row].to_json() for row in random_part(range(len(found)), ON_PAGE)]
        files["attention.html"] = attention_page(shown)
        drawn = shown[:DRAWN]
    written = write_translations_page(folder, values, attention=drawn)
    for name, text in files.items():
        write_atomic(folder / name, text.encode())
    return [*written, *(folder / name for name in files)]


def _seen(pairs: Pairs, train: Pairs) -> list[str]:
    """A note if many of the sources are also in the training part."""
    known = set(train.source)
    shared = sum(text in known for text in pairs.source)
    if 4 * shared <= len(pairs):
        return []
    return [
        f"{shared:,} of {len(pairs):,} sources are also in the training part: figures on them say little about new ones"
    ]


def _counted(pairs: Pairs, train: Pairs | None) -> list[list[tuple[int, int]]]:
    """The alignments of IBM model 1, counted on the pairs and the training part."""
    more = train or Pairs([], [])
    every = Pairs([*pairs.source, *more.source], [*pairs.target, *more.target])
    return [links for links, _ in zip(counted_links(every), range(len(pairs)), strict=False)]
