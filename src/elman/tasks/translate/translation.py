"""What a translator says of one text."""

import dataclasses
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclasses.dataclass(frozen=True)
class Translation:
    """A text and its translations.

    >>> translation = Translation("a cat", ("eine Katze", "die Katze"), (-0.5, -1.5))
    >>> translation.text, translation.probabilities.round(2).tolist()
    ('eine Katze', [0.61, 0.22])
    """

    source: str
    """What was translated."""
    texts: tuple[str, ...]
    """Its translations, the best first."""
    log_probs: tuple[float, ...]
    """Their log-probabilities (nats)."""

    @property
    def text(self) -> str:
        """The best translation."""
        return self.texts[0]

    @cached_property
    def probabilities(self) -> NDArray[np.float64]:
        """The probability of each translation ``[N]``."""
        return np.exp(np.array(self.log_probs))

    def to_json(self) -> dict[str, Any]:
        """The source, the translation and, where there are more, all of them."""
        found: dict[str, Any] = {"source": self.source, "translation": self.text, "log_prob": self.log_probs[0]}
        if len(self.texts) > 1:
            every = zip(self.texts, self.log_probs, strict=True)
            found["translations"] = [{"text": text, "log_prob": log_prob} for text, log_prob in every]
        return found

    def __str__(self) -> str:
        """Each translation on its line."""
        return "\n".join(self.texts)
