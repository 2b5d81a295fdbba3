"""Decoding of targets: how they are searched for, or drawn, for many sources at once."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from elman.config import Config
from elman.decode.beam import Hypothesis, anything, beam_searches
from elman.decode.forced_prefix import forced_prefix
from elman.decode.sampling import make_sampler
from elman.errors import UsageError
from elman.models.protocol import LanguageModel, State
from elman.text.tokenizer import EOS_ID

_SPARE = 20
"""A target may have this many tokens more than twice those of its source."""


class ConditionedModel(LanguageModel, Protocol):
    """A language model of the targets of several sources."""

    def start(self, batch: int = 1, condition: Sequence[int] | NDArray[np.int64] | None = None) -> State:
        """Nothing is written; ``condition`` is the number of the source of each row."""
        ...


@dataclasses.dataclass(frozen=True, kw_only=True)
class DecodingConfig(Config):
    """How targets are decoded.

    >>> DecodingConfig(beam_size=3, n_best=9)
    Traceback (most recent call last):
    ...
    elman.errors.UsageError: n_best is 9, but a beam of 3 finds no more than 3; make beam_size at least 9
    """

    beam_size: int = 5
    """Hypotheses kept at each step; 1 always takes the likeliest token."""
    n_best: int = 1
    """Translations of each text, the best first."""
    length_penalty: float = 1.0
    """How much longer translations are favoured: log-probabilities are divided by the number of
    tokens to this power."""
    coverage_penalty: float = 0.0
    """How much translations are punished that look too little at a part of the source (Wu et al.
    2016)."""
    no_repeat: int = 0
    """No so many tokens in a row occur twice in a translation; 0: they may."""
    min_tokens: int = 0
    """Fewest tokens of a translation."""
    max_tokens: int | None = None
    """Most tokens of a translation (default: 20 more than twice those of its source)."""
    sample: bool = False
    """Whether translations are drawn at random rather than searched for."""
    temperature: float = 1.0
    """With sampling: below 1 more likely, above 1 more varied translations."""
    top_k: int | None = None
    """With sampling: only the so many likeliest tokens."""
    top_p: float | None = None
    """With sampling: only the likeliest tokens with this probability together."""
    seed: int = 0
    """With sampling: the seed of the random numbers."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, least in (("beam_size", 1), ("n_best", 1), ("no_repeat", 0), ("min_tokens", 0)):
            self.require(name, least <= getattr(self, name) <= 10_000, f"at least {least} and at most 10000")
        for name in ("length_penalty", "coverage_penalty"):
            self.require(name, 0 <= getattr(self, name) <= 100, "from 0 to 100")
        if self.max_tokens is not None and not max(self.min_tokens, 1) <= self.max_tokens <= 10_000:
            raise UsageError.of("max_tokens", self.max_tokens, f"at least {max(self.min_tokens, 1)} and at most 10000")
        if not self.sample and self.n_best > self.beam_size:
            raise UsageError(
                f"n_best is {self.n_best}, but a beam of {self.beam_size} finds no more than {self.beam_size}; make "
                f"beam_size at least {self.n_best}",
                field=("n_best", "beam_size"),
            )
        make_sampler(temperature=self.temperature, top_k=self.top_k, top_p=self.top_p)
        plain = DecodingConfig.__dataclass_fields__
        for name in ("temperature", "top_k", "top_p", "seed"):
            if not self.sample and getattr(self, name) != plain[name].default:
                raise UsageError(
                    f"{name} is for translations that are drawn at random; add sample, or leave it out", field=name
                )


def decode_targets(
    model: ConditionedModel,
    lengths: NDArray[np.int64],
    config: DecodingConfig,
    *,
    begin: str = "",
    only: Sequence[int] | None = None,
) -> list[list[Hypothesis]]:
    """The translations of each source, best first.

    Args:
        lengths: tokens of each source ``[N]``.
        begin: how every translation begins.
        only: the numbers of the sources to translate; by default all.

    Raises:
        UsageError: a beginning for translations that are drawn, or of several lines.
    """
    rule = forced_prefix(model.tokenizer, begin) if begin else anything
    if begin and config.sample:
        raise UsageError("a given beginning is for translations that are searched for; leave out begin, or sample")
    chosen = np.arange(len(lengths)) if only is None else np.asarray(only, np.int64)
    most = np.full(len(chosen), config.max_tokens) if config.max_tokens else 2 * lengths[chosen] + _SPARE
    most = np.maximum(most, config.min_tokens + 1)
    start = model.start(len(chosen), condition=chosen)
    if config.sample:
        return _drawn(model, start, most, config)
    penalty = None
    if config.coverage_penalty:
        penalty = _coverage_penalty(config.coverage_penalty, lengths)
    return beam_searches(
        model,
        start,
        beam_size=config.beam_size,
        max_tokens=most.tolist(),
        n_best=config.n_best,
        length_penalty=config.length_penalty,
        min_tokens=config.min_tokens,
        no_repeat=config.no_repeat,
        penalty=penalty,
        allowed=lambda _, ids: rule(ids),
        early=True,
    )


def _coverage_penalty(weight: float, lengths: NDArray[np.int64]) -> Callable[[State], NDArray[np.floating]]:
    """The penalty of Wu et al. (2016), equation 14: ``weight`` times the sum over the source of
    ``log(min(coverage, 1))``."""

    def penalty(state: State) -> NDArray[np.floating]:
        coverage = state.parts["coverage"]
        seen = np.log(np.clip(coverage.astype(np.float64), 1e-9, 1))
        real = np.arange(coverage.shape[1]) < lengths[state.parts["source"]][:, None]
        return weight * np.where(real, seen, 0).sum(axis=1)

    return penalty


def _drawn(
    model: ConditionedModel, start: State, most: NDArray[np.int64], config: DecodingConfig
) -> list[list[Hypothesis]]:
    """``n_best`` random translations of each source, the likeliest first."""
    sampler = make_sampler(temperature=config.temperature, top_k=config.top_k, top_p=config.top_p)
    drawn: list[list[Hypothesis]] = [[] for _ in most]
    # Each translation has its own random numbers, so that it does not depend on the others.
    turns = range(config.n_best)
    every = [(number, np.random.default_rng([config.seed, turn])) for number in range(len(most)) for turn in turns]
    state = start.take([number for number, _ in every])
    written: list[tuple[tuple[int, ...], float]] = [((), 0.0)] * len(every)
    going = list(range(len(every)))
    while going:
        log_probs = model.log_probs(state)
        if config.min_tokens:
            short = [row for row, one in enumerate(going) if len(written[one][0]) < config.min_tokens]
            log_probs = log_probs.copy()
            log_probs[short, EOS_ID] = -np.inf
        ids = np.array([int(sampler(log_probs[row : row + 1], every[one][1])[0]) for row, one in enumerate(going)])
        kept = []
        for row, one in enumerate(going):
            token = int(ids[row])
            tokens, log_prob = (*written[one][0], token), written[one][1] + float(log_probs[row, token])
            written[one] = tokens, log_prob
            if token == EOS_ID or len(tokens) == most[every[one][0]]:
                score = log_prob / len(tokens) ** config.length_penalty
                drawn[every[one][0]].append(Hypothesis(tokens, log_prob, score, token == EOS_ID))
            else:
                kept.append(row)
        going = [going[row] for row in kept]
        if going:
            state = model.advance(ids[kept], state.take(kept))
    return [sorted(found, key=lambda each: -each.score) for found in drawn]
