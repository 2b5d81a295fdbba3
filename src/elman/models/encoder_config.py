"""The configuration of an encoder network (many-to-one), without the torch that computes it."""

import dataclasses
from typing import Any, Literal, Self

from elman.errors import UsageError
from elman.models.network_config import NeuralConfig
from elman.models.stack_config import StackConfig, check_size

Pooling = Literal["mean-max-last", "mean", "max", "last", "attention"]
Direction = Literal["forward", "backward"]


class DirectionsConfig(StackConfig):
    """Base of configurations with a stack of layers in each direction; as its base, no
    dataclass."""

    layers: int
    """Layers of each direction (L)."""
    bidirectional: bool
    """Whether a second stack of layers reads from the end to the start."""
    output_size: int | None
    """Size of the last layer or its projection (default: as the other layers)."""
    projection: bool
    """Whether the last layer has hidden_size too, and a linear projection leads from it to
    output_size."""

    def check_output(self) -> None:
        """Raise unless the last layer can be built.

        Raises:
            UsageError: its size is out of bounds, or a projection leads nowhere.
        """
        if self.output_size is not None:
            check_size("output_size", self.output_size)
        elif self.projection:
            raise UsageError(
                "projection leads to output_size, which is missing; leave out projection or give both",
                field="output_size",
            )

    @property
    def directions(self) -> tuple[Direction, ...]:
        """The stacks that read the text."""
        return ("forward", "backward") if self.bidirectional else ("forward",)

    @property
    def top_size(self) -> int:
        """Size of a direction's output."""
        return self.output_size or self.width

    @property
    def token_size(self) -> int:
        """Size of a token's output: that of all directions."""
        return len(self.directions) * self.top_size

    @property
    def in_words(self) -> str:
        """Cell, layers and embedding, for people."""
        directions = " in two directions" if self.bidirectional else ""
        return f"{self.cell}, layers {self.layers_in_words}{directions}, embedding {self.embedding_size}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class EncoderConfig(DirectionsConfig):
    """Configuration of a network from a text to one vector, and from that to one number per label.

    >>> config = EncoderConfig(cell="lstm", hidden_size=4, embedding_size=3)
    >>> config.directions, config.token_size, config.pooled_size
    (('forward', 'backward'), 8, 24)
    """

    cell: str = "lstm"
    layers: int = 1
    bidirectional: bool = True
    embedding_size: int = 96
    """Size of the embedding (E), and width of window layers."""
    hidden_size: int = 96
    output_size: int | None = None
    """Size of the last layer or its projection (default: as the other layers). Tied language models
    have embedding_size."""
    pooling: Pooling = "mean-max-last"
    """How the outputs of all tokens become one vector: their mean, their maximum, the output after
    the last token, these three side by side (the default), or attention, a mean with learned
    weights."""
    input: Literal["learned", "one-hot"] = "learned"
    skip: bool = True
    bag: bool = False
    """Whether each token also contributes to the labels directly, wherever it stands (a linear bag
    of words)."""
    window: int | None = None
    heads: int | None = None
    projection: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_stack()
        self.check_output()

    @classmethod
    def from_language_model(cls, config: NeuralConfig, **settings: Any) -> Self:
        """A configuration with the forward layers of a language model.

        Args:
            settings: the other fields.

        Raises:
            UsageError: a setting that contradicts the language model, or a value that is not
                allowed.

        >>> config = EncoderConfig.from_language_model(NeuralConfig(cell="gru"), pooling="mean")
        >>> config.cell, config.layers, config.output_size, config.pooling
        ('gru', 2, 256, 'mean')
        """
        shared = {**_shared(config), "output_size": config.top_size}
        for name, value in shared.items():
            if settings.get(name, value) != value:
                raise UsageError(
                    f"{name} is {settings[name]!r}, but the language model has {value!r}; leave it out", field=name
                )
        return cls.from_json({**settings, **shared})

    def encoder(self) -> "EncoderConfig":
        """The configuration of the encoder alone, without the fields of a subclass."""
        names = {field.name for field in dataclasses.fields(EncoderConfig)}
        return EncoderConfig.from_json({name: value for name, value in self.to_json().items() if name in names})

    def check_language_model(self, config: NeuralConfig) -> None:
        """Raise unless the forward layers have the sizes of a language model's.

        Raises:
            UsageError: they do not.
        """
        own = {**_shared(self), "output_size": self.top_size}
        for name, value in {**_shared(config), "output_size": config.top_size}.items():
            if own[name] != value:
                raise UsageError(
                    f"{name} is {own[name]!r}, but the language model has {value!r}; choose the same", field=name
                )

    @property
    def pooled_size(self) -> int:
        """Size of the vector of a whole text (P)."""
        return self.token_size * (3 if self.pooling == "mean-max-last" else 1)


def _shared(config: StackConfig) -> dict[str, Any]:
    """The settings that must agree between a language model and an encoder."""
    names = ("cell", "layers", "embedding_size", "hidden_size", "input", "skip", "window", "heads", "projection")
    return {name: getattr(config, name) for name in names}
