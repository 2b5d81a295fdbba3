"""The configuration of a captioner, without the torch that trains it."""

import dataclasses

from elman.models.decoder_config import DecoderConfig
from elman.models.stack_config import check_size


@dataclasses.dataclass(frozen=True, kw_only=True)
class CaptionerConfig(DecoderConfig):
    """Shape of a network from a picture to a text: an encoder over rows and columns, attention and
    a decoder.

    >>> CaptionerConfig(hidden_size=4).token_size
    8
    """

    layers: int = 1
    """Layers of the decoder, and of each sweep over the picture (L)."""
    bidirectional: bool = True
    """Whether rows are also read from right to left, and columns from bottom to top."""
    embedding_size: int = 64
    """Size of the embeddings of tokens and patches, and of the vector from which a token is
    predicted (E)."""
    hidden_size: int = 64


@dataclasses.dataclass(frozen=True)
class CaptionerSizes:
    """The sizes that follow from the data."""

    patch: int
    """Numbers of a patch (P)."""
    target: int
    """Types of the captions."""

    def __post_init__(self) -> None:
        check_size("a patch", self.patch)
        check_size("the vocabulary of the captions", self.target)
