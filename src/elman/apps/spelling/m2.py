"""Learners' sentences with their corrections, in the M2 format of CoNLL-2014, BEA-2019 and ERRANT.

S I recieve letter .
A 1 2|||R:SPELL|||receive|||REQUIRED|||-NONE-|||0
A 2 3|||R:NOUN:NUM|||letters|||REQUIRED|||-NONE-|||0

Of several annotators the first one counts, of several corrections (``a||b``) the first.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from elman.errors import TextError

_NOTHING = ("", "-NONE-")
_SPELLING = ("SPELL", "Mec")
"""Kinds of errors of spelling: ERRANT's, and NUCLE's (which has punctuation too)."""


class Edit(NamedTuple):
    """Tokens that should be others."""

    start: int
    end: int
    kind: str
    text: str


class Annotated(NamedTuple):
    """A sentence and its edits, in their order."""

    tokens: list[str]
    edits: list[Edit]

    @property
    def corrected(self) -> str:
        """The sentence as it should be.

        >>> Annotated(["I", "recieve", "it"], [Edit(1, 2, "R:SPELL", "receive"), Edit(3, 3, "M:ADV", "now")]).corrected
        'I receive it now'
        """
        parts, done = [], 0
        for edit in self.edits:
            parts += [*self.tokens[done : edit.start], *edit.text.split()]
            done = edit.end
        return " ".join([*parts, *self.tokens[done:]])

    def misspellings(self) -> Iterator[tuple[str, str]]:
        """Its misspelled words, each with what was meant."""
        for edit in self.edits:
            wrong, right = self.tokens[edit.start : edit.end], edit.text.split()
            one = len(wrong) == len(right) == 1 and wrong[0].isalpha() and right[0].isalpha()
            if one and edit.kind.rpartition(":")[2] in _SPELLING:
                yield wrong[0], right[0]


def is_m2(lines: Iterable[str]) -> bool:
    """Whether lines begin as M2 does: a sentence, then its first edit or the next sentence.

    >>> is_m2(["S All is well .", "A -1 -1|||noop|||-NONE-|||REQUIRED|||-NONE-|||0"]), is_m2(["S", "so"])
    (True, False)
    """
    marks = (line.split(" ", 1)[0] for line in lines if line.strip())
    return next(marks, "") == "S" and next(marks, "") in ("A", "S")


def read_m2(lines: Iterable[str], *, name: str) -> Iterator[Annotated]:
    """The sentences of a file.

    Raises:
        TextError: a line is neither sentence nor edit, or an edit does not fit; says which.
    """
    sentence, first = None, ""
    for number, line in enumerate(lines, start=1):
        kind, _, text = line.strip().partition(" ")
        if kind == "S":
            if sentence is not None:
                yield sentence
            sentence, first = Annotated(text.split(), []), ""
        elif kind == "A" and sentence is not None:
            fields = text.split("|||")
            edit = _edit(fields, sentence)
            if edit is None:
                raise TextError(
                    f"{name}:{number}: {line[:60]!r} is no edit of its sentence; write A START END|||KIND|||TEXT|||..."
                )
            first = first or fields[-1]
            if fields[-1] != first or edit.start < 0:
                continue
            if sentence.edits and edit.start < sentence.edits[-1].end:
                raise TextError(f"{name}:{number}: the edit begins at {edit.start}, before the one above it ends")
            sentence.edits.append(edit)
        elif kind:
            raise TextError(f"{name}:{number}: {line[:60]!r} is neither a sentence (S ...) nor an edit (A ...)")
    if sentence is not None:
        yield sentence


def _edit(fields: list[str], sentence: Annotated) -> Edit | None:
    try:
        start, end = map(int, fields[0].split())
        kind, text = fields[1], fields[2].split("||")[0].strip()
    except (ValueError, IndexError):
        return None
    if kind == "noop" or start < 0:
        return Edit(-1, -1, kind, "")
    return Edit(start, end, kind, "" if text in _NOTHING else text) if start <= end <= len(sentence.tokens) else None
