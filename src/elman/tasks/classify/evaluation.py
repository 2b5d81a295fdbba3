"""The figures of a text classifier, with its rivals' beside them."""

from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from elman.evaluation.labels import LabelReport, evaluate_labels, labels_signature
from elman.evaluation.rivals import Rival, rivals_of
from elman.progress import Progress
from elman.tasks.classify.data import LabelledData
from elman.tasks.classify.model import TextClassifier
from elman.tasks.classify.texts import LabelledTexts, data_hash_of


def trained_rivals(data: LabelledData, *, skip: bool = False, progress: Progress) -> tuple[list[Rival], list[str]]:
    """The simple rivals, trained on the same split; and a note for each that cannot be trained here.

    Args:
        skip: whether only the majority label is compared.
    """
    rivals, notes = rivals_of(labels=len(data.labels))
    if skip:
        rivals, notes = rivals[:1], ["the rival was left out (--no-rival)"]
    train, valid = data.train, data.valid
    for rival in rivals:
        with progress.stage(f"training the rival: {rival.name}"):
            rival.fit(train.texts, train.targets, valid=(valid.texts, valid.targets))
    return rivals, notes


def evaluate_part(
    model: TextClassifier, part: LabelledTexts, *, rivals: Sequence[Rival] = (), notes: Sequence[str] = ()
) -> LabelReport:
    """The figures of a model on labelled texts."""
    probabilities = model.probabilities_of(model.encoder.logits(part.rows))
    beside: Mapping[str, NDArray[Any]] = {rival.name: rival.predict_proba(part.texts) for rival in rivals}
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
