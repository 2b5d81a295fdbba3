"""The layers of a network: the common base of all network configurations."""

from typing import Any, Literal

from elman.cells.cell import Cell, Sizes
from elman.cells.registry import cell_named
from elman.config import Config
from elman.errors import UsageError

_LARGEST = 1 << 20
_MOST_LAYERS = 64


class StackConfig(Config):
    """Base of configurations with L layers of one cell.

    It declares the fields that its methods read. It is not a dataclass: each configuration lists
    these fields in its own order, which is part of a language model's hash.
    """

    cell: str
    layers: int
    embedding_size: int
    hidden_size: int
    skip: bool
    input: Literal["learned", "one-hot"]
    window: int | None
    heads: int | None

    def check_stack(self) -> None:
        """Raise unless such layers can be built.

        Raises:
            UsageError: an unknown cell, a size out of bounds, or an option that the cell does not
                have.
        """
        cell_named(self.cell)
        self._check_window()
        for name in ("layers", "embedding_size", "hidden_size"):
            check_size(name, getattr(self, name))
        if self.layers > _MOST_LAYERS:
            raise UsageError(f"layers is {self.layers}; more than {_MOST_LAYERS} is not supported")

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
        """Tokens in the window of a layer; None if it has no window."""
        return self.window or self.kind.window

    @property
    def width(self) -> int:
        """Output size of every layer but the last."""
        return self.embedding_size if self.seen else self.hidden_size

    @property
    def top_size(self) -> int:
        """Output size of the last layer."""
        return self.width

    @property
    def shortcuts(self) -> bool:
        """Whether lower layers have skip connections to the output."""
        return self.skip and not self.seen

    @property
    def states(self) -> list[dict[str, int]]:
        """The parts of each layer's state, by name, and their sizes."""
        return [self.kind.state(sizes) for sizes in self.sizes()]

    def sizes(self, inputs: int | None = None) -> list[Sizes]:
        """The sizes of each layer.

        Args:
            inputs: size of the vectors that the first layer reads (default: that of embeddings).
        """
        outputs = [self.width] * (self.layers - 1) + [self.top_size]
        below = [self.embedding_size if inputs is None else inputs, *outputs]
        return [Sizes(inputs=d, hidden=h, **self.options) for d, h in zip(below, outputs, strict=False)]

    @property
    def options(self) -> dict[str, Any]:
        """Options of each layer besides its sizes: fields of ``elman.cells.cell.Sizes``."""
        if not self.seen:
            return {}
        chosen = {"heads": self.heads or _heads(self.embedding_size), "direct": self.skip}
        return {"inner": self.hidden_size, "window": self.seen, **{name: chosen[name] for name in self.kind.options}}


def check_size(name: str, size: int) -> None:
    """Raise unless a size is usable.

    Raises:
        UsageError: it is below 1 or above 2^20.
    """
    if not 1 <= size <= _LARGEST:
        raise UsageError(f"{name} is {size}; it must be at least 1 and at most 2^20")


def _heads(size: int) -> int:
    """The most heads of at least 64 units that split ``size`` into equal even parts."""
    return next((heads for heads in range(size // 64, 1, -1) if size % (2 * heads) == 0), 1)
