"""Sums in, numbers out: what an evaluation counts, and the figures that follow from it.

Sums add up over texts and machines; a figure divides once, at the end. Each figure travels with a
signature that says what exactly was measured.
"""

import dataclasses
import math
from typing import Any, Self


@dataclasses.dataclass(frozen=True)
class Tally:
    """What scoring a text adds up to.

    >>> part = Tally(nats=10 * math.log(2), tokens=5, bytes=20, chars=20, lines=1)
    >>> (part + part).bits_per_byte, (part + part).perplexity
    (0.5, 4.0)
    """

    nats: float = 0.0
    """Minus the log-probability of all tokens, `</s>` included, spelling not included (nats)."""
    spelling_nats: float = 0.0
    """What spelling the out-of-vocabulary words costs on top (nats)."""
    tokens: int = 0
    """Tokens predicted: every one, the first and each line's `</s>` included; `<s>` is not one."""
    oov: int = 0
    """Tokens among them that were not in the vocabulary."""
    bytes: int = 0
    """UTF-8 bytes of the normalised text, one per line end included."""
    chars: int = 0
    """Unicode characters, one per line end included."""
    lines: int = 0
    """Lines, each with one `</s>`."""

    def __add__(self, other: Self) -> Self:
        sums = {f.name: getattr(self, f.name) + getattr(other, f.name) for f in dataclasses.fields(self)}
        return type(self)(**sums)

    @property
    def perplexity(self) -> float:
        """exp(nats / tokens): `</s>` counted, `<s>` not, spelling not."""
        mean = self.nats / max(self.tokens, 1)
        return math.exp(mean) if mean < 700 else math.inf

    @property
    def bits_per_byte(self) -> float:
        """All nats, the spelling of unknown words included, per byte of normalised text, in
        bits."""
        return (self.nats + self.spelling_nats) / (math.log(2) * max(self.bytes, 1))

    @property
    def bits_per_char(self) -> float:
        """As ``bits_per_byte``, per Unicode character."""
        return (self.nats + self.spelling_nats) / (math.log(2) * max(self.chars, 1))

    @property
    def oov_rate(self) -> float:
        """The share of tokens that were out of vocabulary, `</s>` counted among the tokens."""
        return self.oov / max(self.tokens, 1)

    def figures(self) -> dict[str, Any]:
        """The numbers to print and to keep, by their lasting JSON names."""
        return {
            "perplexity": self.perplexity,
            "bits_per_byte": self.bits_per_byte,
            "bits_per_char": self.bits_per_char,
            "tokens": self.tokens,
            "oov": self.oov,
            "oov_rate": self.oov_rate,
            "lines": self.lines,
            "bytes": self.bytes,
        }
