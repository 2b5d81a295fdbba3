"""What a reader says of a question and a passage."""

import dataclasses
import math
from collections.abc import Iterable
from typing import Any, NamedTuple

from elman.inference.answer_spans import SpanChoice
from elman.tasks.answer.windows import Words


class Candidate(NamedTuple):
    """The best answer in a passage, whether or not it is given."""

    start: int
    """Its first character in the passage."""
    end: int
    """The character after its last; the same as ``start`` in a passage without words."""
    score: float
    """Its log-odds against "no answer"; minus infinity in a passage without words."""
    probability: float
    """That its first and last word are right, by the window that it is in."""


def best_candidate(passage: Words, choices: Iterable[tuple[int, SpanChoice]]) -> Candidate:
    """The best answer of all windows of a passage.

    Args:
        choices: the words before each window, and its best answer.
    """
    before, best = max(choices, key=lambda each: each[1].score)
    if not best.first:
        return Candidate(0, 0, best.score, 0.0)
    start, end = passage.offsets[before + best.first - 1][0], passage.offsets[before + best.last - 1][1]
    return Candidate(start, end, best.score, best.probability)


@dataclasses.dataclass(frozen=True)
class PassageAnswer:
    """The answer to a question in a passage, or that the passage does not say.

    >>> print(PassageAnswer("Who?", None, 0, 3, -2.5, 0.1))
    not in the text
    """

    question: str
    text: str | None
    """A part of the passage; None if it does not say."""
    start: int
    """The first character of the best answer in the passage, also of one that is too unlikely to be
    given."""
    end: int
    """The character after its last."""
    score: float
    """Its log-odds against "no answer", or its score where training has an answer to every
    question."""
    probability: float
    """That its first and last word are right."""
    id: str | None = None
    """The id of the question, if it has one."""

    def to_json(self) -> dict[str, Any]:
        """As JSON, which has no minus infinity: the score of a passage without words is null."""
        score = round(self.score, 4) if math.isfinite(self.score) else None
        values = dataclasses.asdict(self) | {"score": score, "probability": round(self.probability, 4)}
        return values if self.id is not None else {name: value for name, value in values.items() if name != "id"}

    def __str__(self) -> str:
        return "not in the text" if self.text is None else " ".join(self.text.split())
