"""What a network with a decoder writes about one source."""

import dataclasses
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray


@dataclasses.dataclass(frozen=True)
class GeneratedText:
    """A source, and the texts written about it; a subclass names both."""

    SOURCE: ClassVar[str] = "source"
    """The source's name in JSON."""
    TEXT: ClassVar[str] = "text"
    """That of a text."""

    source: str
    """What was read."""
    texts: tuple[str, ...]
    """What was written, the best first."""
    log_probs: tuple[float, ...]
    """Their log-probabilities (nats)."""

    @property
    def text(self) -> str:
        """The best text."""
        return self.texts[0]

    @cached_property
    def probabilities(self) -> NDArray[np.float64]:
        """The probability of each text ``[N]``."""
        return np.exp(np.array(self.log_probs))

    def to_json(self) -> dict[str, Any]:
        """The source, the text and, where there are more, all of them."""
        found: dict[str, Any] = {self.SOURCE: self.source, self.TEXT: self.text, "log_prob": self.log_probs[0]}
        if len(self.texts) > 1:
            every = zip(self.texts, self.log_probs, strict=True)
            found[f"{self.TEXT}s"] = [{"text": text, "log_prob": log_prob} for text, log_prob in every]
        return found

    def __str__(self) -> str:
        """Each text on its line."""
        return "\n".join(self.texts)
