"""What a gradient by lag means, in words: vanishing, exploding or healthy."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Case = Literal["vanishing", "exploding", "healthy"]

GRADIENT_LOG_FILE = "xray.jsonl"
"""Where training records its judgements, in the folder ``training``."""
FAR = 50
"""A gradient is vanishing unless more than LEFT of it remains this many tokens back.
"""
LEFT = 0.01
GROWN = 10.0
"""A gradient is exploding if it reaches this many times its size at lag 0."""
_NOTHING = 1e-6
"""Share of the gradient below which its rate no longer matters."""


@dataclass(frozen=True)
class LagCase:
    """A judgement of one curve."""

    case: Case
    rate: float
    """The factor by which the median changes with each step back, from the slope of its logarithm
    between lag 1 and ``until``."""
    until: int
    """The last lag that the rate covers: where a millionth of lag 1 is left, or the last one
    measured."""
    half_life: float | None
    """Tokens in which it halves at that rate; None if it does not shrink."""
    half: int | None
    """The first lag at which less than half of lag 0 is left; None if there is none."""
    gone: int | None
    """The first lag at which less than a hundredth of lag 0 is left; None if there is none."""
    peak: float
    """The largest median after lag 0, in sizes of lag 0."""
    peak_lag: int
    reached: int
    """The largest lag that was measured."""


def judge_lags(curves: NDArray[np.float64]) -> LagCase:
    """Judge the norms ``curves[K + 1, N]`` of lags 0 to K at N positions by their median.

    Vanishing: less than a hundredth of lag 0 is left at a lag below FAR. Exploding: at some lag it
        is GROWN
    times that of lag 0, or no longer finite. Else healthy.

    >>> judged = judge_lags(np.array([[0.5**lag] for lag in range(30)]))
    >>> judged.case, round(judged.rate, 6), round(judged.half_life, 6), judged.gone
    ('vanishing', 0.5, 1.0, 7)
    """
    median = np.median(curves, axis=1)
    wild = np.flatnonzero(~np.isfinite(median))
    if len(wild):
        lag, last = max(int(wild[0]), 1), len(median) - 1
        return LagCase("exploding", math.inf, 1, None, None, None, math.inf, lag, last)
    share = median / median[0] if median[0] > 0 else np.zeros(len(median))
    enough = np.flatnonzero(share[1:] >= _NOTHING * share[1]) + 1 if share[1] > 0 else np.array([], np.int64)
    # The first stretch only: whatever reappears after nothing was left is noise.
    until = 1
    for lag in enough[1:]:
        if lag != until + 1:
            break
        until = int(lag)
    if until > 1:
        rate = math.exp(np.polyfit(np.arange(1, until + 1), np.log(share[1 : until + 1]), 1)[0])
    else:
        rate = float(share[1])
    peak_lag = int(share[1:].argmax()) + 1
    gone, half = _first_below(share, LEFT), _first_below(share, 0.5)
    case: Case = "healthy"
    if share[peak_lag] >= GROWN:
        case = "exploding"
    elif gone is not None and gone < FAR:
        case = "vanishing"
    return LagCase(
        case=case,
        rate=rate,
        until=until,
        half_life=-math.log(2) / math.log(rate) if 0 < rate < 1 else None,
        half=half,
        gone=gone,
        peak=float(share[peak_lag]),
        peak_lag=peak_lag,
        reached=len(share) - 1,
    )


def _tokens(count: int | None) -> str:
    return "1 token" if count == 1 else f"{count} tokens"


def _first_below(share: NDArray[np.float64], limit: float) -> int | None:
    below = np.flatnonzero(share < limit)
    return int(below[0]) if len(below) else None


def lag_words(found: LagCase, *, clip: float = 0.0) -> str:
    """A judgement as a sentence; ``clip`` is the norm that training clips gradients to, 0 if it
    does not."""
    pace = f"{found.rate:.3g} a step between lag 1 and {found.until}"
    if found.half_life is not None:
        pace += f", a half-life of {found.half_life:.3g} tokens"
    if found.case == "exploding":
        where = f"{_tokens(found.peak_lag)} back it is {found.peak:.3g} times what it is at lag 0 ({pace})"
        if math.isinf(found.peak):
            where = f"{_tokens(found.peak_lag)} back it is no longer a finite number"
        clipped = (
            f"training clips its norm to {clip:g}, which keeps its direction: updates stay small, but "
            "those far positions dominate them, and everything nearer counts for little"
            if clip
            else "training does not clip it, so a few positions decide an update: give --clip 0.25"
        )
        return f"exploding: {where}; {clipped}"
    if found.case == "vanishing":
        return (
            f"vanishing: {_tokens(found.gone)} back less than 1% of the gradient is left ({pace}); "
            "almost nothing is learned from anything further back"
        )
    if found.gone is not None:
        return f"healthy: only {found.gone} tokens back less than 1% of the gradient is left ({pace})"
    return f"healthy: {found.reached} tokens back more than 1% of the gradient is still left ({pace})"
