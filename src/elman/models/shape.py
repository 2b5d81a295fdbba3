"""The shape of a recurrent language model: its configuration, without the torch that computes it."""

import dataclasses
from typing import Literal

from elman.config import Config
from elman.errors import UsageError

_SAMPLES = 4096


@dataclasses.dataclass(frozen=True, kw_only=True)
class NeuralConfig(Config):
    """Shape of a recurrent language model."""

    cell: Literal["lstm", "gru", "rnn", "rnn-relu", "mingru", "minlstm", "rglru"] = "lstm"
    """The recurrent cell."""
    layers: int = 2
    """Recurrent layers (L)."""
    embedding_size: int = 256
    """Size of the embedding (E); with tied weights also of the last layer."""
    hidden_size: int = 512
    """Size of the recurrent layers (H)."""
    tied: bool = True
    """Whether the output layer uses the embedding as its weights."""
    skip: bool = True
    """Whether lower layers also reach the output directly."""
    input: Literal["learned", "one-hot"] = "learned"
    """Learned embeddings, or one-hot input (the embedding is the identity)."""
    softmax: Literal["full", "adaptive", "sampled"] = "full"
    """All types alike, or for large vocabularies: rare types in clusters, or trained on samples of the types."""
    samples: int | None = None
    """Types that a sampled softmax draws at each update (default 4096)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("layers", "embedding_size", "hidden_size"):
            if not 1 <= getattr(self, name) <= 1 << 20:
                raise UsageError(f"{name} is {getattr(self, name)}; it must be at least 1 and at most 2^20")
        if self.layers > 64:
            raise UsageError(f"layers is {self.layers}; more than 64 is not supported")
        if self.tied and self.input == "one-hot":
            raise UsageError("one-hot input has no learned embedding to tie the output to; add --no-tied")
        if self.samples is not None and self.softmax != "sampled":
            raise UsageError(
                f"samples means nothing to the {self.softmax} softmax; leave it out, or add --softmax sampled"
            )
        if self.samples is not None and not 1 <= self.samples <= 1 << 20:
            raise UsageError(f"samples is {self.samples}; it must be at least 1 and at most 2^20")

    @property
    def drawn(self) -> int:
        """Samples that a sampled softmax draws."""
        return self.samples or _SAMPLES

    @property
    def top_size(self) -> int:
        """Size of the last layer's output."""
        return self.embedding_size if self.tied else self.hidden_size
