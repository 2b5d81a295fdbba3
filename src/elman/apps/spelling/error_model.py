"""The channel: how likely a word is typed as something else (Brill and Moore 2000).

An edit types a part ``meant`` of a word as ``typed``, both of up to three letters, so "ph" typed as
"f" is one edit. The cost of a misspelling is the least sum of costs of edits that make it (nats).
Words begin with ``^`` and end with ``$``, so an edit may know that it stands at an end.

Without pairs the costs are guesses by kind: neighbours on the keyboard, vowels, doubled letters,
exchanged neighbours, parts that sound alike. With pairs they are -log(count(meant typed so) /
count(meant)); of single letters, which always have a cost, the guesses count as ``_PRIOR``
observations.
"""

import math
from collections import Counter
from collections.abc import Iterable

from elman.apps.spelling.keyboard import NEIGHBOURS
from elman.apps.spelling.pairs import Pair

LONGEST = 3
"""Letters of a part."""
_PRIOR = 10.0
_DISCOUNT = 0.5
_BAND = 4
_MOST = 5
"""A pair that is seen more often counts as if seen so often, for few pairs would decide all."""
_VOWELS = frozenset("aeiouy")
_SOUNDS = (
    ("ph", "f"), ("ie", "ei"), ("ance", "ence"), ("ant", "ent"), ("able", "ible"), ("tion", "sion"), ("c", "s"),
    ("c", "k"), ("ck", "k"), ("s", "z"), ("gh", "g"), ("ght", "t"), ("qu", "kw"), ("x", "cs"), ("wh", "w"), ("kn", "n"),
    ("ou", "u"), ("ea", "ee"), ("ai", "ay"), ("oo", "u"), ("ch", "k"), ("sc", "s"), ("dge", "ge"), ("le", "el"),
    ("er", "or"), ("er", "ar"), ("y", "ie"), ("y", "i"), ("ful", "full"), ("cede", "ceed"), ("mb", "m"), ("wr", "r"),
)  # fmt: skip
EXCHANGED = 4.0
"""The cost of two neighbouring letters exchanged (nats)."""
_SOUND_COST, _APOSTROPHE, _FIRST = 3.5, 1.5, 1.5
_ENDS = frozenset("^$")

Edit = tuple[str, str]


def guessed_cost(meant: str, typed: str, before: str) -> float:
    """The cost of a letter typed as another, left out (``typed`` empty), or typed too much
    (``meant`` empty).

    Args:
        before: the letter before it.
    """
    if "'" in (meant, typed):
        return _APOSTROPHE if len(meant + typed) == 1 else 6.0
    if not typed:
        cost = 3.5 if meant == before else 5.0
    elif not meant:
        cost = 3.5 if typed == before else 5.5
    elif meant in _VOWELS and typed in _VOWELS:
        cost = 4.0
    else:
        cost = 5.0 if typed in NEIGHBOURS.get(meant, ()) else 6.5
    return cost + (_FIRST if before == "^" else 0.0)


