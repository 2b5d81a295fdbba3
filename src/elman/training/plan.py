"""Plan: how a network is trained, whatever its task."""

import dataclasses
from typing import ClassVar, Literal

from elman.config import Config
from elman.errors import UsageError
from elman.progress import counted


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan(Config):
    """How a network is trained: fixed before the first update, kept with the checkpoint.

    Tasks add fields of their own.
    """

    updates: int
    """Updates of the weights in the whole run."""
    batch: int = 20
    """Rows trained side by side (B)."""
    seed: int = 1
    """Seed of everything random: first weights, dropout masks, order of the data."""
    optimizer: Literal["sgd", "momentum", "adam", "adamw", "muon"] = "adamw"
    """The optimiser."""
    rate: float = 4e-3
    """The highest learning rate of the schedule."""
    schedule: Literal["one-cycle", "linear", "trapezoid", "constant"] = "one-cycle"
    """How the learning rate changes over the run."""
    warmup: float = 0.1
    """Share of the run in which the learning rate rises."""
    cooldown: float = 0.2
    """Share of the run, at its end, in which the learning rate of the trapezoid schedule falls."""
    weight_decay: float = 0.0
    """Decay of the weight matrices."""
    clip: float = 0.25
    """Gradients with a larger norm are scaled down to this norm; 0 means never."""
    dropout: float = 0.0
    """Locked dropout between layers and before the output."""
    input_dropout: float = 0.0
    """Locked dropout on the embedded input."""
    embedding_dropout: float = 0.0
    """Share of types whose embedding is dropped for a whole update."""
    weight_drop: float = 0.0
    """Share of hidden-to-hidden weights dropped for a whole update."""
    average_from: float = 1.0
    """Weights are averaged from this share of the run on; 1 means never."""
    average_after: int = 0
    """Or: weights are averaged once this many validations in a row were no better; 0 means
    never."""
    validations: int = 8
    """How many times the validation data is scored during the run, including once at the end."""
    patience: int = 0
    """Stop after this many validations without improvement; 0 means never."""
    precision: Literal["bf16", "fp32"] = "fp32"
    """Precision of the matrix products in training; weights and sums stay fp32."""
    threads: int = 1
    """Threads that compute."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Device: the processor or a CUDA GPU; auto takes the GPU if there is one."""

    COUNTS: ClassVar[tuple[str, ...]] = ("updates", "batch", "validations", "threads")
    """Fields that must be at least 1."""
    SHARES: ClassVar[tuple[str, ...]] = ("dropout", "input_dropout", "embedding_dropout", "weight_drop")
    """Fields from 0 to below 1."""
    AMOUNTS: ClassVar[tuple[str, ...]] = ("rate", "weight_decay", "clip", "patience", "average_after")
    """Fields that must not be negative."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in self.COUNTS:
            self.require(name, 1 <= getattr(self, name) <= 1 << 40, "at least 1 and at most 2^40")
        self.require("threads", self.threads <= 1024, "at most 1024")
        for name in self.SHARES:
            self.require(name, 0 <= getattr(self, name) < 1, "at least 0 and below 1")
        for name in ("warmup", "cooldown", "average_from"):
            self.require(name, 0 <= getattr(self, name) <= 1, "between 0 and 1")
        for name in self.AMOUNTS:
            self.require(name, 0 <= getattr(self, name) <= 1e6, "between 0 and a million")
        self.require("seed", 0 <= self.seed < 2**63, "at least 0 and below 2^63")
        if self.schedule == "trapezoid" and self.warmup + self.cooldown > 1:
            raise UsageError(
                f"warmup {self.warmup:g} and cooldown {self.cooldown:g} are more than the whole run; make one smaller"
            )
        if self.average_after and self.average_from < 1:
            raise UsageError(
                "average_from and average_after both say when averaging begins; give one of them",
                field=("average_from", "average_after"),
            )
        if 0 < self.patience < self.average_after:
            raise UsageError(
                f"patience {self.patience} would stop before average_after {self.average_after}; make it larger, or 0",
                field="average_after",
            )

    @property
    def in_words(self) -> str:
        """For people.

        >>> Plan(updates=1, precision="fp32", threads=2).in_words
        'batch 20, adamw at 0.004, fp32, 2 threads'
        """
        threads = counted(self.threads, "thread")
        return f"batch {self.batch}, {self.optimizer} at {self.rate:g}, {self.precision}, {threads}"

    @property
    def drops(self) -> dict[str, float]:
        """Dropout that every network has, by the names of ``elman.models.neural.Drops``."""
        return {
            "input": self.input_dropout,
            "between": self.dropout,
            "embedding": self.embedding_dropout,
            "weights": self.weight_drop,
        }

    @property
    def validate_every(self) -> int:
        """Updates between two validations."""
        return max(1, -(-self.updates // self.validations))
