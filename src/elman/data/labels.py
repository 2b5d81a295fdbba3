"""The labels of a task: fitted on the training part alone, then frozen."""

import dataclasses
import json
import re
from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from functools import cached_property

from elman.data.examples import Example, normalise_text
from elman.errors import UsageError
from elman.text.tokenizer_json import damaged, parse

LABELS_FILE = "labels.json"
MOST_LABELS = 65_536

_FORMAT = 1
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
_MOST_BYTES = 1 << 28
_SHOWN = 10


@dataclasses.dataclass(frozen=True)
class LabelSet:
    """Labels in order, ids ``0 .. K-1``: numbers by their value, then words by their characters.

    >>> examples = [Example("good", ("pos",), "a.csv", 2), Example("bad", ("neg",), "a.csv", 3)]
    >>> labels = LabelSet.fit(examples)
    >>> labels.names, labels.id_of("pos"), labels.id_of("other")
    (('neg', 'pos'), 1, None)
    """

    names: tuple[str, ...]
    """The labels by id."""
    counts: tuple[int, ...]
    """How many examples of the training part have each label."""
    examples: int
    """How many examples the training part has."""

    @classmethod
    def fit(cls, examples: Iterable[Example]) -> "LabelSet":
        """The labels of the training part.

        Raises:
            UsageError: no example, fewer than two labels to tell apart, or more than 65,536.
        """
        counts: Counter[str] = Counter()
        total = 0
        for example in examples:
            total += 1
            counts.update(example.labels)
            if len(counts) > MOST_LABELS:
                raise UsageError(
                    f"more than {MOST_LABELS:,} different labels in {total:,} examples; is --label the right field?"
                )
        if not total:
            raise UsageError("no training examples; give some")
        names = tuple(sorted(counts, key=sort_key))
        if not names or (len(names) == 1 and counts[names[0]] == total):
            what = f"has the label {names[0]!r}" if names else "is without a label"
            raise UsageError(f"every example {what}, so there is nothing to learn; give examples of two labels or more")
        return cls(names, tuple(counts[name] for name in names), total)

    def __len__(self) -> int:
        return len(self.names)

    def id_of(self, label: str) -> int | None:
        """The id of a label; None if it is unknown."""
        return self._ids.get(label)

    def unknown(self, examples: Iterable[Example]) -> dict[str, int]:
        """How often other examples have each label that is not among these, most frequent first.

        >>> LabelSet(("a", "b"), (1, 1), 2).unknown([Example("text", ("c",), "a.csv", 1)])
        {'c': 1}
        """
        counts = Counter(label for example in examples for label in example.labels if label not in self._ids)
        return dict(sorted(counts.items(), key=lambda item: (-item[1], sort_key(item[0]))))

    @property
    def notes(self) -> list[str]:
        """Remarks about these labels, one sentence each."""
        rare = [name for name, count in zip(self.names, self.counts, strict=True) if count == 1]
        if not rare:
            return []
        shown = ", ".join(map(repr, rare[:_SHOWN])) + (", ..." if len(rare) > _SHOWN else "")
        what = "1 label was" if len(rare) == 1 else f"{len(rare):,} labels were"
        return [f"{what} seen once in training, too seldom to be learned or validated: {shown}"]

    def to_bytes(self) -> bytes:
        """The content of ``labels.json``."""
        content = {"format": _FORMAT, "examples": self.examples, "names": self.names, "counts": self.counts}
        return (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> "LabelSet":
        """Rebuild from ``to_bytes``.

        Raises:
            FolderError: the bytes are not what ``to_bytes`` writes.
        """
        if len(data) > _MOST_BYTES:
            raise damaged(LABELS_FILE, "it is too large")
        content = parse(data, name=LABELS_FILE)
        if content.get("format") != _FORMAT:
            raise damaged(LABELS_FILE, f"its format is {content.get('format')!r}, this version reads {_FORMAT}")
        names, counts, examples = content.get("names"), content.get("counts"), content.get("examples")
        if not isinstance(names, list) or not isinstance(counts, list) or type(examples) is not int:
            raise damaged(LABELS_FILE, "names, counts or examples are missing")
        try:
            "".join(names).encode()
        except (TypeError, UnicodeEncodeError):
            raise damaged(LABELS_FILE, "a name is not Unicode text") from None
        if not all(type(count) is int and 0 < count <= examples for count in counts) or len(counts) != len(names):
            raise damaged(LABELS_FILE, "the counts do not fit the names and the examples")
        if not 0 < len(names) <= MOST_LABELS or not all(name and normalise_text(name) == name for name in names):
            raise damaged(LABELS_FILE, f"it must have 1 to {MOST_LABELS:,} names in normal form")
        if len({*names}) < len(names) or sorted(names, key=sort_key) != names:
            raise damaged(LABELS_FILE, "a name occurs twice, or the names are out of order")
        labels = cls(tuple(names), tuple(counts), examples)
        if labels.to_bytes() != data:
            raise damaged(LABELS_FILE, "it is not as it was written")
        return labels

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {name: label_id for label_id, name in enumerate(self.names)}


def sort_key(label: str) -> tuple[int, Decimal, str]:
    """The sort key of labels: numbers first, by their value; words by their characters.

    >>> sorted(["10", "9", "b", "-1", "a"], key=sort_key)
    ['-1', '9', '10', 'a', 'b']
    """
    return (0, Decimal(label), label) if _NUMBER.fullmatch(label) else (1, Decimal(0), label)
