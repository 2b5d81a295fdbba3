"""The configuration of a recurrent language model, independent of torch."""

import dataclasses
from typing import Literal

from elman.errors import UsageError
from elman.models.stack_config import StackConfig, check_size

_SAMPLES = 4096


@dataclasses.dataclass(frozen=True, kw_only=True)
class NeuralConfig(StackConfig):
    """Configuration of a recurrent language model.

    >>> NeuralConfig(cell="lstm", layers=2, embedding_size=4, hidden_size=6).states
    [{'h': 6, 'c': 6}, {'h': 4, 'c': 4}]
    """

    cell: str = "lstm"
    layers: int = 2
    """Layers (L)."""
    embedding_size: int = 256
    """Size of the embedding (E) and, if tied, of the last layer or its projection; also the width
    of window layers."""
    hidden_size: int = 512
    tied: bool = True
    """Whether the output layer uses the embedding as its weights."""
    skip: bool = True
    input: Literal["learned", "one-hot"] = "learned"
    softmax: Literal["full", "adaptive", "sampled"] = "full"
    """All types alike, or for large vocabularies rare types in clusters, or training on samples of
    the types."""
    samples: int | None = None
    """Types drawn by a sampled softmax at each update (default 4096)."""

    # Later fields are not part of the hash of older models.
    window: int | None = dataclasses.field(default=None, repr=False)
    heads: int | None = dataclasses.field(default=None, repr=False)
    projection: bool = dataclasses.field(default=False, repr=False)
    """Tied: whether the last layer has hidden_size too, and a linear projection leads from it to
    embedding_size; without it the last layer has embedding_size (default: if --hidden-size is
    given)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_stack()
        if self.tied and self.input == "one-hot":
            raise UsageError("one-hot input has no learned embedding to tie the output to; add --no-tied")
        if self.projection and not self.tied:
            raise UsageError("projection leads to a tied output; leave it out, or leave out --no-tied")
        if self.samples is not None and self.softmax != "sampled":
            raise UsageError(
                f"samples does not apply to the {self.softmax} softmax; leave it out, or add --softmax sampled",
                field="samples",
            )
        if self.samples is not None:
            check_size("samples", self.samples)

    @property
    def drawn(self) -> int:
        """The number of samples of a sampled softmax."""
        return self.samples or _SAMPLES

    @property
    def top_size(self) -> int:
        """Size of the vectors that the output layer reads."""
        return self.embedding_size if self.tied else self.width