class ErrorModel:
    """Costs of edits.

    >>> guesses = ErrorModel()
    >>> guesses.nats("friend", "freind") < guesses.nats("friend", "frizend")
    True
    >>> learned = ErrorModel.fit([Pair("fone", "phone"), Pair("foto", "photo")] * 20)
    >>> learned.nats("physics", "fysics") < guesses.nats("physics", "fysics")
    True
    """

    def __init__(self, costs: dict[Edit, float] | None = None) -> None:
        self.costs = _sounds() if costs is None else costs
        """By what was meant and what was typed."""

    @classmethod
    def fit(cls, pairs: Iterable[Pair]) -> "ErrorModel":
        """Learn the costs from misspellings of single words; pairs of anything else are left
        out."""
        edits: Counter[Edit] = Counter()
        parts: Counter[str] = Counter()
        before: dict[Edit, str] = {}
        for wrong, right, count in pairs:
            wrong, right = wrong.lower(), right.lower()
            if not (_plain(wrong) and _plain(right)) or wrong == right:
                continue
            count = min(count, _MOST)
            meant, typed = f"^{right}$", f"^{wrong}$"
            for length in range(LONGEST + 1):
                for start in range(len(meant) - length + 1):
                    parts[meant[start : start + length]] += count
            for first, last, begin, end in _blocks(meant, typed):
                for left in range(min(first, begin, LONGEST) + 1):
                    for right_side in range(LONGEST + 1 - left):
                        edit = meant[first - left : last + right_side], typed[begin - left : end + right_side]
                        if max(map(len, edit)) > LONGEST or last + right_side > len(meant):
                            break
                        edits[edit] += count
                before.setdefault((meant[first:last], typed[begin:end]), meant[first - 1 : first])
        costs = {
            (meant, typed): -math.log((count - _DISCOUNT) / parts[meant])
            for (meant, typed), count in edits.items()
            if count > 1 and max(len(meant), len(typed)) > 1
        }
        for edit, cost in _sounds().items():
            costs.setdefault(edit, cost + 1.0)
        letters = sorted({letter for part in parts for letter in part if letter not in "^$"})
        for meant in ["", *letters]:
            for typed in ["", *letters]:
                if meant != typed:
                    guess = math.exp(-guessed_cost(meant, typed, before.get((meant, typed), "") or " "))
                    total = parts[meant] + _PRIOR
                    costs[meant, typed] = -math.log((edits[meant, typed] + _PRIOR * guess) / total)
        return cls(costs)

    def nats(self, meant: str, typed: str) -> float:
        """The cost of typing a word so; 0 for the word itself, infinity where more than a few
        letters moved."""
        meant, typed = f"^{meant}$", f"^{typed}$"
        # Equal ends cost nothing, but edits may reach two letters into them.
        shorter, start, end = min(len(meant), len(typed)), 0, 0
        while start < shorter and meant[start] == typed[start]:
            start += 1
        while end < shorter - start and meant[-1 - end] == typed[-1 - end]:
            end += 1
        start, end = max(start - LONGEST + 1, 0), max(end - LONGEST + 1, 0)
        return self._least(meant[start : len(meant) - end], typed[start : len(typed) - end])

    def edit_cost(self, meant: str, typed: str, before: str) -> float:
        """The cost of one edit; infinity where no word is mistyped so.

        Args:
            before: the character before the part that was meant.
        """
        cost = self.costs.get((meant, typed))
        if cost is not None:
            return cost
        if len(meant) <= 1 and len(typed) <= 1:
            if meant == typed:
                return 0.0
            return math.inf if meant in _ENDS or typed in _ENDS else guessed_cost(meant, typed, before)
        if len(meant) == 2 and meant == typed[::-1] and not _ENDS & {*meant}:
            return EXCHANGED
        return math.inf

    def _least(self, meant: str, typed: str) -> float:
        rows, columns, known = len(meant), len(typed), self.costs
        least = [[math.inf] * (columns + 1) for _ in range(rows + 1)]
        least[0][0] = 0.0
        shift = columns - rows
        for row in range(rows + 1):
            here, before = least[row], meant[row - 1 : row] or "^"
            for column in range(max(0, row - _BAND + min(shift, 0)), min(columns, row + _BAND + max(shift, 0)) + 1):
                so_far = here[column]
                if so_far == math.inf:
                    continue
                for length in range(min(LONGEST, rows - row) + 1):
                    part, below = meant[row : row + length], least[row + length]
                    for width in range(0 if length else 1, min(LONGEST, columns - column) + 1):
                        other = typed[column : column + width]
                        cost = known.get((part, other))
                        if cost is None:
                            if length + width > 2 and (length != 2 or width != 2):
                                continue
                            cost = self.edit_cost(part, other, before)
                        if so_far + cost < below[column + width]:
                            below[column + width] = so_far + cost
        return least[rows][columns]


def _sounds() -> dict[Edit, float]:
    both = [edit for one, other in _SOUNDS for edit in ((one, other), (other, one))]
    return {edit: _SOUND_COST for edit in both if max(map(len, edit)) <= LONGEST and len(edit[0] + edit[1]) > 2}


def _plain(word: str) -> bool:
    return word.replace("'", "").isalpha()


def _blocks(meant: str, typed: str) -> list[tuple[int, int, int, int]]:
    """The parts that differ in the shortest alignment: ``meant[first:last]`` is
    ``typed[begin:end]``."""
    start = 0
    while start < min(len(meant), len(typed)) and meant[start] == typed[start]:
        start += 1
    end = 0
    while end < min(len(meant), len(typed)) - start and meant[-1 - end] == typed[-1 - end]:
        end += 1
    one, other = meant[start : len(meant) - end], typed[start : len(typed) - end]
    table = [[0] * (len(other) + 1) for _ in range(len(one) + 1)]
    for row in range(len(one), -1, -1):
        for column in range(len(other), -1, -1):
            if row == len(one) or column == len(other):
                table[row][column] = len(one) - row + len(other) - column
                continue
            best = table[row + 1][column + 1] + (one[row] != other[column])
            best = min(best, table[row + 1][column] + 1, table[row][column + 1] + 1)
            if one[row : row + 2] == other[column : column + 2][::-1] and len(one[row : row + 2]) == 2:
                best = min(best, table[row + 2][column + 2] + 1)
            table[row][column] = best
    blocks: list[list[int]] = []
    row = column = 0
    while row < len(one) or column < len(other):
        here = table[row][column]
        after = row, column
        if row < len(one) and column < len(other) and one[row] == other[column] and table[row + 1][column + 1] == here:
            row, column = row + 1, column + 1
            continue
        swapped = one[row : row + 2] == other[column : column + 2][::-1] and len(one[row : row + 2]) == 2
        if swapped and table[row + 2][column + 2] + 1 == here:
            after = row + 2, column + 2
        elif row < len(one) and column < len(other) and table[row + 1][column + 1] + 1 == here:
            after = row + 1, column + 1
        elif row < len(one) and table[row + 1][column] + 1 == here:
            after = row + 1, column
        else:
            after = row, column + 1
        if blocks and blocks[-1][1] == row + start and blocks[-1][3] == column + start:
            blocks[-1][1], blocks[-1][3] = after[0] + start, after[1] + start
        else:
            blocks.append([row + start, after[0] + start, column + start, after[1] + start])
        row, column = after
    return [(first, last, begin, stop) for first, last, begin, stop in blocks]
