"""The shape of a recurrent language model: its configuration, without the torch that computes it."""

import dataclasses
from typing import Literal

from elman.config import Config
from elman.errors import UsageError


@dataclasses.dataclass(frozen=True, kw_only=True)
class NeuralConfig(Config):
    """Shape of a recurrent language model."""

    cell: Literal["lstm", "gru", "rnn", "rnn-relu"] = "lstm"
    """The recurrent cell."""
    layers: int = 2
    """Recurrent layers (L)."""
    embedding_size: int = 256
    """Size of the embedding (E); with tied weights also of the last layer."""
    hidden_size: int = 512
    """Size of the recurrent layers (H)."""
    tied: bool = True
    """Whether the output layer uses the embedding as its weights."""
    input: Literal["learned", "one-hot"] = "learned"
    """Learned embeddings, or one-hot input (the embedding is the identity)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("layers", "embedding_size", "hidden_size"):
            if not 1 <= getattr(self, name) <= 1 << 20:
                raise UsageError(f"{name} is {getattr(self, name)}; it must be at least 1 and at most 2^20")
        if self.layers > 64:
            raise UsageError(f"layers is {self.layers}; more than 64 is not supported")
        if self.tied and self.input == "one-hot":
            raise UsageError("one-hot input has no learned embedding to tie the output to; add --no-tied")
