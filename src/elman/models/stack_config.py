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

    It explains the fields that its methods read. It is not a dataclass: each configuration lists
    these fields in its own order, which is part of a language model's hash.
    """

    cell: str
    """The recurrent cell, or another kind of layer."""
    layers: int
    """Layers of that cell (L)."""
    embedding_size: int
    """Size of the embedding (E)."""
    hidden_size: int
    """Size of recurrent layers (H); for window layers, their inner width."""
    skip: bool
    """Whether lower layers also reach the output directly."""
    input: Literal["learned", "one-hot"]
    """Learned embeddings, or one-hot input (the embedding is the identity)."""
    window: int | None
    """Context length of window layers in tokens (default: feed-forward and conv 4, transformer
    64)."""
    heads: int | None
    """Heads of a transformer's attention (default: about one for each 64 units of the
    embedding)."""
    projection: bool
    """Not for this task."""

    def to_json(self) -> dict[str, Any]:
        """As in ``Config``; a projection is named only where there is one.

        Folders and hashes of networks without one are those of elman 0.1.
        """
        values = super().to_json()
        if not self.projection:
            del values["projection"]
        return values

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
            raise UsageError(f"layers is {self.layers}; more than {_MOST_LAYERS} is not supported", field="layers")
        if self.projection and self.kind.window is not None:
            raise UsageError(
                f"all layers of a {self.cell} network have embedding_size; leave out --projection",
                field="embedding_size",
            )

    def _check_window(self) -> None:
        windowed = self.kind.window is not None
        if self.window is not None and not (windowed and 2 <= self.window <= 1024):
            raise UsageError(
                f"window is {self.window}; it must be at least 2 and at most 1024"
                if windowed
                else f"window does not apply to {self.cell}, which has no limited context; leave it out",
                field="window",
            )
        if self.heads is not None and "heads" not in self.kind.options:
            raise UsageError(f"heads do not apply to {self.cell}; leave them out, or train a transformer")
        if self.heads is not None and not 1 <= self.heads <= self.input_size:
            raise UsageError.of("heads", self.heads, f"at least 1 and at most {self.input_size}")
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
    def input_size(self) -> int:
        """Size of the vectors that the first layer reads; embeddings, unless a network adds to
        them."""
        return self.embedding_size

    @property
    def width(self) -> int:
        """Output size of every layer but the last."""
        return self.input_size if self.seen else self.hidden_size

    @property
    def top_size(self) -> int:
        """Size of the output of all layers together."""
        return self.width

    @property
    def outputs(self) -> list[int]:
        """The output size of each layer, the lowest first."""
        return [self.width] * (self.layers - 1) + [self.width if self.projection else self.top_size]

    @property
    def layers_in_words(self) -> str:
        """The sizes of the layers as built, for people.

        >>> from elman.models.network_config import NeuralConfig
        >>> config = NeuralConfig(layers=3, embedding_size=4, hidden_size=6)
        >>> config.layers_in_words, config.replace(tied=False).layers_in_words
        ('2 x 6 -> 4', '3 x 6')
        >>> config.replace(projection=True).layers_in_words
        '3 x 6 projected to 4'
        >>> config.replace(cell="transformer").layers_in_words
        '3 x 4, inner size 6'
        """
        *lower, top = self.outputs
        if not lower or top == lower[0]:
            words = f"{self.layers} x {top}"
        else:
            words = f"{lower[0]} -> {top}" if len(lower) == 1 else f"{len(lower)} x {lower[0]} -> {top}"
        words += f" projected to {self.top_size}" if self.projection else ""
        return words + (f", inner size {self.hidden_size}" if self.seen else "")

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
            inputs: size of the vectors that the first layer reads (default: ``input_size``).
        """
        below = [self.input_size if inputs is None else inputs, *self.outputs]
        return [Sizes(inputs=d, hidden=h, **self.options) for d, h in zip(below, self.outputs, strict=False)]

    @property
    def options(self) -> dict[str, Any]:
        """Options of each layer besides its sizes: fields of ``elman.cells.cell.Sizes``."""
        if not self.seen:
            return {}
        chosen = {"heads": self.heads or _heads(self.input_size), "direct": self.skip}
        return {"inner": self.hidden_size, "window": self.seen, **{name: chosen[name] for name in self.kind.options}}


def check_size(name: str, size: int) -> None:
    """Raise unless a size is usable.

    Raises:
        UsageError: it is below 1 or above 2^20.
    """
    if not 1 <= size <= _LARGEST:
        raise UsageError.of(name, size, "at least 1 and at most 2^20")


def _heads(size: int) -> int:
    """The most heads of at least 64 units that split ``size`` into equal even parts."""
    return next((heads for heads in range(size // 64, 1, -1) if size % (2 * heads) == 0), 1)
