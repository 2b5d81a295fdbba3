"""The configuration of a translator, without the torch that trains it."""

import dataclasses

from elman.models.decoder_config import DecoderConfig
from elman.models.stack_config import check_size


@dataclasses.dataclass(frozen=True, kw_only=True)
class TranslatorConfig(DecoderConfig):
    """Shape of a network from a text to another one: an encoder, attention and a decoder.

    >>> TranslatorConfig(joint=True).token_size
    448
    """

    reverse_source: bool = False
    """Whether the source is read from its end to its start (Sutskever et al. 2014)."""
    joint: bool = False
    """Whether source and target share their vocabulary and its embedding."""


@dataclasses.dataclass(frozen=True)
class TranslatorSizes:
    """The sizes that follow from the data."""

    source: int
    """Types of the source."""
    target: int
    """Types of the target; with a joint vocabulary they are the same."""

    def __post_init__(self) -> None:
        check_size("the vocabulary of the source", self.source)
        check_size("the vocabulary of the target", self.target)
