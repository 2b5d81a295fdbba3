"""What a fit gets: the data, the model's configuration, the plan, and the folder it writes to."""

import dataclasses
from pathlib import Path
from typing import Any, Literal

from elman.config import Config
from elman.data.store import TokenStore
from elman.errors import UsageError
from elman.progress import Progress
from elman.system.machine import choose_device
from elman.text.speller import Speller
from elman.text.tokenizer import Tokenizer
from elman.training.variable_bptt import MEAN_SHARE, SHORTEST


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan(Config):
    """How a network is trained: fixed before the first update, kept with the checkpoint."""

    updates: int
    """Updates of the weights in the whole run."""
    batch: int = 20
    """Rows trained side by side (B)."""
    bptt: int = 35
    """Tokens of each row per update (T): how far gradients flow back."""
    vary_bptt: bool = False
    """Whether that length varies a little from update to update, and is halved in one of twenty (mean: 0.975 of it)."""
    seed: int = 1
    """Everything random follows from it: first weights, masks, cuts of the stream."""
    begin: Literal["counts", "random"] = "counts"
    """What the first weights know: how frequent the types are and which stand near each other, or nothing."""
    forget_bias: float | None = None
    """LSTM: begin with forget gates that remember for up to so many tokens (default: 0.73 of the cell a token)."""
    optimizer: Literal["sgd", "momentum", "adam", "adamw", "muon"] = "adamw"
    """Which optimiser makes the updates."""
    rate: float = 4e-3
    """The highest learning rate of the schedule."""
    schedule: Literal["one-cycle", "linear", "trapezoid", "constant"] = "one-cycle"
    """How the learning rate moves over the run."""
    warmup: float = 0.1
    """Share of the run in which the learning rate rises."""
    cooldown: float = 0.2
    """Share of the run, at its end, in which the learning rate of the trapezoid schedule falls."""
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
    activation_penalty: float = 0.0
    """Weight of the squared outputs of the last layer in the loss (AR)."""
    temporal_penalty: float = 0.0
    """Weight of their squared changes from token to token in the loss (TAR)."""
    average_from: float = 1.0
    """Weights are averaged from this share of the run on; 1 means never."""
    average_after: int = 0
    """Or: weights are averaged once so many validations in a row were no better; 0 means never."""
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
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """What computes: the processor, or a CUDA GPU; auto takes the GPU where there is one."""

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
        for name in ("warmup", "cooldown", "average_from"):
            if not 0 <= getattr(self, name) <= 1:
                raise UsageError(f"{name} is {getattr(self, name)}; it must be between 0 and 1")
        for name in (
            "rate", "weight_decay", "clip", "patience", "activation_penalty", "temporal_penalty", "average_after"
        ):  # fmt: skip
            if not 0 <= getattr(self, name) <= 1e6:
                raise UsageError(f"{name} is {getattr(self, name)}; it must be between 0 and a million")
        if not 0 <= self.seed < 2**63:
            raise UsageError(f"seed is {self.seed}; it must be at least 0 and below 2^63")
        self._check_together()

    def _check_together(self) -> None:
        if self.forget_bias is not None and not 2 <= self.forget_bias <= 1e6:
            raise UsageError(f"forget_bias is {self.forget_bias:g}; it must be at least 2 and at most a million tokens")
        if self.vary_bptt and self.bptt < SHORTEST:
            raise UsageError(
                f"bptt is {self.bptt}; with vary_bptt, which halves it at times, it must be at least {SHORTEST}"
            )
        if self.schedule == "trapezoid" and self.warmup + self.cooldown > 1:
            raise UsageError(
                f"warmup {self.warmup:g} and cooldown {self.cooldown:g} are more than the whole run; make one smaller"
            )
        if self.average_after and self.average_from < 1:
            raise UsageError("average_from and average_after both say when averaging begins; give one of them")
        if 0 < self.patience < self.average_after:
            raise UsageError(
                f"patience {self.patience} would stop before average_after {self.average_after}; make it larger, or 0"
            )

    @property
    def validate_every(self) -> int:
        """Updates between two validations."""
        return max(1, -(-self.updates // self.validations))

    @property
    def mean_bptt(self) -> float:
        """Tokens of each row per update, in the mean.

        >>> Plan(updates=1, bptt=40).mean_bptt, Plan(updates=1, bptt=40, vary_bptt=True).mean_bptt
        (40.0, 39.0)
        """
        return self.bptt * (MEAN_SHARE if self.vary_bptt else 1.0)


@dataclasses.dataclass(frozen=True)
class Run:
    """Everything one fit needs.

    ``plan`` is None for models that are counted; its device is settled here. ``start`` holds weights to go on
    from (``--from``).

    Raises:
        UsageError: the plan wants a GPU, and there is none.
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
    xray: bool = False
    """Whether the gradient by lag is noted at each validation."""
    checkpoint_every: float = 60.0
    """Seconds between two checkpoints."""
    max_ram: int | None = None
    """Bytes of memory that counting may work in; None: as many as it takes."""

    def __post_init__(self) -> None:
        if self.plan is not None:
            device = choose_device(self.plan.device)
            object.__setattr__(self, "plan", self.plan.replace(device=device))
