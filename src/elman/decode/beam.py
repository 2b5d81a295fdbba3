"""Beam search: the likeliest token sequences where trying all would take too long."""

import dataclasses
from collections.abc import Callable, Collection

import numpy as np
from numpy.typing import NDArray

from elman.decode.rows import row_advance, row_log_probs
from elman.errors import UsageError
from elman.models.protocol import LanguageModel, State
from elman.notation import TokenIds
from elman.text.tokenizer import EOS_ID

Ids = tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class Hypothesis:
    """One way to continue."""

    ids: Ids
    """Tokens, including the one that finished it."""
    log_prob: float
    """Sum over the tokens (nats)."""
    score: float
    """The ranking score: ``log_prob / len(ids) ** length_penalty``."""
    finished: bool
    """False if it was cut at ``max_tokens``."""


@dataclasses.dataclass(frozen=True)
class _Live:
    ids: Ids
    log_prob: float
    text: bytes


def ends_line(ids: Ids) -> bool:
    """Whether the last token is `</s>`."""
    return ids[-1] == EOS_ID


def anything(ids: Ids) -> TokenIds | None:
    """No restriction on the next token."""
    return None


def beam_search(
    model: LanguageModel,
    state: State,
    *,
    beam_size: int,
    max_tokens: int,
    n_best: int = 1,
    is_finished: Callable[[Ids], bool] = ends_line,
    length_penalty: float = 0.0,
    banned: Collection[int] = (),
    allowed: Callable[[Ids], TokenIds | None] = anything,
) -> list[Hypothesis]:
    """The best continuations of a state, best first, of different texts; exact if the beam is wide
    enough.

    A hypothesis is finished when ``is_finished(ids)``, or cut at ``max_tokens``. ``banned`` tokens
    are never taken; ``allowed(ids)`` may name the only tokens that can come next. A
    ``length_penalty`` above 0 favours longer ones.

    Two live hypotheses are merged if they spell the same text and their states have equal keys.
    They are then equally long and continue equally for ever, so the less likely one can never win:
    it is dropped. Their probabilities are not added, for ``log_prob`` is that of ``ids``. Among
    finished ones of the same text too only the best stays.

    >>> from elman.models.ngram.query import fit_ngram
    >>> from elman.text.tokenizer import Tokenizer, TokenizerConfig
    >>> words = Tokenizer.fit(["the cat sat"], config=TokenizerConfig(min_count=1))
    >>> ids = np.array([*words.encode("the cat sat").ids, EOS_ID] * 9)
    >>> model = fit_ngram(ids, np.array([0, len(ids)]), words)
    >>> beam = beam_search(model, model.start(), beam_size=3, max_tokens=4)
    >>> [words.decode(hypothesis.ids) for hypothesis in beam]
    ['the cat sat\\n']

    Raises:
        UsageError: a size that is out of range.
    """
    for name, value in (("beam_size", beam_size), ("max_tokens", max_tokens), ("n_best", n_best)):
        if value < 1:
            raise UsageError(f"{name} is {value}; it must be 1 or more")
    if length_penalty < 0:
        raise UsageError(f"length_penalty is {length_penalty}; it must be 0 or more (above 0 favours longer texts)")
    pieces = model.tokenizer.pieces
    barred = np.array(sorted(banned), dtype=np.int64)
    done: dict[bytes, Hypothesis] = {}

    def finish(item: _Live, *, finished: bool) -> None:
        score = item.log_prob / len(item.ids) ** length_penalty
        if item.text not in done or score > done[item.text].score:
            done[item.text] = Hypothesis(item.ids, item.log_prob, score, finished)

    live = [_Live((), 0.0, b"")]
    for _ in range(max_tokens):
        totals = row_log_probs(model, state).astype(np.float64)
        totals[:, barred] = -np.inf
        for row, item in enumerate(live):
            totals[row] += item.log_prob
            only = allowed(item.ids)
            if only is not None:
                kept = totals[row, only]
                totals[row] = -np.inf
                totals[row, only] = kept
        longer, rows = [], []
        # One extra per live hypothesis: hypotheses may finish now, and the beam must stay full.
        for row, token, total in _best(totals, beam_size + len(live)):
            item = _Live((*live[row].ids, token), total, live[row].text + pieces[token])
            if is_finished(item.ids):
                finish(item, finished=True)
            elif len(longer) < beam_size:
                longer.append(item)
                rows.append(row)
        live = longer
        if not live or _decided(done, live[0].log_prob / max_tokens**length_penalty, n_best):
            break
        state = row_advance(model, [item.ids[-1] for item in live], state.take(rows))
        live, state = _merge(live, state)
    else:
        for item in live:
            finish(item, finished=False)
    return sorted(done.values(), key=lambda hypothesis: (-hypothesis.score, hypothesis.ids))[:n_best]


def _best(totals: NDArray[np.float64], count: int) -> list[tuple[int, int, float]]:
    """Row, token and total of the largest totals, largest first; ties in table order."""
    flat = totals.ravel()
    if count < flat.size:
        least = np.partition(flat, flat.size - count)[flat.size - count]
        indices = np.flatnonzero(flat >= least)
    else:
        indices = np.arange(flat.size)
    indices = indices[np.isfinite(flat[indices])]
    indices = indices[np.argsort(-flat[indices], kind="stable")][:count]
    rows, tokens = np.divmod(indices, totals.shape[1])
    return list(zip(rows.tolist(), tokens.tolist(), flat[indices].tolist(), strict=True))


def _merge(live: list[_Live], state: State) -> tuple[list[_Live], State]:
    """Drop hypotheses that a better one with the same text and state beats; ``live`` comes best
    first.
    """
    texts = [item.text for item in live]
    if len(set(texts)) == len(texts):
        return live, state
    seen = set()
    keep = []
    for row, text in enumerate(texts):
        key = (text, state.key(row) if texts.count(text) > 1 else None)
        if key not in seen:
            seen.add(key)
            keep.append(row)
    return [live[row] for row in keep], state.take(keep)


def _decided(done: dict[bytes, Hypothesis], bound: float, n_best: int) -> bool:
    """Whether no live hypothesis can still enter the n-best list: more tokens only lower a
    log-probability.
    """
    if len(done) < n_best:
        return False
    return sorted((item.score for item in done.values()), reverse=True)[n_best - 1] >= bound
