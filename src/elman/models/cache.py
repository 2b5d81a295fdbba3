"""NeuralCache: a language model that boosts words that recently followed a similar context.

    p(w) = (1 - share) p_model(w) + share p_cache(w)
    p_cache(w) ~ sum over the last W tokens i of  [w_i = w] exp(theta h . h_i - recency * age_i)

h is the current hidden vector, h_i the one before token i, and age_i the number of tokens since (0:
the last one). The method is that of Grave, Joulin and Usunier (2017), "Improving neural language
models with a continuous cache", plus recency. With ``theta`` 0 hidden vectors are not used: this is
the unigram cache of Kuhn and De Mori (1990), for any model. Before the first token, the model alone
predicts.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.config import Config
from elman.errors import FolderError, ModelError, UsageError
from elman.models.composite import build_parts, check_part, join_arrays, join_states, part_configs, split_states
from elman.models.protocol import LanguageModel, State
from elman.models.trace import Trace, trace
from elman.notation import Lengths, LogProbs, TokenIds
from elman.text.tokenizer import Tokenizer

_BLOCK = 128
"""Queries per matrix product."""
_NOTHING = -1
"""The id of empty positions in the window."""


@dataclass(frozen=True, kw_only=True)
class CacheConfig(Config):
    """A cache on top of a model."""

    share: float
    """Share of the cache in the sum, from 0 to 1."""
    theta: float
    """Weight of the similarity of hidden vectors; 0: none."""
    recency: float = 0.0
    """Decay of a token with each token after it (nats)."""
    window: int = 2000
    """Tokens remembered (W)."""
    parts: list
    """The model inside, ``[{"model": ..., "config": {...}}]``."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0.0 <= self.share <= 1.0:
            raise UsageError(f"the cache's share is {self.share:g}; it must be from 0 to 1")
        for name in ("theta", "recency"):
            if not 0.0 <= getattr(self, name) <= 1e3:
                raise UsageError(f"the cache's {name} is {getattr(self, name):g}; it must be from 0 to 1000")
        if not 1 <= self.window <= 1 << 20:
            raise UsageError(f"the cache's window is {self.window}; it must be from 1 to 2^20 tokens")
        if len(self.parts) != 1:
            raise UsageError(f"a cache is put round one model, not round {len(self.parts)}")
        check_part(self.parts[0])


