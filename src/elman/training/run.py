"""What a fit gets: the data, the model's configuration, the plan, and the folder it writes to."""

import dataclasses
from pathlib import Path
from typing import Any, Literal

from elman.config import Config
from elman.data.store import TokenStore
from elman.errors import UsageError
from elman.progress import Progress
from elman.text.speller import Speller
from elman.text.tokenizer import Tokenizer


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan(Config):
    """How a network is trained: fixed before the first update, kept with the checkpoint."""

    updates: int
    """Updates of the weights in the whole run."""
    batch: int = 20
    """Rows trained side by side (B)."""
    bptt: int = 35
    """Tokens of each row per update (T): how far gradients flow back."""
    seed: int = 1
    """Everything random follows from it: first weights, masks, cuts of the stream."""
    optimizer: Literal["sgd", "momentum", "adam", "adamw"] = "adamw"
    """Which optimiser makes the updates."""
    rate: float = 4e-3
    """The highest learning rate of the schedule."""
    schedule: Literal["one-cycle", "constant"] = "one-cycle"
    """How the learning rate moves over the run."""
    warmup: float = 0.1
    """Share of the run in which the learning rate rises."""
    weight_decay: float = 0.0
    """Decay of the weight matrices."""
    clip: float = 0.25
    """The gradient is scaled down to this norm when it is longer; 0 means never."""
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
    validations: int = 8
    """How often the validation text is scored over the run, the end included."""
    patience: int = 0
    """Stop after so many validations without a better one; 0 means never."""
    line_resets: bool = True
    """Whether random lines start afresh, so that lines alone don't surprise the model."""
    precision: Literal["bf16", "fp32"] = "fp32"
    """Precision of the matrix products in training; weights and sums stay fp32."""
    threads: int = 1
    """Threads that compute."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("updates", "batch", "bptt", "validations", "threads"):
            if not 1 <= getattr(self, name) <= 1 << 40:
                raise UsageError(f"{name} is {getattr(self, name)}; it must be at least 1 and at most 2^40")
        if self.threads > 1024:
            raise UsageError(f"threads is {self.threads}; it must be at most 1024")
        for name in ("dropout", "input_dropout", "embedding_dropout", "weight_drop"):
            if not 0 <= getattr(self, name) < 1:
                raise UsageError(f"{name} is {getattr(self, name)}; it must be at least 0 and below 1")
        for name in ("warmup", "average_from"):
            if not 0 <= getattr(self, name) <= 1:
                raise UsageError(f"{name} is {getattr(self, name)}; it must be between 0 and 1")
        for name in ("rate", "weight_decay", "clip", "patience"):
            if not 0 <= getattr(self, name) <= 1e6:
                raise UsageError(f"{name} is {getattr(self, name)}; it must be between 0 and a million")
        if not 0 <= self.seed < 2**63:
            raise UsageError(f"seed is {self.seed}; it must be at least 0 and below 2^63")

    @property
    def validate_every(self) -> int:
        """Updates between two validations."""
        return max(1, -(-self.updates // self.validations))


@dataclasses.dataclass(frozen=True)
class Run:
    """Everything one fit needs.

    ``plan`` is None for models that are counted. ``start`` holds weights to go on from (``--from``).
    """

    folder: Path
    kind: str
    config: Config
    tokenizer: Tokenizer
    speller: Speller
    train: TokenStore
    valid: TokenStore
    progress: Progress
    plan: Plan | None = None
    start: dict[str, Any] | None = None
    resume: bool = False
    tensorboard: bool = False
    checkpoint_every: float = 60.0
    """Seconds between two checkpoints."""
