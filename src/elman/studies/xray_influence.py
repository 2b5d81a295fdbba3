"""Influence by lag: the change of the prediction when the token k back is replaced.

Only the LanguageModel interface is used, so it works for any model: n-grams, ARPA files, networks,
mixtures. The token k back (lag 1: the last one read) is replaced by one drawn from the text's own
tokens, and the influence is the Kullback-Leibler divergence of the prediction then from the
prediction before, in bits (Khandelwal et al. 2018 perturb contexts in the same spirit).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elman.decode.rows import row_advance, row_log_probs
from elman.errors import TextError
from elman.models.protocol import LanguageModel, State
from elman.notation import TokenIds
from elman.progress import Progress, counted
from elman.text.tokenizer import EOS_ID, UNK_ID

THRESHOLD = 0.01
"""Median influence in bits below which a token counts as forgotten."""
TRACE = 1e-6
"""Least influence in bits that counts as reaching a position; less is rounding."""
_NUMBERS = 1 << 22


@dataclass(frozen=True)
class Influence:
    """Bits by lag."""

    lags: list[int]
    bits: NDArray[np.float64]
    """``[len(lags), N * draws]``."""
    memory: int
    """The effective memory in tokens: the largest lag up to which the median is at least THRESHOLD
    at all lags."""
    reach: int
    """The largest lag at which any replacement had an influence above TRACE bits, or 0."""


def spread_lags(longest: int) -> list[int]:
    """Lags to measure: all up to 16, then each about a quarter larger.

    >>> spread_lags(40)
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 20, 25, 31, 39, 40]
    """
    lags = list(range(1, min(16, longest) + 1))
    while lags[-1] < longest:
        lags.append(min(max(lags[-1] + 1, round(lags[-1] * 1.25)), longest))
    return lags


def text_windows(ids: TokenIds, *, length: int, count: int) -> TokenIds:
    """``count`` windows of ``length`` tokens, spread evenly over a text: ``[N, length]``.

    Raises:
        TextError: the text is shorter than one window.
    """
    if len(ids) < length:
        raise TextError(
            f"the text has {counted(len(ids), 'token')}; looking {length - 1} back needs {length}: give a longer "
            "text, or fewer --lags"
        )
    count = min(count, len(ids) - length + 1)
    starts = np.linspace(0, len(ids) - length, count).round().astype(np.int64)
    return ids[starts[:, None] + np.arange(length)]


def influence_by_lag(
    model: LanguageModel,
    ids: TokenIds,
    *,
    lags: Sequence[int],
    positions: int = 40,
    draws: int = 2,
    warm: int = 20,
    seed: int = 0,
    progress: Progress | None = None,
) -> Influence:
    """Replace tokens of the text ``ids[N]`` and measure how the next prediction changes.

    Args:
        lags: which tokens to replace, 1 being the last one read; ascending.
        positions: the number of positions in the text.
        draws: the number of replacements for each token, other than itself, `<unk>` and line ends.
        warm: tokens read before the furthest one that is replaced.

    Raises:
        TextError: the text is too short, or the model knows none of it.
    """
    rng = np.random.default_rng(seed)
    longest = max(lags)
    windows = text_windows(ids, length=warm + longest, count=positions)
    words = ids[(ids != EOS_ID) & (ids != UNK_ID)]
    if len(np.unique(words)) < 2:
        raise TextError(
            "the text has fewer than two different words that the model knows, so nothing can be replaced; give text "
            "like that which it was trained on"
        )
    count, progress = len(windows), progress or Progress()
    state = _after(model, windows[:, :warm], model.start(count) if model.batchable else _starts(model, count))
    # All positions and replacements advance together, so each token is one call of the model.
    replaced_lags: list[int] = []
    with progress.stage("influence by lag", total=longest, unit="tokens") as step:
        for lag in range(longest, 0, -1):
            true = windows[:, -lag]
            new = [state.take(np.arange(count))] * draws if lag in lags else []
            swapped = [_other(words, true, rng) for _ in new]
            rows = 1 + len(replaced_lags)
            state = row_advance(model, np.concatenate([np.tile(true, rows), *swapped]), State.stack([state, *new]))
            replaced_lags += [lag] * len(new)
            step(1)
    bits = _divergences(model, state, count)
    by_lag = {lag: [] for lag in lags}
    for lag, bits_of_lag in zip(replaced_lags, bits, strict=True):
        by_lag[lag].append(bits_of_lag)
    table = np.array([np.concatenate(by_lag[lag]) for lag in lags])
    medians = np.median(table, axis=1)
    held = [lag for index, lag in enumerate(lags) if (medians[: index + 1] >= THRESHOLD).all()]
    reached = [lag for lag, row in zip(lags, table, strict=True) if row.max() > TRACE]
    return Influence(list(lags), table, memory=max(held, default=0), reach=max(reached, default=0))


def _divergences(model: LanguageModel, state: State, count: int) -> list[NDArray[np.float64]]:
    """The divergence of each group of ``count`` rows from the first group, bits ``[count]``."""
    size = max(1, _NUMBERS // model.tokenizer.size)
    divergences = [np.empty(state.batch - count)]
    for first in range(0, count, size):
        rows = np.arange(first, min(first + size, count))
        before = _normal(row_log_probs(model, state.take(rows)))
        p = np.exp(before)
        for group in range(1, state.batch // count):
            after = _normal(row_log_probs(model, state.take(group * count + rows)))
            # Words that were impossible before add nothing.
            gaps = np.where(p > 0, before - after, 0.0)
            divergences[0][(group - 1) * count + rows] = (p * gaps).sum(axis=1) / np.log(2)
    return list(np.maximum(divergences[0], 0).reshape(-1, count))


def _normal(rows: NDArray[np.float32]) -> NDArray[np.float64]:
    """Rows normalised in float64, so that rounding does not count as influence."""
    wide = rows.astype(np.float64)
    top = wide.max(axis=1, keepdims=True)
    return wide - top - np.log(np.exp(wide - top).sum(axis=1, keepdims=True))


def _other(words: TokenIds, true: TokenIds, rng: np.random.Generator) -> TokenIds:
    """A random word of the text for each of ``true``, different from it."""
    drawn = rng.choice(words, len(true))
    while (same := drawn == true).any():
        drawn[same] = rng.choice(words, int(same.sum()))
    return drawn


def _starts(model: LanguageModel, count: int) -> State:
    return model.start().take(np.zeros(count, np.int64))


def _after(model: LanguageModel, ids: TokenIds, state: State) -> State:
    for column in ids.T:
        state = row_advance(model, column, state)
    return state
