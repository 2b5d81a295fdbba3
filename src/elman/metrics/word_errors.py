"""Word error rate: substitutions, deletions and insertions of a least-cost alignment.

    WER = (S + D + I) / words of the reference

Several alignments can cost the same. The one chosen here is that of jiwer (that of rapidfuzz):
after the common beginning and end are taken away, it is read from the end; a deletion goes before
an insertion, and that before a match or substitution. So all counts agree, not only their sum.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_CELLS = 1 << 22
"""About this many cells of alignment tables are computed at a time."""


@dataclass(frozen=True)
class WordErrors:
    """Counts of an alignment, or of several together.

    >>> word_errors("the cat sat".split(), "a cat sat down".split()) + WordErrors(hits=6)
    WordErrors(hits=8, substitutions=1, deletions=0, insertions=1)
    """

    hits: int = 0
    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0

    def __add__(self, other: "WordErrors") -> "WordErrors":
        return WordErrors(
            self.hits + other.hits,
            self.substitutions + other.substitutions,
            self.deletions + other.deletions,
            self.insertions + other.insertions,
        )

    @property
    def errors(self) -> int:
        """All errors."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def words(self) -> int:
        """Words of the reference."""
        return self.hits + self.substitutions + self.deletions

    @property
    def wer(self) -> float:
        """The word error rate; without any reference word the number of errors, as jiwer has it."""
        return self.errors / self.words if self.words else float(self.errors)

    def figures(self) -> dict[str, float]:
        """All figures under stable names."""
        counts = {name: getattr(self, name) for name in ("substitutions", "deletions", "insertions")}
        return {"wer": self.wer, "errors": self.errors, "words": self.words, **counts}


def word_errors(reference: Sequence[str], hypothesis: Sequence[str]) -> WordErrors:
    """The errors of one hypothesis; both may be empty."""
    start, shorter = 0, min(len(reference), len(hypothesis))
    while start < shorter and reference[start] == hypothesis[start]:
        start += 1
    end = 0
    while end < shorter - start and reference[-1 - end] == hypothesis[-1 - end]:
        end += 1
    wanted, found = reference[start : len(reference) - end], hypothesis[start : len(hypothesis) - end]
    costs = [list(range(len(found) + 1))]
    for row, word in enumerate(wanted, start=1):
        above, costs_here = costs[-1], [row]
        for column, other in enumerate(found, start=1):
            diagonal = above[column - 1] + (word != other)
            costs_here.append(min(diagonal, above[column] + 1, costs_here[-1] + 1))
        costs.append(costs_here)
    hits, substitutions, deletions, insertions = start + end, 0, 0, 0
    row, column = len(wanted), len(found)
    while row and column:
        if costs[row][column] == costs[row - 1][column] + 1:
            deletions, row = deletions + 1, row - 1
        elif column > 1 and costs[row][column - 1] == costs[row - 1][column - 1] - 1:
            insertions, column = insertions + 1, column - 1
        else:
            same = wanted[row - 1] == found[column - 1]
            hits, substitutions = hits + same, substitutions + (not same)
            row, column = row - 1, column - 1
    return WordErrors(hits, substitutions, deletions + row, insertions + column)


def edit_distances(
    references: Sequence[Sequence[str]], hypotheses: Sequence[Sequence[Sequence[str]]]
) -> list[NDArray[np.int64]]:
    """The errors of every hypothesis of every list: for each reference, one number a hypothesis.

    They equal ``word_errors(...).errors``; whole tables are computed at a time.

    >>> [found.tolist() for found in edit_distances([["a", "b"]], [[["a"], [], ["a", "b"], ["b", "a"]]])]
    [[1, 2, 0, 2]]
    """
    numbers: dict[str, int] = {}
    pairs = [
        (np.array([numbers.setdefault(word, len(numbers)) for word in wanted], np.int64),
         np.array([numbers.setdefault(word, len(numbers)) for word in found], np.int64))
        for wanted, several in zip(references, hypotheses, strict=True)
        for found in several
    ]  # fmt: skip
    distances = np.zeros(len(pairs), np.int64)
    order = sorted(range(len(pairs)), key=lambda pair: (len(pairs[pair][1]), len(pairs[pair][0])))
    begin = 0
    while begin < len(order):
        end, width = begin, 1
        while end < len(order) and (end - begin + 1) * (width := len(pairs[order[end]][1]) + 1) <= max(_CELLS, width):
            end += 1
        some = order[begin:end]
        distances[some] = _distances([pairs[pair] for pair in some])
        begin = end
    return np.split(distances, np.cumsum([len(several) for several in hypotheses])[:-1]) if hypotheses else []


def _distances(pairs: Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]]) -> NDArray[np.int64]:
    rows = max(len(wanted) for wanted, _ in pairs)
    columns = np.arange(max(len(found) for _, found in pairs) + 1)
    wanted, found = np.full((len(pairs), rows), -1), np.full((len(pairs), len(columns) - 1), -2)
    for pair, (reference, hypothesis) in enumerate(pairs):
        wanted[pair, : len(reference)], found[pair, : len(hypothesis)] = reference, hypothesis
    lengths = np.array([(len(reference), len(hypothesis)) for reference, hypothesis in pairs])
    costs = np.tile(columns, (len(pairs), 1))
    distances = np.where(lengths[:, 0] == 0, lengths[:, 1], 0)
    for row in range(rows):
        changed = np.empty_like(costs)
        changed[:, 0] = row + 1
        np.minimum(costs[:, 1:] + 1, costs[:, :-1] + (wanted[:, row, None] != found), out=changed[:, 1:])
        # An insertion costs one a column, so that its chains are minima of costs less their column.
        costs = np.minimum.accumulate(changed - columns, axis=1) + columns
        done = np.flatnonzero(lengths[:, 0] == row + 1)
        distances[done] = costs[done, lengths[done, 1]]
    return distances
