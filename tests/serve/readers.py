"""A reader that answers with the first number of a passage, or not at all."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from elman.tasks.answer.prediction import PassageAnswer


class Counter:
    """Stands for a ``PassageReader``: longer numbers score higher, "two" below its threshold."""

    model_hash = "counter"
    threshold: float | None = 3.5

    def predictions(self, questions: Iterable[tuple[str, str]]) -> Iterator[PassageAnswer]:
        for question, passage in questions:
            found = re.search(r"\d+|two|\w+", passage)
            if found is None:
                yield PassageAnswer(question, None, 0, 0, -np.inf, 0.0)
                continue
            score = float(len(found[0])) * (-1 if found[0].isalpha() and found[0] != "two" else 1)
            given = self.threshold is not None and score >= self.threshold
            start, end = found.span()
            yield PassageAnswer(question, found[0] if given else None, start, end, score, 0.75)

    def describe(self) -> dict[str, Any]:
        return {"name": "counter"}
