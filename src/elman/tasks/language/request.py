"""LanguageRequest: a user's request to train a language model."""

import dataclasses
import re
from collections.abc import Mapping
from typing import Any, Self

from elman.data.preprocessing import DataConfig
from elman.errors import UsageError
from elman.models.registry import entry, resolve
from elman.tasks.request import SharedRequest


@dataclasses.dataclass(frozen=True, kw_only=True)
class LanguageRequest(SharedRequest):
    """What the user asked for."""

    task = "language"
    data_config = DataConfig
    PATHS = (*SharedRequest.PATHS, "vectors")

    data: DataConfig = DataConfig()
    xray: bool = False
    max_ram: str | None = None
    vectors: str | None = None
    """Word vectors that embeddings begin as: a folder, or a file of word2vec, fastText or GloVe."""
    rival: bool = True
    """Whether an n-gram of the same text is counted for comparison."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.max_ram is not None:
            bytes_of(self.max_ram)
        if entry(self.kind).counted:
            self._refuse_training()
        elif self.max_ram is not None:
            raise UsageError("--max-ram applies to --model ngram only, not to networks; leave it out")
        if self.vectors is not None and self.fixed.config.get("input") == "one-hot":
            raise UsageError("--vectors gives first embeddings, and one-hot input has none; leave out one of them")
        self._check_sizes()

    @classmethod
    def of(cls, *, kind: str, settings: Mapping[str, Any], **common: Any) -> Self:
        if entry(kind).counted and settings.get("rival") is not None:
            raise UsageError(
                "--no-rival does not apply to an n-gram, which is the rival of others; leave it out, and --rival too"
            )
        return super().of(kind=kind, settings=settings, **common)

    def other_files(self) -> list[str]:
        return [] if self.vectors is None else [self.vectors]

    def _check_sizes(self) -> None:
        """Refuse a value out of range before any work is done."""
        config, plan = dict(self.fixed.config), self.fixed.plan
        if config.get("input") == "one-hot":
            config = {"tied": False, **config}
        checked = resolve(entry(self.kind).config)(**{**dict(entry(self.kind).preset), **config})
        nothing_has_it = config.get("hidden_size") not in (None, config.get("embedding_size"))
        if nothing_has_it and checked.layers == 1 and checked.tied and config.get("projection") is False:
            raise UsageError(
                "without projection a single tied layer has embedding_size; leave out --hidden-size or --no-projection",
                field="embedding_size",
            )
        if plan.get("forget_bias") is not None and self.kind != "lstm":
            raise UsageError(f"--forget-bias applies to an lstm only, not to a {self.kind}; leave it out")

    def _refuse_training(self) -> None:
        """Refuse settings for networks only."""
        if self.minutes or self.epochs or self.updates:
            raise UsageError(
                "an n-gram is counted, not trained for a time; leave out --minutes, --epochs and --updates"
            )
        for flag, given in (
            ("--threads", self.threads is not None),
            ("--precision", self.precision != "auto"),
            ("--tensorboard", self.tensorboard),
            ("--xray", self.xray),
            ("--vectors", self.vectors is not None),
        ):
            if given:
                raise UsageError(f"{flag} does not apply to an n-gram; leave it out")


def bytes_of(size: str, *, flag: str = "--max-ram", example: str = "2G") -> int:
    """The bytes in the value of ``--max-ram`` or another ``flag``: a number with K, M or G, which
    are powers of 1000.

    Raises:
        UsageError: anything else.

    >>> bytes_of("500M"), bytes_of("1.5g")
    (500000000, 1500000000)
    """
    found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)([KMG])B?", str(size).strip().upper())
    if not found:
        raise UsageError(f"{flag} is {str(size)[:20]!r}; it must be a number with K, M or G: try {flag} {example}")
    return round(float(found[1]) * {"K": 10**3, "M": 10**6, "G": 10**9}[found[2]])
