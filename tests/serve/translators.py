"""A translator that writes the words of a text from the last to the first, in capitals."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from elman.errors import UsageError
from elman.tasks.translate.attention import Attention
from elman.tasks.translate.translation import Translation


class Backwards:
    """Stands for a ``Translator``; each word looks at its own by nine tenths, at the first by the
    rest.

    Args:
        attention: none, as of a translator that was trained so.
    """

    model_hash = "backwards"

    def __init__(self, attention: str = "dot") -> None:
        self._attention = attention
        self.asked: list[dict[str, Any]] = []

    def predictions(self, texts: Iterable[str], *, begin: str = "", **options: Any) -> Iterator[Translation]:
        self.asked.append(options)
        best = range(options.get("n_best", 1))
        for text in texts:
            words = " ".join(word.upper() for word in reversed(text.split()))
            made = tuple(begin + words + "!" * number for number in best)
            yield Translation(text, made, tuple(-1.5 * (number + 1) for number in best))

    def attention(self, sources: Sequence[str], targets: Sequence[str]) -> Iterator[Attention]:
        if self._attention == "none":
            raise UsageError("this translator has no attention")
        for source, target in zip(sources, targets, strict=True):
            words, made = source.split(), target.split()
            weights = np.zeros((len(made), len(words)))
            for row in range(len(made)):
                weights[row, 0] += 0.1
                weights[row, len(words) - 1 - row] += 0.9
            yield Attention(tuple(words), tuple(made), weights)

    def describe(self) -> dict[str, Any]:
        return {"name": "backwards", "attention": self._attention}
