"""The figures of a text classifier, next to those of its rivals."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from elman.data.example_splits import split_examples
from elman.data.examples import Example, ReadReport, read_examples
from elman.errors import TextError, UsageError
from elman.evaluation.labels import LabelReport, evaluate_labels, labels_signature
from elman.evaluation.rivals import Majority, Rival, rivals_of
from elman.progress import Progress
from elman.tasks.classify.data import LabelledData, read_data
from elman.tasks.classify.request import ClassifyRequest, LabelledTextConfig
from elman.tasks.classify.texts import LabelledTexts, data_hash_of, encode_examples, hash_of

if TYPE_CHECKING:
    from elman.tasks.classify.model import TextClassifier


_MOST_LABELS = 500
"""With more labels than this, the weights of TF-IDF would fill the memory."""
_MOST_CHARS = 50_000
"""TF-IDF reads this much of a text."""


def _shortened(texts: Sequence[str]) -> list[str]:
    return [text[:_MOST_CHARS] for text in texts]


def trained_rivals(data: LabelledData, *, skip: bool = False, progress: Progress) -> tuple[list[Rival], list[str]]:
    """The simple rivals, trained on the same split, and a note for each that cannot be trained
    here.

    Args:
        skip: whether only the majority label is compared.
    """
    rivals, notes = rivals_of(labels=len(data.labels))
    if len(data.labels) > _MOST_LABELS and len(rivals) > 1:
        name, count = rivals[1].name, len(data.labels)
        rivals, notes = (
            rivals[:1],
            [f"{name} was not compared: it has a weight for each n-gram and each of {count:,} labels"],
        )
    if skip:
        rivals, notes = rivals[:1], ["the rival was left out (--no-rival)"]
    train, valid = data.train, data.valid
    for rival in rivals:
        with progress.stage(f"training the rival: {rival.name}"):
            held_out = _shortened(valid.texts), valid.targets
            rival.fit(_shortened(train.texts), train.targets, valid=held_out)
    return rivals, notes


def evaluate_sources(
    model: "TextClassifier", sources: Sequence[str], *, settings: Mapping[str, Any], rival: bool, progress: Progress
) -> LabelReport:
    """The figures of a model on the labelled texts of files.

    Args:
        settings: fields of ``ExamplesConfig``; by default as in training.
        rival: whether TF-IDF is trained again for comparison, if the training data still exists.
    """
    request = ClassifyRequest.of_training(model.folder)
    config = LabelledTextConfig() if request is None else request.data
    config = config.replace(**settings)
    report = ReadReport()
    examples = list(read_examples(list(sources), config=config, progress=progress, report=report))
    progress.say(str(report))
    notes = list(report.notes)
    unknown = model.label_set.unknown(examples)
    if unknown:
        shown = ", ".join(f"{label!r} ({count})" for label, count in list(unknown.items())[:5])
        notes.append(f"labels that training did not have, left out: {shown}")
    part = encode_examples(
        examples,
        tokenizer=model.tokenizer,
        labels=model.label_set,
        multi_label=model.config.multi_label,
        most=model.config.max_tokens,
    )
    if not part.rows:
        came = ", ".join(map(repr, list(unknown)[:5])) or "none"
        known = ", ".join(map(repr, model.labels[:10])) + (", ..." if len(model.labels) > 10 else "")
        raise UsageError(f"no example has a label that this model knows (labels: {came}); it knows: {known}")
    if _seen_in_training(model, examples):
        notes.append("the model was trained on most of these examples: figures on them say little about new texts")
    rivals, more = _rivals(model, request if rival else None, progress)
    return evaluate_part(model, part, rivals=rivals, notes=[*notes, *more])


def _seen_in_training(model: "TextClassifier", examples: Sequence[Example]) -> bool:
    """Whether these are the examples of its training, from the hash in the model card."""
    data = model.card.get("data", {})
    wanted = data.get("hash")
    if hash_of(examples) == data.get("train", {}).get("hash", ""):
        return True
    for test in (True, False):
        try:
            if hash_of(*split_examples(examples, test=test)) == wanted:
                return True
        except TextError:  # too few to hold some out
            continue
    return False


def _rivals(
    model: "TextClassifier", request: ClassifyRequest | None, progress: Progress
) -> tuple[list[Rival], list[str]]:
    """The rivals of its training, trained again if the data still exists and is the same."""
    labels = model.label_set
    counted = Majority(labels=len(labels)).fit([], np.repeat(np.arange(len(labels)), labels.counts))
    if request is None:
        return [counted], []

    def read(request: ClassifyRequest) -> LabelledData:
        return read_data(request, tokenizer=model.tokenizer, labels=labels, progress=Progress())

    data, why = ClassifyRequest.data_of_training(model, read)
    if data is None:
        return [counted], [f"TF-IDF was not compared: {why}"]
    return trained_rivals(data, skip=not request.rival, progress=progress)


def evaluate_part(
    model: "TextClassifier", part: LabelledTexts, *, rivals: Sequence[Rival] = (), notes: Sequence[str] = ()
) -> LabelReport:
    """The figures of a model on labelled texts."""
    probabilities = model.probabilities_of(model.logits(part.texts, part.rows))
    beside: Mapping[str, NDArray[Any]] = {rival.name: rival.predict_proba(_shortened(part.texts)) for rival in rivals}
    return evaluate_labels(
        part.targets,
        probabilities,
        names=model.labels,
        rivals=beside,
        texts=part.texts,
        model=str(model.describe()["name"]),
        signature=labels_signature(
            model=f"{model.config.cell}-{model.model_hash[:8]}",
            data=data_hash_of(part),
            labels=len(model.labels),
        ),
        notes=notes,
    )