class NeuralCache:
    """A cache on top of a language model, itself a language model.

    Args:
        model: any; with ``theta`` above 0 one whose ``features`` are not None.
        share, theta, recency, window: see ``CacheConfig``.

    Raises:
        ModelError: ``theta`` is above 0 and the model has no hidden vectors.
        UsageError: a value out of range.

    >>> from elman.models.ngram.query import fit_ngram
    >>> from elman.text.tokenizer import TokenizerConfig
    >>> words = Tokenizer.fit(["a b c"], config=TokenizerConfig(pretokenized=True))
    >>> model = fit_ngram(words.encode("a b c").ids, np.array([0, 3]), words)
    >>> cached = NeuralCache(model, share=0.5, theta=0)
    >>> state = cached.advance(words.encode("b").ids, cached.start())
    >>> words.tokens[cached.log_probs(state).argmax()]
    ' b'
    """

    def __init__(
        self, model: LanguageModel, *, share: float, theta: float, recency: float = 0.0, window: int = 2000
    ) -> None:
        seen = model.features(model.start()) if theta else None
        if theta and seen is None:
            raise ModelError(
                f"a model of kind {model.describe()['name']} has no hidden vectors for a cache to compare; "
                "use theta 0, which goes by recency alone"
            )
        # Checked with a placeholder, since not every model has a configuration.
        stand_in = [{"model": "", "config": {}}]
        checked = CacheConfig(share=share, theta=theta, recency=recency, window=window, parts=stand_in)
        self.model = model
        self.share, self.theta, self.recency, self.window = checked.share, checked.theta, checked.recency, window
        self.tokenizer = model.tokenizer
        self.batchable = model.batchable
        self.exact = model.exact
        self.forgets_lines = False
        self._size = 0 if seen is None else seen.shape[1]
        names = ["cache", share, theta, recency, window, model.model_hash]
        self.model_hash = hashlib.sha256(json.dumps(names).encode()).hexdigest()

    @property
    def config(self) -> CacheConfig:
        """The configuration for ``from_arrays``."""
        return CacheConfig(
            share=self.share,
            theta=self.theta,
            recency=self.recency,
            window=self.window,
            parts=part_configs([self.model]),
        )

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """The weights of the model inside, under ``"0."``."""
        return join_arrays([self.model])

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, NDArray[Any]], tokenizer: Tokenizer, config: CacheConfig
    ) -> "NeuralCache":
        """The model that ``to_arrays`` was called on.

        Raises:
            FolderError: the arrays are damaged or do not fit the configuration.
        """
        (model,) = build_parts(arrays, tokenizer, config.parts)
        try:
            return cls(model, share=config.share, theta=config.theta, recency=config.recency, window=config.window)
        except ModelError as error:
            raise FolderError(f"{error}; the folder is damaged") from error

    def start(self, batch: int = 1) -> State:
        """A document start, with an empty window."""
        return self._packed(self.model.start(batch), [_Window.empty(self._size)] * batch)

    def log_probs(self, state: State) -> LogProbs:
        """Natural log-probabilities of every type as the next token, ``[B, V]``."""
        inner = self._inner(state)
        log_probs = self.model.log_probs(inner)
        seen = self._seen(self.model.features(inner) if self.theta else None, state.batch)
        for row, window in enumerate(self._windows(state)):
            now = window.and_then(_Window(seen[row : row + 1], np.array([_NOTHING])))
            log_probs[row] = self._whole(log_probs[row : row + 1], now)[0]
        return log_probs

    def advance(self, ids: TokenIds, state: State) -> State:
        """The state after one more token per row."""
        inner = self._inner(state)
        seen = self._seen(self.model.features(inner) if self.theta else None, state.batch)
        ids = np.asarray(ids, np.int64)
        windows = [
            window.and_then(_Window(seen[row : row + 1], ids[row : row + 1])).last(self.window)
            for row, window in enumerate(self._windows(state))
        ]
        return self._packed(self.model.advance(ids, inner), windows)

    def score(self, ids: TokenIds, lengths: Lengths, state: State) -> tuple[LogProbs, State]:
        """Log-probability of each given token ``[B, T]``, and the state after each row's last real
        one.
        """
        trace = self.trace(ids, lengths, state)
        return trace.scores, trace.state

    def trace(self, ids: TokenIds, lengths: Lengths, state: State, *, whole: bool = False) -> Trace:
        """As ``score``, with the model's own features and, if ``whole``, all log-probabilities."""
        inner = self._inner(state)
        if self.theta or whole:
            inner_trace = trace(self.model, ids, lengths, inner, whole=whole)
        else:
            scores, after = self.model.score(ids, lengths, inner)
            inner_trace = Trace(scores, None, None, after)
        scores, kept = inner_trace.scores.copy(), inner_trace.log_probs
        seen = self._seen(inner_trace.features if self.theta else None, *np.shape(ids))
        windows = []
        for row, (window, length) in enumerate(zip(self._windows(state), np.asarray(lengths).tolist(), strict=True)):
            read = window.and_then(_Window(seen[row, :length], np.asarray(ids[row, :length], np.int64)))
            windows.append(read.last(self.window))
            cached = cache_log_probs(*read, first=len(window.ids), **self._options)
            scores[row, :length] = self._mixed(scores[row, :length], cached)
            if kept is not None:
                kept[row, :length] = self._whole(kept[row, :length], read)
        return Trace(scores, inner_trace.features, kept, self._packed(inner_trace.state, windows))

    def features(self, state: State) -> NDArray[np.float32] | None:
        """The hidden vectors of the model inside, ``[B, H]``."""
        return self.model.features(self._inner(state))

    def describe(self) -> dict[str, Any]:
        """Name, parameters of the model inside, and the settings of the cache."""
        about = self.model.describe()
        fading = f", recency {self.recency:g}" if self.recency else ""
        cache = f"cache of {self.window}, share {self.share:.2f}, theta {self.theta:g}{fading}"
        return {
            "name": "cache",
            "parameters": about["parameters"],
            "size": f"{about['name']} ({about['size']}) + {cache}",
            "parts": [about],
        }

    def _whole(self, log_probs: LogProbs, read: "_Window") -> LogProbs:
        """The log-probabilities of all types ``[N, V]`` before each of the last N tokens, with the
        cache.
        """
        count, size = log_probs.shape
        mixed = log_probs.copy()
        first = len(read.ids) - count
        for block in _attend(read.keys, read.ids, first=first, **self._options):
            queries = len(block.weights)
            cells = np.arange(queries)[:, None] * size + read.ids[block.low : block.stop - 1]
            sums = np.bincount(cells.ravel(), weights=block.weights.ravel(), minlength=queries * size)
            rows = slice(block.start - first, block.stop - first)
            with np.errstate(divide="ignore"):
                cached = np.log(sums.reshape(queries, size) / block.total[:, None])
            mixed[rows] = self._mixed(log_probs[rows], cached)
        return mixed

    def _mixed(self, log_probs: LogProbs, cached: NDArray[np.floating]) -> LogProbs:
        nothing = np.isnan(cached)
        # A log-probability of -inf is 0 and adds nothing.
        with np.errstate(divide="ignore"):
            kept, added = np.log1p(-np.float64(self.share)), np.log(np.float64(self.share))
        both = np.logaddexp(log_probs.astype(np.float64) + kept, np.where(nothing, 0, cached) + added)
        return np.where(nothing, log_probs, both).astype(np.float32)

    @property
    def _options(self) -> dict[str, Any]:
        return {"theta": self.theta, "recency": self.recency, "window": self.window}

    def _seen(self, features: NDArray[np.float32] | None, *shape: int) -> NDArray[np.float32]:
        return np.zeros((*shape, 0), np.float32) if features is None else features

    def _windows(self, state: State) -> list["_Window"]:
        """Each row's window without empty positions."""
        ids = state.parts["ids"]
        keys = state.parts["keys"] if self.theta else np.zeros((*ids.shape, 0), np.float32)
        empty = (ids == _NOTHING).sum(axis=1).tolist()
        return [_Window(keys[row, begin:], ids[row, begin:]) for row, begin in enumerate(empty)]

    def _packed(self, inner: State, windows: list["_Window"]) -> State:
        # Untouched zeros take no memory.
        keys = np.zeros((inner.batch, self.window, self._size), np.float32)
        ids = np.full((inner.batch, self.window), _NOTHING, np.int64)
        for row, read in enumerate(windows):
            keys[row, self.window - len(read.ids) :] = read.keys
            ids[row, self.window - len(read.ids) :] = read.ids
        own = {"keys": keys, "ids": ids} if self.theta else {"ids": ids}
        return State(self.model_hash, {**own, **join_states([inner])})

    def _inner(self, state: State) -> State:
        if state.model_hash != self.model_hash:
            raise ModelError("this state belongs to another model; begin with this cache's start()")
        return split_states(state, [self.model])[0]


