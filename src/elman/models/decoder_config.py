"""The configuration of a decoder with attention, and of the encoder that it looks at, without
torch."""

import dataclasses
from typing import Literal

from elman.errors import UsageError
from elman.models.encoder_config import DirectionsConfig


@dataclasses.dataclass(frozen=True, kw_only=True)
class DecoderConfig(DirectionsConfig):
    """Base of configurations of a network that writes a text about what it has read.

    >>> config = DecoderConfig(embedding_size=3, hidden_size=4)
    >>> config.token_size, config.key_size, config.step_size
    (8, 4, 3)
    """

    cell: str = "lstm"
    """The cell of encoder and decoder."""
    layers: int = 2
    """Layers of the decoder, and of each direction of the encoder (L)."""
    bidirectional: bool = True
    """Whether a second stack of layers reads the source from its end to its start."""
    embedding_size: int = 128
    """Size of the embeddings, and of the vector from which a token is predicted (E)."""
    hidden_size: int = 224
    attention: Literal["additive", "dot", "none"] = "dot"
    """How the decoder looks at the source: by an additive score (Bahdanau et al. 2015), by a dot
    product (Luong et al. 2015, "general"), or not at all: it starts from a summary of the source
    (Sutskever et al. 2014)."""
    input_feeding: bool = False
    """Whether the decoder also reads the vector from which the last token was predicted (Luong et
    al. 2015); training then takes one step after another."""
    tied: bool = True
    """Whether the output layer uses the embedding of the target as its weights."""
    skip: bool = True
    input: Literal["learned"] = "learned"
    """Learned embeddings."""
    window: int | None = None
    heads: int | None = None
    projection: bool = False
    """Not for this task."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_stack()
        if self.projection:
            raise UsageError("projection does not apply to networks with a decoder; leave it out", field="projection")
        if self.attention == "none" and self.seen:
            raise UsageError(
                f"without attention a {self.cell} decoder would forget the source after its window; choose a "
                "recurrent cell, or leave out --attention none"
            )

    @property
    def top_size(self) -> int:
        """Size of the output of the decoder, and of each direction of the encoder."""
        return self.width

    @property
    def attends(self) -> bool:
        """Whether there is attention."""
        return self.attention != "none"

    @property
    def key_size(self) -> int:
        """Size of what scores of attention are computed from (A)."""
        return self.top_size

    @property
    def step_size(self) -> int:
        """Size of what the decoder reads at each step."""
        return self.embedding_size * (2 if self.input_feeding else 1)

    @property
    def begin_size(self) -> int:
        """Numbers of the decoder's state that follow from the source; those of a window are
        zeros."""
        return 0 if self.seen else sum(size for parts in self.decoder_states for size in parts.values())

    @property
    def decoder_states(self) -> list[dict[str, int]]:
        """The parts of each layer's state in the decoder, and their sizes."""
        return [self.kind.state(sizes) for sizes in self.sizes(self.step_size)]
