"""The figures of a tagger on the sentences of files, next to those of its rivals."""

import dataclasses
import math
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elman.config import check_applies
from elman.data.tag_schemes import in_scheme, with_outside
from elman.data.tagged import TaggedSentence
from elman.errors import UsageError
from elman.evaluation.learning_curve import CurvePoint, learning_curve
from elman.evaluation.tag_rivals import TagRival, predictions, rivals_of
from elman.evaluation.tags import TagReport, evaluate_tags, tags_signature
from elman.progress import Progress
from elman.tasks.request import Fixed
from elman.tasks.tag.data import TaggedData, read_data, read_sentences, unknown_tags
from elman.tasks.tag.request import TagDataConfig, TagRequest
from elman.tasks.tag.sentences import hash_of
from elman.training.plan_file import read_plan

if TYPE_CHECKING:
    from elman.tasks.tag.model import Tagger


def evaluate_sources(
    model: "Tagger",
    sources: Sequence[str],
    settings: Mapping[str, Any],
    *,
    rival: bool,
    curve_with: "Callable[[Path], Tagger] | None" = None,
    progress: Progress,
) -> TagReport:
    """The figures of a model on the tagged sentences of files.

    Args:
        settings: fields of ``TaggedConfig``; by default as in training.
        rival: whether rivals are trained for comparison, if the training data still exists.
        curve_with: loads a folder, if a learning curve is wanted: taggers of the same sizes are
            then trained on parts of the training data.

    Raises:
        TextError: a file cannot be read, or breaks the rules of its scheme if that is strict.
        UsageError: a setting that does not apply.
    """
    request = TagRequest.of_training(model.folder)
    config = TagDataConfig() if request is None else request.data
    check_applies(settings, {field.name for field in dataclasses.fields(config)}, "a tagger")
    config = config.replace(**settings)
    sentences = _in_scheme(list(read_sentences(sources, config, progress)), model.scheme, config)
    notes = unknown_tags(sentences, model.label_set, "test")
    data, why = training_data(model)
    if data is None:
        notes.append(f"there is no accuracy on unknown words, and no rival: {why}")
    else:
        notes += _seen(sentences, data.train)
    rivals, more = ([], []) if data is None or request is None else trained_rivals(
        data, skip=not (rival and request.rival), progress=progress
    )  # fmt: skip
    report = evaluate_sentences(
        model,
        sentences,
        known=None if data is None else {word for sentence in data.train for word in sentence.words},
        rivals=rivals,
        notes=[*notes, *more],
        progress=progress,
    )
    if curve_with is None:
        return report
    if data is None or request is None:
        raise UsageError(f"--learning-curve cannot be drawn: {why}")
    points = _learning_curve(model, request, data, sentences, load=curve_with, progress=progress)
    return dataclasses.replace(report, learning_curve=tuple(points))


def _learning_curve(
    model: "Tagger",
    request: TagRequest,
    data: TaggedData,
    sentences: Sequence[TaggedSentence],
    *,
    load: "Callable[[Path], Tagger]",
    progress: Progress,
) -> list[CurvePoint]:
    """Figures of taggers that learn from parts of the training data.

    Few sentences are read more often: with n times as few, the square root of n times as often.
    """
    from elman.tasks.fitting import train_model

    assert model.folder is not None
    record = read_plan(model.folder / "training")["plan"]
    derived = ("updates", "precision", "threads")
    fixed = Fixed(
        {name: value for name, value in model.config.to_json().items() if name != "scheme"},
        {name: value for name, value in record.items() if name not in derived},
    )

    def train(size: int) -> "Tagger":
        updates = max(1, round(record["updates"] * math.sqrt(size / len(data.train))))
        part = dataclasses.replace(
            request,
            data=request.data.replace(sentences=size),
            minutes=None,
            epochs=None,
            updates=updates,
            precision=record["precision"],
            threads=record["threads"],
            test=(),
            fixed=fixed,
        )
        with tempfile.TemporaryDirectory(prefix="elman-curve-") as folder:
            train_model(part, out=Path(folder, "tagger"), start=None, progress=Progress(), pictures=False)
            tagger = load(Path(folder, "tagger"))
            tagger.keep_in_memory()
        return tagger

    def evaluate(tagger: "Tagger") -> dict[str, Any]:
        found = evaluate_sentences(tagger, sentences)
        return {found.headline: found.scores.figures[found.headline]._asdict()}

    return learning_curve(len(data.train), train=train, evaluate=evaluate, progress=progress)


def evaluate_sentences(
    model: "Tagger",
    sentences: Sequence[TaggedSentence],
    *,
    known: set[str] | None = None,
    rivals: Sequence[TagRival] = (),
    notes: Sequence[str] = (),
    progress: Progress | None = None,
) -> TagReport:
    """The figures of a model on tagged sentences.

    Args:
        known: the words of its training part.
        rivals: trained on the same part.
    """
    words, truth = [each.words for each in sentences], [each.tags for each in sentences]
    predicted, sure = [], []
    with (progress or Progress()).stage("tagging", total=sum(map(len, words)), unit="words") as advance:
        for tagged in model.predictions(sentences):
            predicted.append(tagged.tags)
            sure.append(tagged.word_probabilities)
            advance(len(tagged.tags))
    return evaluate_tags(
        words,
        truth,
        predicted,
        scheme=model.scheme,
        known=known,
        probabilities=sure,
        rivals=predictions(rivals, words),
        model=str(model.describe()["name"]),
        signature=tags_signature(
            model=f"{model.config.cell}-{model.model_hash[:8]}",
            data=hash_of(sentences),
            labels=len(model.labels),
            scheme=model.scheme,
        ),
        notes=notes,
    )


def trained_rivals(
    data: TaggedData, *, skip: bool = False, progress: Progress | None = None
) -> tuple[list[TagRival], list[str]]:
    """The simple rivals, trained on the same sentences, and a note for each that cannot be.

    Args:
        skip: whether only the most frequent tag is compared.
    """
    rivals, notes = rivals_of(scheme=data.scheme)
    if skip:
        rivals, notes = rivals[:1], []
    words, tags = [each.words for each in data.train], [each.tags for each in data.train]
    return [rival.fit(words, tags, progress=progress) for rival in rivals], notes


def training_data(model: "Tagger") -> tuple[TaggedData | None, str]:
    """The data of its training, if it still exists and is the same; otherwise why not."""

    def read(request: TagRequest) -> TaggedData:
        return read_data(request, tags=model.label_set, progress=Progress())

    return TagRequest.data_of_training(model, read)


def _seen(sentences: Sequence[TaggedSentence], train: Sequence[TaggedSentence]) -> list[str]:
    """A note if many of the sentences are also in the training part; some short ones always are."""
    known = {each.words for each in train}
    shared = sum(each.words in known for each in sentences)
    if 4 * shared <= len(sentences):
        return []
    return [
        f"{shared:,} of {len(sentences):,} sentences are also in the training part: figures on them say little about "
        "new ones"
    ]


def _in_scheme(
    sentences: Sequence[TaggedSentence], scheme: str | None, config: TagDataConfig
) -> Sequence[TaggedSentence]:
    """Sentences in the scheme of the model; those in it already keep their mistakes, which count.

    Raises:
        TextError: tags break the rules of their scheme, and the configuration is strict.
    """
    if scheme is None:
        return sentences
    read, report = in_scheme(sentences, scheme, scheme=config.scheme, strict=config.strict)
    if report.scheme != scheme:
        return read
    return [dataclasses.replace(each, tags=with_outside(each.tags)) for each in sentences]
