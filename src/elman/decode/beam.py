"""Beam search: the likeliest token sequences where trying all would take too long."""

import dataclasses
import math
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.decode.largest import largest
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
    """The ranking score: ``(log_prob + penalty) / len(ids) ** length_penalty``."""
    finished: bool
    """False if it was cut at ``max_tokens``."""


class _Live(NamedTuple):
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
    assert state.batch == 1, "several states are searched by beam_searches"
    (found,) = beam_searches(
        model,
        state,
        beam_size=beam_size,
        max_tokens=[max_tokens],
        n_best=n_best,
        is_finished=is_finished,
        length_penalty=length_penalty,
        banned=banned,
        allowed=lambda _, ids: allowed(ids),
    )
    return found


def beam_searches(
    model: LanguageModel,
    state: State,
    *,
    beam_size: int,
    max_tokens: Sequence[int],
    n_best: int = 1,
    is_finished: Callable[[Ids], bool] = ends_line,
    length_penalty: float = 0.0,
    banned: Collection[int] = (),
    allowed: Callable[[int, Ids], TokenIds | None] = lambda _, ids: None,
    min_tokens: int = 0,
    no_repeat: int = 0,
    penalty: Callable[[State], NDArray[np.floating]] | None = None,
    early: bool = False,
) -> list[list[Hypothesis]]:
    """``beam_search`` from each of B states, side by side: every step of the model is one for all
    rows.

    Args:
        max_tokens: of each search ``[B]``.
        allowed: from the number of a search and the tokens so far to the only tokens that can come
            next; None: all.
        min_tokens: fewest tokens before `</s>`.
        no_repeat: no so many tokens in a row occur twice; 0: they may.
        penalty: of each row of a state ``[B]``, if it finishes now: at most 0.
        early: whether a search ends once ``beam_size`` hypotheses have finished, though others may
            still become better. A hypothesis then finishes only as one of the ``beam_size`` best of
            its step, so that a beam of one always takes the likeliest token.

    Raises:
        UsageError: a size that is out of range.
    """
    for name, value in (("beam_size", beam_size), ("max_tokens", min(max_tokens, default=1)), ("n_best", n_best)):
        if value < 1:
            raise UsageError.of(name, value, "1 or more")
    if length_penalty < 0:
        raise UsageError.of("length_penalty", length_penalty, "0 or more (above 0 favours longer texts)")
    barred = np.array(sorted(banned), dtype=np.int64)

    def next_tokens(search: _Search, ids: Ids, totals: NDArray[np.float64]) -> None:
        """Rule out tokens after one hypothesis."""
        totals[barred] = -np.inf
        if len(ids) < min_tokens:
            totals[EOS_ID] = -np.inf
        if no_repeat:
            totals[repeating(ids, no_repeat)] = -np.inf
        only = allowed(search.number, ids)
        if only is not None:
            kept = totals[only]
            totals[:] = -np.inf
            totals[only] = kept

    def finish(search: _Search, item: _Live, extra: float, *, finished: bool) -> None:
        score = (item.log_prob + extra) / len(item.ids) ** length_penalty
        if item.text not in search.done or score > search.done[item.text].score:
            search.done[item.text] = Hypothesis(item.ids, item.log_prob, score, finished)

    def is_done(search: _Search) -> bool:
        if not search.live or (early and len(search.done) >= beam_size):
            return True
        # More tokens only lower a log-probability.
        return search.is_decided(search.live[0].log_prob / search.most**length_penalty, n_best)

    pieces = model.tokenizer.pieces
    searches = [_Search(number, most) for number, most in enumerate(max_tokens)]
    going = searches
    while going:
        log_probs = row_log_probs(model, state)
        extras = np.zeros(state.batch) if penalty is None else penalty(state)
        rows: list[int] = []
        first = 0
        for search in going:
            live = search.live
            totals = log_probs[first : first + len(live)].astype(np.float64)
            for row, item in enumerate(live):
                totals[row] += item.log_prob
                next_tokens(search, item.ids, totals[row])
            longer: list[_Live] = []
            # One extra per live hypothesis: hypotheses may finish now, and the beam must stay full.
            for rank, (row, token, total) in enumerate(_best(totals, beam_size + len(live))):
                before = live[row]
                item = _Live((*before.ids, token), total, before.text + pieces[token])
                if is_finished(item.ids):
                    if rank < beam_size or not early:
                        finish(search, item, extras[first + row], finished=True)
                elif len(longer) < beam_size:
                    longer.append(item)
                    rows.append(first + row)
            first += len(live)
            search.live = longer
            if not is_done(search) and len(longer[0].ids) == search.most:
                for item, row in zip(longer, rows[len(rows) - len(longer) :], strict=True):
                    finish(search, item, extras[row], finished=False)
                search.live = []
            if is_done(search):
                del rows[len(rows) - len(longer) :]
                search.live = []
        going = [search for search in going if search.live]
        if going:
            last = [item.ids[-1] for search in going for item in search.live]
            state = _merge(going, row_advance(model, last, state.take(rows)))
    return [search.best(n_best) for search in searches]


class _Search:
    """One search among several."""

    def __init__(self, number: int, most: int) -> None:
        self.number, self.most = number, most
        self.live = [_Live((), 0.0, b"")]
        self.done: dict[bytes, Hypothesis] = {}

    def best(self, count: int) -> list[Hypothesis]:
        """The best finished hypotheses, best first."""
        return sorted(self.done.values(), key=lambda hypothesis: (-hypothesis.score, hypothesis.ids))[:count]

    def is_decided(self, bound: float, n_best: int) -> bool:
        """Whether no hypothesis with a score up to ``bound`` can still enter the n-best list."""
        if len(self.done) < n_best:
            return False
        return sorted((item.score for item in self.done.values()), reverse=True)[n_best - 1] >= bound


def repeating(ids: Ids, size: int) -> list[int]:
    """The tokens that would end a sequence of ``size`` tokens that ``ids`` has already.

    >>> repeating((5, 6, 7, 5, 6), 3), repeating((5, 6), 1)
    ([7], [5, 6])
    """
    end = ids[len(ids) - size + 1 :]
    starts = range(len(ids) - size + 1)
    return [ids[start + size - 1] for start in starts if ids[start : start + size - 1] == end]


def _best(totals: NDArray[np.float64], count: int) -> list[tuple[int, int, float]]:
    """Row, token and total of the largest totals, largest first; ties in table order."""
    flat = totals.ravel()
    indices = largest(flat, count)
    chosen = flat[indices]
    rows, tokens = np.divmod(indices, totals.shape[1])
    found = zip(rows.tolist(), tokens.tolist(), chosen.tolist(), strict=True)
    return [each for each in found if each[2] > -math.inf]


def _merge(searches: Sequence[_Search], state: State) -> State:
    """Drop hypotheses that a better one of its search with the same text and state beats; they come
    best first.
    """
    keep: list[int] = []
    first = 0
    for search in searches:
        texts = [item.text for item in search.live]
        rows = range(len(texts))
        if len(set(texts)) < len(texts):
            seen = set()
            chosen = []
            for row, text in enumerate(texts):
                key = (text, state.key(first + row) if texts.count(text) > 1 else None)
                if key not in seen:
                    seen.add(key)
                    chosen.append(row)
            search.live, rows = [search.live[row] for row in chosen], chosen
        keep += [first + row for row in rows]
        first += len(texts)
    return state if len(keep) == state.batch else state.take(keep)
