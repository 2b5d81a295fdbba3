"""The shape of a recurrent language model: its configuration, without the torch that computes it."""

import dataclasses
from typing import Any, Literal

from elman.cells.cell import Cell, Sizes
from elman.cells.registry import cell_named
from elman.config import Config
from elman.errors import UsageError

_SAMPLES = 4096


@dataclasses.dataclass(frozen=True, kw_only=True)
class NeuralConfig(Config):
    """Shape of a recurrent language model."""

    cell: str = "lstm"
    """The recurrent cell, or another kind of layer."""
    layers: int = 2
    """Layers (L)."""
    embedding_size: int = 256
    """Size of the embedding (E); with tied weights also of the last layer. Layers that see a window are as wide."""
    hidden_size: int = 512
    """Size of recurrent layers (H); of layers that see a window, units inside of each."""
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

    # What follows is younger than models that are known by a hash of what stands above.
    window: int | None = dataclasses.field(default=None, repr=False)
    """Tokens that a layer sees, of the kinds that see a window (default: feed-forward and conv 4, transformer 64)."""
    heads: int | None = dataclasses.field(default=None, repr=False)
    """Heads of a transformer's attention (default: one for each 64 units of the embedding, or a few less)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        cell_named(self.cell)
        self._check_window()
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

    def _check_window(self) -> None:
        windowed = self.kind.window is not None
        if self.window is not None and not (windowed and 2 <= self.window <= 1024):
            raise UsageError(
                f"window is {self.window}; it must be at least 2 and at most 1024"
                if windowed
                else f"window means nothing to {self.cell}, which has no end to what it sees; leave it out"
            )
        if self.heads is not None and "heads" not in self.kind.options:
            raise UsageError(f"heads mean nothing to {self.cell}; leave them out, or train a transformer")
        if self.heads is not None and not 1 <= self.heads <= self.embedding_size:
            raise UsageError(f"heads is {self.heads}; it must be at least 1 and at most {self.embedding_size}")
        if windowed and self.input == "one-hot":
            raise UsageError(f"one-hot input is for recurrent cells; a {self.cell} network has learned embeddings")
        if self.kind.adds and not self.skip:
            raise UsageError(f"all layers of a {self.cell} network reach the output directly; leave out --no-skip")

    @property
    def kind(self) -> Cell:
        """The registered cell."""
        return cell_named(self.cell)

    @property
    def seen(self) -> int | None:
        """Tokens that a layer sees; None where there is no end to them."""
        return self.window or self.kind.window

    @property
    def width(self) -> int:
        """Size of what the layers but the last give on."""
        return self.embedding_size if self.seen else self.hidden_size

    @property
    def shortcuts(self) -> bool:
        """Whether products lead from lower layers round the others to the output."""
        return self.skip and not self.seen

    @property
    def states(self) -> list[dict[str, int]]:
        """Of each layer the parts of its state, name and size.

        >>> NeuralConfig(cell="lstm", layers=2, embedding_size=4, hidden_size=6).states
        [{'h': 6, 'c': 6}, {'h': 4, 'c': 4}]
        """
        return [self.kind.state(sizes) for sizes in self.sizes()]

    def sizes(self, inputs: int | None = None) -> list[Sizes]:
        """The sizes of each layer, the first of which reads vectors of so many ``inputs`` (default: embeddings)."""
        outputs = [self.width] * (self.layers - 1) + [self.top_size]
        below = [self.embedding_size if inputs is None else inputs, *outputs]
        return [Sizes(inputs=d, hidden=h, **self.options) for d, h in zip(below, outputs, strict=False)]

    @property
    def options(self) -> dict[str, Any]:
        """What each layer is told beyond its sizes: fields of ``elman.cells.cell.Sizes``."""
        if not self.seen:
            return {}
        chosen = {"heads": self.heads or _heads(self.embedding_size), "direct": self.skip}
        return {"inner": self.hidden_size, "window": self.seen, **{name: chosen[name] for name in self.kind.options}}

    @property
    def drawn(self) -> int:
        """Samples that a sampled softmax draws."""
        return self.samples or _SAMPLES

    @property
    def top_size(self) -> int:
        """Size of the last layer's output."""
        return self.embedding_size if self.tied else self.width


def _heads(size: int) -> int:
    """At most one head for each 64 units, so many that each has the same even number of them."""
    return next((heads for heads in range(size // 64, 1, -1) if size % (2 * heads) == 0), 1)
