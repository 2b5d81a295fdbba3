"""The data of a tagger: read and split; tags and words are fitted on the training part only."""

import dataclasses
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.example_splits import hold_out_tenth, random_part
from elman.data.examples import Example
from elman.data.labels import LabelSet
from elman.data.tag_schemes import in_scheme
from elman.data.tagged import TaggedSentence, read_tagged
from elman.errors import TextError, UsageError
from elman.metrics.span_schemes import allowed
from elman.progress import Progress, counted
from elman.tasks.tag.request import TagDataConfig, TagRequest
from elman.tasks.tag.sentences import hash_of

_SHOWN = 5


@dataclasses.dataclass(frozen=True)
class TaggedData:
    """The three parts, and what was fitted on the first."""

    tags: LabelSet
    scheme: str | None
    """How tags mark spans; None for tags that mark words."""
    train: list[TaggedSentence]
    valid: list[TaggedSentence]
    test: list[TaggedSentence]
    hash: str
    notes: tuple[str, ...]

    def about(self) -> dict[str, Any]:
        """For the model card."""
        parts = {"train": self.train, "valid": self.valid, **({"test": self.test} if self.test else {})}
        counts = {
            name: {"sentences": len(part), "words": sum(map(len, part)), "hash": hash_of(part)}
            for name, part in parts.items()
        }
        tags = dict(zip(self.tags.names, self.tags.counts, strict=True))
        return {"hash": self.hash, **counts, "tags": tags, "scheme": self.scheme}


def read_data(request: TagRequest, *, tags: LabelSet | None = None, progress: Progress) -> TaggedData:
    """Read the sentences for a training.

    Args:
        tags: those of an interrupted training.

    Raises:
        TextError: anything wrong with the data.
        UsageError: tags that cannot be learned.
    """
    config = request.data
    train, valid, test = (
        list(read_sentences(sources, config, progress)) if sources else []
        for sources in (request.sources, request.valid, request.test)
    )
    if not valid:
        train, valid = hold_out(train)
    if config.hold_out_test and not test:
        train, test = hold_out(train, "test", remainder=1)
    if config.sentences is not None:
        train = random_part(train, config.sentences)
    train, report = in_scheme(train, scheme=config.scheme, strict=config.strict)
    scheme, notes = report.scheme, [f"training part: {note}" for note in report.notes]
    if scheme is not None:
        valid, report = in_scheme(valid, scheme=scheme, strict=config.strict)
        test, more = in_scheme(test, scheme=scheme, strict=config.strict)
        notes += [f"validation part: {note}" for note in report.notes] + [f"test part: {note}" for note in more.notes]
    tags = tags or fit_tags(train)
    notes += tags.notes
    for name, part in (("validation", valid), ("test", test)):
        notes += unknown_tags(part, tags, name)
    data = TaggedData(tags, scheme, train, valid, test, hash_of(train, valid, test), tuple(notes))
    _tell(data, progress)
    return data


def read_sentences(sources: Sequence[str], config: TagDataConfig, progress: Progress) -> Iterable[TaggedSentence]:
    """The tagged sentences of files, without empty ones.

    Raises:
        TextError: there are none.
    """
    sentences = read_tagged(list(sources), config=config, progress=progress)
    found = [sentence for sentence in sentences if sentence.words]
    if not found:
        raise TextError(f"{', '.join(sources)}: no sentence with words in it; give tagged sentences")
    return found


def hold_out(
    sentences: Sequence[TaggedSentence], part: str = "valid", *, remainder: int = 0
) -> tuple[list[TaggedSentence], list[TaggedSentence]]:
    """A training part, and one sentence in ten for validation or test.

    Args:
        part: what is held out, by its flag.
        remainder: which tenth.

    Raises:
        TextError: too few sentences.
    """
    return hold_out_tenth(
        sentences, lambda sentence: "\x00".join(sentence.words), unit="sentences", part=part, remainder=remainder
    )


def fit_tags(train: Sequence[TaggedSentence]) -> LabelSet:
    """The tags of the training part.

    Raises:
        UsageError: fewer than two, so that there is nothing to learn.
    """
    names = {tag for sentence in train for tag in sentence.tags}
    if len(names) == 1:
        (name,) = names
        raise UsageError(f"every word has the tag {name!r}, so there is nothing to learn; is --field the right one?")
    return LabelSet.fit(Example("", (tag,), "", 0) for sentence in train for tag in sentence.tags)


def unknown_tags(part: Sequence[TaggedSentence], tags: LabelSet, name: str) -> list[str]:
    """A note on the tags of a part that training does not have."""
    counts = Counter(tag for sentence in part for tag in sentence.tags if tags.id_of(tag) is None)
    if not counts:
        return []
    shown = ", ".join(f"{tag!r} ({count})" for tag, count in counts.most_common(_SHOWN))
    return [f"tags of the {name} part that training does not have, counted as errors: {shown}"]


def transitions_of(tags: LabelSet, scheme: str | None) -> NDArray[np.bool_] | None:
    """Which tag may follow which ``[K + 1, K + 1]`` (``nn.crf.Crf``); None if all may.

    >>> tags = LabelSet(("B-x", "I-x", "O"), (1, 1, 2), 4)
    >>> transitions_of(tags, "BIO").astype(int).tolist()  # O I-x, and a start with I-x, are forbidden
    [[1, 1, 1, 1], [1, 1, 1, 1], [1, 0, 1, 1], [1, 0, 1, 1]]
    """
    if scheme is None:
        return None
    names = (*tags.names, None)
    return np.array([[allowed(before, tag, scheme) for tag in names] for before in names], np.bool_)


def _tell(data: TaggedData, progress: Progress) -> None:
    for note in data.notes:
        progress.say(f"note: {note}")
    words = sum(map(len, data.train))
    counts = [
        f"{counted(len(data.train), 'training sentence')} ({counted(words, 'word')})",
        f"{len(data.valid):,} to validate",
    ]
    counts += [f"{len(data.test):,} to test"] if data.test else []
    scheme = f" ({data.scheme})" if data.scheme else ""
    progress.say(f"{', '.join(counts)} (hash {data.hash[:12]}); {len(data.tags)} tags{scheme}")
