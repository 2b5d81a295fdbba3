"""Splits of examples into training, validation and test, and texts that occur in several parts.

The split depends on the texts, their labels and the seed alone, never on the order of the files.
Examples with equal texts are always in the same part.
"""

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeVar

import numpy as np

from elman.data.examples import Example, normalise_text
from elman.data.labels import sort_key
from elman.errors import TextError, UsageError
from elman.progress import counted

Item = TypeVar("Item")
_FEWEST = 10
_HELD_OUT = 10
"""``hold_out_tenth`` takes one in this many."""


def random_part(examples: Sequence[Item], size: int, *, seed: int = 1) -> list[Item]:
    """So many of the examples, drawn at random, in their own order; all if there are no more.

    A smaller part is always within a larger one of the same examples and the same seed.

    >>> random_part("abcdefgh", 3), random_part("abcdefgh", 5)
    (['a', 'b', 'f'], ['a', 'b', 'c', 'e', 'f'])
    """
    order = np.random.default_rng(seed).permutation(len(examples))
    return [examples[int(index)] for index in sorted(order[:size])]


def hold_out_tenth(
    items: Sequence[Item], text_of: Callable[[Item], str], *, unit: str, part: str = "valid", remainder: int = 0
) -> tuple[list[Item], list[Item]]:
    """A training part, and one item in ten for validation or test.

    The text of an item decides, so the order of files changes nothing and equal texts stay
    together.

    Args:
        unit: what items are called.
        part: what is held out, by its flag.
        remainder: which tenth.

    >>> train, valid = hold_out_tenth(range(100), str, unit="numbers")
    >>> len(train), valid[:3]
    (91, [11, 46, 70])

    Raises:
        TextError: too few items.
    """
    parts: tuple[list[Item], list[Item]] = ([], [])
    for item in items:
        digest = hashlib.sha256(text_of(item).encode()).digest()
        parts[int.from_bytes(digest[:4], "big") % _HELD_OUT == remainder].append(item)
    if len(items) < _FEWEST or not all(parts):
        raise TextError(f"{len(items)} {unit} are too few to hold some out; give more, or --{part} FILE")
    return parts


class ExampleSplits(NamedTuple):
    """The parts of a set of examples, each in the order of the whole."""

    train: list[Example]
    valid: list[Example]
    test: list[Example]
    """Empty unless requested."""


def split_examples(
    examples: Sequence[Example], share: float = 0.1, *, test: bool = False, seed: int = 0
) -> ExampleSplits:
    """Hold out about ``share`` of the examples of each label for validation, and for test if asked.

    The last training example of a label is never held out, so a label that is seen once stays in
    training. An example with several labels counts for the rarest of them.

    Args:
        share: above 0 and at most 0.25.

    Raises:
        UsageError: the share is out of its range.
        TextError: there are too few examples to hold some out.

    >>> examples = [Example(f"text {n}", (str(n % 2),), "a.csv", n) for n in range(20)]
    >>> [len(part) for part in split_examples(examples, 0.1, test=True)]
    [16, 2, 2]
    """
    if not 0 < share <= 0.25:
        raise UsageError.of("share", share, "above 0 and at most 0.25: the part held out for validation")
    names = ("valid", "test") if test else ("valid",)
    digests = [_digest(example.text, seed) for example in examples]
    part_of_text = _assign(examples, digests, share=share, parts=len(names))
    parts: tuple[list[Example], ...] = ([], [], [])
    for example, digest in zip(examples, digests, strict=True):
        parts[part_of_text.get(digest, 0)].append(example)
    for number, name in enumerate(names, start=1):
        if not parts[number]:
            raise TextError(
                f"{counted(len(examples), 'example')} with {counted(len(set(digests)), 'different text')}: too few to "
                f"hold some out for {name} (equal texts stay together, labels seen once in training); give more, or "
                f"--{name} FILE"
            )
    return ExampleSplits(*parts)


def duplicates_between(train: Iterable[Example], other: Iterable[Example]) -> int:
    """How many examples of ``other`` have a text that occurs in ``train``, both in normal form.

    >>> one, two = Example("good", ("1",), "a.csv", 1), Example("bad", ("0",), "b.csv", 1)
    >>> duplicates_between([one], [one, two, one])
    2
    """
    seen = {_digest(example.text, 0) for example in train}
    return sum(_digest(example.text, 0) in seen for example in other)


class _Group:
    """All examples of one text."""

    __slots__ = ("labels", "size")

    def __init__(self) -> None:
        self.size = 0
        self.labels: list[str] = []


def _assign(examples: Sequence[Example], digests: Sequence[bytes], *, share: float, parts: int) -> dict[bytes, int]:
    """The part, 1 or 2, of each text that is held out, by the digest of the text."""
    groups: dict[bytes, _Group] = {}
    in_training: Counter[str] = Counter()
    for example, digest in zip(examples, digests, strict=True):
        group = groups.get(digest)
        if group is None:
            group = groups[digest] = _Group()
        group.size += 1
        group.labels += example.labels
        in_training.update(example.labels)
    ranks = {label: (count, sort_key(label)) for label, count in in_training.items()}
    strata: dict[str, list[bytes]] = {}
    for digest in sorted(groups):
        rarest = min(groups[digest].labels, key=ranks.__getitem__, default="")
        strata.setdefault(rarest, []).append(digest)

    held_out: dict[bytes, int] = {}
    owed = [0.0] * parts
    for label in sorted(strata, key=sort_key):
        if len(strata[label]) == 1:
            continue
        size = sum(groups[digest].size for digest in strata[label])
        # Rounding remainders are carried to the next label, so that many small labels together give
        # their share. No label gives more than one text or twice its own share.
        owed = [amount + share * size for amount in owed]
        most, taken = math.ceil(2 * share * size), [0] * parts
        for digest in strata[label]:
            group = groups[digest]
            fitting = (
                part
                for part in range(parts)
                if group.size / 2 <= owed[part] and (not taken[part] or taken[part] + group.size <= most)
            )
            part = next(fitting, None)
            if part is None or not _stays_in_training(group, in_training):
                continue
            held_out[digest] = part + 1
            owed[part] -= group.size
            taken[part] += group.size
            in_training.subtract(group.labels)
    return held_out


def _stays_in_training(group: _Group, in_training: Counter[str]) -> bool:
    """Whether every label of a group stays in training without it."""
    return all(in_training[label] > count for label, count in Counter(group.labels).items())


def _digest(text: str, seed: int) -> bytes:
    return hashlib.blake2b(f"{seed}:{normalise_text(text)}".encode(errors="surrogatepass"), digest_size=16).digest()
