"""The data of a text classifier: read and split; labels and tokens are fitted on the training part
only."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from elman.data.example_splits import ExampleSplits, duplicates_between, split_examples
from elman.data.examples import Example, ReadReport, read_examples
from elman.data.labels import LabelSet
from elman.errors import TextError, UsageError
from elman.progress import Progress
from elman.tasks.classify.request import ClassifyRequest, LabelledTextConfig
from elman.tasks.classify.texts import LabelledTexts, encode_examples, hash_of
from elman.text.tokenizer import Tokenizer

_MOST_MEMORY = 2.0
"""Gigabytes that the probabilities of all labels may take."""
_BYTES_PER_PROBABILITY = 40
"""Bytes, as measured: logits and probabilities in float64, those of rivals, and what is computed
from them."""


@dataclasses.dataclass(frozen=True)
class LabelledData:
    """The three parts, and what was fitted on the first."""

    tokenizer: Tokenizer
    labels: LabelSet
    train: LabelledTexts
    valid: LabelledTexts
    test: LabelledTexts | None
    hash: str
    train_hash: str
    notes: tuple[str, ...]

    def about(self) -> dict[str, Any]:
        """For the model card."""
        parts = {"train": self.train, "valid": self.valid, "test": self.test}
        counts: dict[str, dict[str, Any]] = {
            name: {"examples": len(part.rows)} for name, part in parts.items() if part is not None
        }
        counts["train"]["hash"] = self.train_hash
        labels = dict(zip(self.labels.names, self.labels.counts, strict=True))
        return {"hash": self.hash, **counts, "labels": labels}


def read_data(
    request: ClassifyRequest,
    *,
    tokenizer: Tokenizer | None = None,
    labels: LabelSet | None = None,
    more: Sequence[str] = (),
    progress: Progress,
) -> LabelledData:
    """Read the examples for a training.

    Args:
        more: words that are types however often they occur.
        tokenizer, labels: those of an interrupted training, or the tokenizer of a language model.

    Raises:
        TextError: anything wrong with the data.
        UsageError: labels that cannot be learned.
    """
    config = request.data
    notes: list[str] = []
    train, valid, test = request.examples or _splits(request, notes, progress)
    hashed = hash_of(train, valid, test)
    labels = labels or LabelSet.fit(train)
    _check_memory(labels, train, (valid, test), multi_label=config.multi_label)
    notes += labels.notes
    for name, part in (("validation", valid), ("test", test)):
        unknown = labels.unknown(part)
        if unknown:
            shown = ", ".join(f"{label!r} ({count})" for label, count in list(unknown.items())[:5])
            notes.append(f"labels of the {name} part that training does not have, left out: {shown}")
        twice = duplicates_between(train, part)
        if twice:
            notes.append(f"{twice:,} of {len(part):,} texts of the {name} part also stand in the training part")
    if tokenizer is None:
        tokenizer = config.fit([example.text for example in train], more=more)
    how: dict[str, Any] = {
        "tokenizer": tokenizer,
        "labels": labels,
        "multi_label": config.multi_label,
        "most": config.max_tokens,
    }
    encoded = encode_examples(train, **how), encode_examples(valid, **how)
    tested = encode_examples(test, **how) if test else None
    if not encoded[1].rows:
        raise TextError("no example of the validation part has a label that training has; give another --valid")
    data = LabelledData(tokenizer, labels, *encoded, tested, hashed, hash_of(train), tuple(notes))
    _tell(data, progress)
    return data


def _check_memory(
    labels: LabelSet, train: Sequence[Example], held_out: Sequence[Sequence[Example]], *, multi_label: bool
) -> None:
    """Refuse more labels and examples than fit into memory.

    Raises:
        UsageError: they do not.
    """
    largest = max(map(len, held_out))
    needed = len(labels) * (_BYTES_PER_PROBABILITY * largest + multi_label * len(train)) / 1e9
    if needed > _MOST_MEMORY:
        raise UsageError(
            f"{len(labels):,} labels and {largest:,} examples to measure on would take {needed:.1f} GB of memory, and "
            f"{_MOST_MEMORY:g} GB are allowed; if --label is the right field, merge rare labels, or give smaller "
            "files as --valid and --test"
        )


def _splits(request: ClassifyRequest, notes: list[str], progress: Progress) -> ExampleSplits:
    """The parts that the user named, and those that are held out of the first."""
    config = request.data
    train = _read(request.sources, config, notes, "training", progress)
    valid = _read(request.valid, config, notes, "validation", progress) if request.valid else []
    test = _read(request.test, config, notes, "test", progress) if request.test else []
    LabelSet.fit(train)  # with one label only, no part could be held out either
    if not valid:
        train, valid, held_out = split_examples(train, test=not request.test)
        test = test or held_out
    return ExampleSplits(train, valid, test)


def _read(
    sources: Sequence[str], config: LabelledTextConfig, notes: list[str], name: str, progress: Progress
) -> list[Example]:
    report = ReadReport()
    examples = list(read_examples(list(sources), config=config, progress=progress, report=report))
    progress.say(f"{name}: {report}")
    notes += [note for note in report.notes if note not in notes]
    return examples


def _tell(data: LabelledData, progress: Progress) -> None:
    for note in data.notes:
        progress.say(f"note: {note}")
    counts = [f"{len(data.train.rows):,} training examples", f"{len(data.valid.rows):,} to validate"]
    counts += [f"{len(data.test.rows):,} to test"] if data.test else []
    tokenizer = data.tokenizer
    progress.say(
        f"{', '.join(counts)} (hash {data.hash[:12]}); {len(data.labels)} labels; level {tokenizer.config.level}, "
        f"{tokenizer.size} types"
    )
