"""VectorsConfig: which word vectors, and every convention in which implementations differ."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal

from elman.config import Config
from elman.errors import UsageError

DEFAULTS: dict[str, dict[str, Any]] = {
    "skipgram": {
        "window": 5, "distance": "shrink", "subsample": 1e-3, "negatives": 5, "noise_power": 0.75,
        "rate": 0.025, "epochs": 5, "hierarchical": False,
    },
    "cbow": {
        "window": 5, "distance": "shrink", "subsample": 1e-3, "negatives": 5, "noise_power": 0.75,
        "rate": 0.05, "epochs": 5, "hierarchical": False,
    },
    "fasttext": {
        "window": 5, "distance": "shrink", "subsample": 1e-4, "negatives": 5, "noise_power": 0.5,
        "rate": 0.05, "epochs": 5, "min_ngram": 3, "max_ngram": 6, "buckets": 2_000_000,
    },
    "glove": {
        "window": 15, "distance": "harmonic", "subsample": 0.0, "rate": 0.05, "epochs": 25,
        "count_limit": 10.0, "count_power": 0.75,
    },
    "ppmi": {
        "window": 5, "distance": "shrink", "subsample": 1e-3, "noise_power": 0.75, "shift": 1.0,
        "singular_power": 0.5,
    },
}  # fmt: skip
"""The settings of each model, with the defaults of its original program or paper."""

COUNT_RANGES = {
    "dimensions": (1, 1 << 14), "window": (1, 1000), "negatives": (1, 1000), "epochs": (1, 1_000_000),
    "min_ngram": (1, 100), "max_ngram": (1, 100), "buckets": (1, 1 << 31), "threads": (1, 1024),
    "seed": (0, (1 << 63) - 1),
}  # fmt: skip
_NUMBER_RANGES = {
    "subsample": (0, 1), "noise_power": (0, 10), "rate": (0, 10), "count_limit": (1e-3, 1e12), "count_power": (0, 10),
    "shift": (1, 1e6), "singular_power": (0, 10),
}  # fmt: skip


@dataclasses.dataclass(frozen=True, kw_only=True)
class VectorsConfig(Config):
    """What word vectors are and how they are trained.

    None stands for what the model knows nothing of.

    >>> VectorsConfig.of("glove", {"dimensions": 50}).window
    15
    """

    model: Literal["skipgram", "cbow", "fasttext", "glove", "ppmi"]
    """How vectors are found."""
    dimensions: int = 100
    """Numbers of a word vector."""
    window: int | None = None
    """Words on each side that count as near (default: 5, of glove 15)."""
    distance: Literal["shrink", "flat", "harmonic"] | None = None
    """How much a pair counts: shrink draws each window from 1 to its width, flat takes it whole,
    harmonic counts 1/d at distance d (glove and ppmi only)."""
    subsample: float | None = None
    """Words more frequent than this share are dropped at random; 0 keeps all (default: 1e-3, of
    fasttext 1e-4, of glove 0)."""
    negatives: int | None = None
    """Negative samples of each target word (default: 5)."""
    noise_power: float | None = None
    """Power of the counts that negative samples are drawn by, and contexts weighed by in ppmi
    (default: 0.75, of fasttext 0.5)."""
    hierarchical: bool | None = None
    """Hierarchical softmax over a Huffman tree instead of negative samples, on one thread (skipgram
    and cbow)."""
    rate: float | None = None
    """Learning rate at the beginning (default: 0.025, of others than skipgram 0.05)."""
    epochs: int | None = None
    """How often the text is read (default: 5), or the table of pairs (glove: 25)."""
    min_ngram: int | None = None
    """Characters of the shortest subwords (fasttext; default 3)."""
    max_ngram: int | None = None
    """Characters of the longest subwords (fasttext; default 6)."""
    buckets: int | None = None
    """Buckets that subwords are hashed into (fasttext; default 2,000,000; only those in use are
    kept)."""
    count_limit: float | None = None
    """Pairs seen more often weigh no more (glove; default 10)."""
    count_power: float | None = None
    """Power of the counts that pairs are weighed by (glove; default 0.75)."""
    shift: float | None = None
    """The logarithm of this is taken from the mutual information, like so many negatives (ppmi;
    default 1)."""
    singular_power: float | None = None
    """Power of the singular values in vectors (ppmi; default 0.5)."""
    seed: int = 1
    """Everything random follows from it."""
    threads: int = 1
    """Threads that compute; another number gives slightly different vectors."""
    lowercase: bool = False
    """Whether words are looked up in lower case."""

    def __post_init__(self) -> None:
        super().__post_init__()
        known = DEFAULTS[self.model]
        for name, (low, high) in {**COUNT_RANGES, **_NUMBER_RANGES}.items():
            value = getattr(self, name)
            if value is None:
                continue
            if not low <= value <= high:
                raise UsageError.of(name, value, f"at least {low:g} and at most {high:g}")
        for name in _OWN:
            if getattr(self, name) is not None and name not in known:
                others = ", ".join(model for model, settings in DEFAULTS.items() if name in settings)
                flag = "--" + name.replace("_", "-")
                raise UsageError(f"{flag} does not apply to {self.model}, only to {others}; leave it out")
        if self.hierarchical:
            for name in _SAMPLING:
                if getattr(self, name) is not None:
                    raise UsageError(
                        f"--{name.replace('_', '-')} does not apply with --hierarchical; leave one of both out"
                    )
            if self.threads > 1:
                raise UsageError(
                    f"--threads is {self.threads}; with --hierarchical it must be 1, for all paths begin at one node"
                )
        if self.distance == "harmonic" and self.model not in ("glove", "ppmi"):
            raise UsageError(f"--distance is 'harmonic'; of {self.model} it must be shrink or flat")
        if self.min_ngram is not None and self.max_ngram is not None and self.min_ngram > self.max_ngram:
            raise UsageError(
                f"min_ngram is {self.min_ngram}, above max_ngram {self.max_ngram}; swap them",
                field=("min_ngram", "max_ngram"),
            )

    @classmethod
    def of(cls, model: str, settings: Mapping[str, Any]) -> "VectorsConfig":
        """A whole configuration from what the user fixed of it."""
        given: dict[str, Any] = {**settings, "model": model}
        cls(**given)
        left_out = _SAMPLING if settings.get("hierarchical") else ()
        defaults = {name: value for name, value in DEFAULTS[model].items() if name not in left_out}
        return cls(**{**defaults, **given})


_SAMPLING = ("negatives", "noise_power")
"""What hierarchical softmax does without."""
_OWN = tuple(dict.fromkeys(name for settings in DEFAULTS.values() for name in settings))
"""Settings that some models know nothing of."""


def models_for(settings: Mapping[str, Any]) -> list[str]:
    """The models to which all settings mean something."""
    asked = {name for name in settings if name in _OWN}
    return [model for model, known in DEFAULTS.items() if asked <= set(known)]