class _Window(NamedTuple):
    """The memory of one row, the newest token last."""

    keys: NDArray[np.float32]
    """The hidden vector before each token, ``[n, H]``; H = 0 if they are not compared."""
    ids: TokenIds
    """The tokens, ``[n]``."""

    @classmethod
    def empty(cls, size: int) -> "_Window":
        return cls(np.zeros((0, size), np.float32), np.empty(0, np.int64))

    def and_then(self, new: "_Window") -> "_Window":
        return _Window(np.concatenate([self.keys, new.keys]), np.concatenate([self.ids, new.ids]))

    def last(self, count: int) -> "_Window":
        return _Window(self.keys[-count:], self.ids[-count:])


def cache_log_probs(
    keys: NDArray[np.float32], ids: TokenIds, *, first: int, theta: float, recency: float, window: int
) -> NDArray[np.float64]:
    """log p_cache of each token from ``first`` on, ``[N - first]`` (nats): -inf if it is not in the
    cache.

    NaN before the first token, where the cache is empty.

    Args:
        keys: the hidden vector before each token, ``[N, H]``; H = 0 if ``theta`` is 0.
        ids: the tokens, ``[N]``; those before ``first`` are only remembered.

    >>> settings = {"theta": 0, "recency": 0, "window": 9}
    >>> cache_log_probs(np.zeros((3, 0)), np.array([7, 8, 7]), first=1, **settings).round(2)
    array([ -inf, -0.69])
    """
    log_probs = np.full(len(ids) - first, np.nan)
    small = ids.astype(np.int32)
    for block in _attend(keys, ids, first=first, theta=theta, recency=recency, window=window):
        same = small[block.low : block.stop - 1] == small[block.start : block.stop, None]
        hits = np.einsum("qw,qw->q", block.weights, same, dtype=np.float64)
        with np.errstate(divide="ignore"):
            log_probs[block.start - first : block.stop - first] = np.log(hits / block.total)
    return log_probs


class _Block(NamedTuple):
    """Weights of the positions low .. stop - 2 for the queries at positions start .. stop - 1."""

    start: int
    stop: int
    low: int
    weights: NDArray[np.float32]
    """``[stop - start, stop - 1 - low]``; 0 outside a query's window."""
    total: NDArray[np.float64]
    """Their sums, ``[stop - start]``."""


def _attend(
    keys: NDArray[np.float32], ids: TokenIds, *, first: int, theta: float, recency: float, window: int
) -> Iterator[_Block]:
    """The weights for all positions from ``first`` on that have earlier ones."""
    scaled = np.asarray(keys, np.float32) * np.float32(theta)
    for start in range(max(first, 1), len(ids), _BLOCK):
        stop = min(start + _BLOCK, len(ids))
        low = max(start - window, 0)
        # All tokens that a query sees differ from it by position minus a constant, so positions
        # replace ages.
        fading = np.arange(low - stop + 1, 0, dtype=np.float32) * np.float32(recency)
        logits = scaled[start:stop] @ keys[low : stop - 1].T + fading if theta else fading
        positions, asked = np.arange(low, stop - 1), np.arange(start, stop)[:, None]
        unseen = (positions >= asked) | (positions < asked - window)
        logits = np.where(unseen, np.float32(-np.inf), logits)
        weights = np.exp(logits - logits.max(axis=1, keepdims=True))
        yield _Block(start, stop, low, weights, weights.sum(axis=1, dtype=np.float64))
