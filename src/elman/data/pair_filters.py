"""Pairs that teach nothing or harm: they are left out of the training part, and counted.

Corpora of pairs are gathered by machines: some targets are empty, belong to another source, or are
the source itself (Khayrallah and Koehn, "On the impact of various types of noise on neural machine
translation", 2018). The limits follow from the data, so that they hold for dates as well as for
sentences.
"""

import dataclasses
import math
from collections import Counter
from collections.abc import Sequence
from statistics import median
from typing import Literal

from elman.config import Config
from elman.data.pairs import Pairs
from elman.errors import TextError
from elman.text.encoding_guess import script_of

_SMOOTHING = 10
"""Characters added to both lengths, so that short texts may differ more."""
_RARE_SCRIPT = 0.05
_SAME_LANGUAGE = 0.5


@dataclasses.dataclass(frozen=True, kw_only=True)
class FilterConfig(Config):
    """Which pairs are left out of training; those with an empty side always are."""

    max_chars: int = 1000
    """Longest source or target, in characters; longer pairs are left out of training."""
    max_ratio: float = 5.0
    """Pairs whose lengths differ so many times more than usual are left out of training."""
    identical: Literal["auto", "keep", "drop"] = "auto"
    """Pairs whose source is the target: keep or drop them; auto drops them unless most words of the
    other pairs are the same on both sides, as in corrections."""
    any_script: bool = False
    """Keep texts whose letters are mostly of a script that is rare on their side of the data."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("max_chars", self.max_chars >= 1, "at least 1")
        self.require("max_ratio", self.max_ratio > 1, "above 1, such as 5")


def filter_pairs(pairs: Pairs, config: FilterConfig | None = None) -> tuple[Pairs, dict[str, int]]:
    """The pairs to train on, and how many were left out for each reason; the first one counts.

    Raises:
        TextError: none is left.

    >>> pairs = Pairs(["ein Haus", "Oslo", "zwei"], ["a house", "Oslo", ""])
    >>> filter_pairs(pairs)
    (Pairs(source=['ein Haus'], target=['a house']), {'source and target identical': 1, 'an empty side': 1})
    """
    config = config or FilterConfig()
    full = [bool(source and target) for source, target in pairs]
    usual = median([_log_ratio(*pair) for pair, each in zip(pairs, full, strict=True) if each] or [0.0])
    drops_identical = config.identical == "drop" or (config.identical == "auto" and not same_language(pairs))
    foreign = [frozenset() if config.any_script else _rare_letters(side) for side in (pairs.source, pairs.target)]

    def reason(source: str, target: str) -> str:
        if not source or not target:
            return "an empty side"
        if max(len(source), len(target)) > config.max_chars:
            return f"more than {config.max_chars:,} characters"
        if drops_identical and source == target:
            return "source and target identical"
        if any(_mostly(text, rare) for text, rare in zip((source, target), foreign, strict=True)):
            return "another script"
        if abs(_log_ratio(source, target) - usual) > math.log(config.max_ratio):
            return f"lengths that differ more than {config.max_ratio:g} times from the usual"
        return ""

    reasons = [reason(source, target) for source, target in pairs]
    counts = dict(Counter(filter(None, reasons)).most_common())
    kept = pairs.take(row for row, each in enumerate(reasons) if not each)
    if not len(kept):
        raise TextError(f"no pair is left to train on; {left_out(len(pairs), counts)}")
    return kept, counts


def left_out(pairs: int, counts: dict[str, int]) -> str:
    """A sentence on what ``filter_pairs`` left out; empty if nothing.

    >>> left_out(1000, {"an empty side": 3, "another script": 1})
    '4 of 1,000 pairs left out: 3 with an empty side, 1 with another script'
    """
    if not counts:
        return ""
    parts = ", ".join(f"{count:,} with {reason}" for reason, count in counts.items())
    return f"{sum(counts.values()):,} of {pairs:,} pairs left out: {parts}"


def _log_ratio(source: str, target: str) -> float:
    return math.log((len(target) + _SMOOTHING) / (len(source) + _SMOOTHING))


def same_language(pairs: Pairs) -> bool:
    """Whether most words of the targets are words of their sources, in pairs that are not
    identical."""
    shared = words = 0
    for source, target in pairs:
        if source and target and source != target:
            of_target = Counter(target.split())
            words += of_target.total()
            shared += (of_target & Counter(source.split())).total()
    return shared > _SAME_LANGUAGE * words


def _rare_letters(texts: Sequence[str]) -> frozenset[str]:
    """The letters of scripts that have less than a twentieth of all letters."""
    letters = Counter[str]()
    for text in texts:
        letters.update(text)
    letters = Counter({char: count for char, count in letters.items() if char.isalpha()})
    scripts = Counter[str]()
    for char, count in letters.items():
        scripts[script_of(char)] += count
    rare = {script for script, count in scripts.items() if count < _RARE_SCRIPT * scripts.total()}
    return frozenset(char for char in letters if script_of(char) in rare)


def _mostly(text: str, letters: frozenset[str]) -> bool:
    if letters.isdisjoint(text):
        return False
    return 2 * sum(char in letters for char in text) > sum(map(str.isalpha, text))
