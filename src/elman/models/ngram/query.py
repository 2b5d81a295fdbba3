"""NgramModel: an n-gram of lines as a LanguageModel.

A state holds, for each row, the nodes of its last 1, 2, ... N-1 tokens: one int64 array ``contexts``
``[B, N-1]``, -1 where that context says nothing (never seen, or never followed by anything). So the state is
the shortest context that matters, and histories that continue equally have equal keys. After `</s>` the
context is `<s>` again: lines know nothing of each other.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.config import Config
from elman.errors import ModelError, TextError, UsageError
from elman.models.ngram.counts import count_ngrams
from elman.models.ngram.kneser_ney import FIXED_DISCOUNTS, estimate
from elman.models.ngram.tables import NgramTables
from elman.models.protocol import State
from elman.notation import Lengths, LogProbs, TokenIds
from elman.progress import Progress
from elman.text.tokenizer import EOS_ID, Tokenizer

LARGEST_ORDER = 7


@dataclass(frozen=True, kw_only=True)
class NgramConfig(Config):
    """An n-gram model: interpolated modified Kneser-Ney of lines."""

    order: int = 5
    """Tokens of the longest n-gram, 1 to 7: each prediction sees the order - 1 tokens before it."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.order <= LARGEST_ORDER:
            raise UsageError(f"order is {self.order}; it must be 1 to {LARGEST_ORDER}; 5 suits most texts")


def fit_ngram(
    ids: NDArray[np.integer],
    documents: NDArray[np.integer],
    tokenizer: Tokenizer,
    *,
    config: NgramConfig | None = None,
    progress: Progress | None = None,
) -> "NgramModel":
    """Count a token stream and smooth it into a model.

    Args:
        ids: the training tokens, ``tokenizer``'s ids, each line ended by `</s>`; may be memory-mapped.
        documents: where documents begin in ``ids``, and its length last; ``[D+1]``.

    Raises:
        TextError: there are no tokens.

    >>> from elman.text.tokenizer import TokenizerConfig
    >>> lines = ["a b", "a b", "a b", "a b", "b a"]
    >>> words = Tokenizer.fit(lines, config=TokenizerConfig(pretokenized=True))
    >>> ids = np.concatenate([[*words.encode(line).ids, EOS_ID] for line in lines])
    >>> model = fit_ngram(ids, np.array([0, len(ids)]), words, config=NgramConfig(order=2))
    >>> state = model.advance(words.encode("a").ids, model.start())
    >>> words.tokens[model.log_probs(state).argmax()]
    ' b'
    """
    config = config or NgramConfig()
    if len(ids) == 0:
        raise TextError("the training text has no tokens to count; give some text")
    orders = count_ngrams(
        ids, documents, order=config.order, vocab_size=tokenizer.size, eos_id=EOS_ID, progress=progress
    )
    return NgramModel(estimate(orders, vocab_size=tokenizer.size), tokenizer, config)


class NgramModel:
    """A back-off n-gram over tables in memory; tables are float32, sums are float64."""

    batchable: bool = True
    exact: bool = True

    def __init__(self, tables: NgramTables, tokenizer: Tokenizer, config: NgramConfig) -> None:
        assert tables.order == config.order and tables.vocab_size == tokenizer.size, "tables of another model"
        self.tables = tables
        self.tokenizer = tokenizer
        self.config = config
        self.notes: list[str] = _notes(tables)
        """What a user should know about how the model was estimated, one line each."""
        self.model_hash = _hash(tables, tokenizer, config)
        self._matters = _nodes_that_matter(tables)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """All that ``from_arrays`` needs beside the tokenizer and the configuration."""
        return self.tables.to_arrays()

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], tokenizer: Tokenizer, config: NgramConfig) -> "NgramModel":
        """The model that ``to_arrays`` was called on.

        Raises:
            FolderError: the arrays are damaged or do not fit the tokenizer or the configuration.
        """
        tables = NgramTables.from_arrays(arrays, order=config.order, vocab_size=tokenizer.size)
        return cls(tables, tokenizer, config)

    def start(self, batch: int = 1) -> State:
        """A document start, which is a line start."""
        return self._state(np.tile(self._line_start(), (batch, 1)))

    def log_probs(self, state: State) -> LogProbs:
        """Natural log-probabilities of every type as the next token, ``[B, V]``."""
        contexts = self._contexts(state)
        found = np.repeat(self.tables.log_probs[0].astype(np.float64)[None], len(contexts), axis=0)
        size = self.tables.vocab_size
        for keys, log_probs, backoffs, nodes in self._orders_above_one(contexts):
            rows = np.flatnonzero(nodes >= 0)
            nodes = nodes[rows]
            found[rows] += backoffs[nodes, None]
            first = np.searchsorted(keys, nodes * size)
            seen = np.searchsorted(keys, (nodes + 1) * size) - first
            # All ranges first .. first+seen in one array: the words seen after each row's context.
            starts = np.repeat(first - np.cumsum(seen) + seen, seen)
            places = np.arange(len(starts)) + starts
            found[np.repeat(rows, seen), keys[places] % size] = log_probs[places]
        return found.astype(np.float32)

    def advance(self, ids: TokenIds, state: State) -> State:
        """The state after one more token per row."""
        ids = np.asarray(ids, dtype=np.int64)
        return self.score(ids[:, None], np.ones(len(ids), dtype=np.int64), state)[1]

    def score(self, ids: TokenIds, lengths: Lengths, state: State) -> tuple[LogProbs, State]:
        """Log-probability of each given token ``[B, T]``, and the state after each row's last real one."""
        contexts = self._contexts(state)
        real = np.arange(np.shape(ids)[1]) < np.asarray(lengths)[:, None]
        words = np.where(real, ids, EOS_ID).astype(np.int64)
        if words.size and (words.min() < 0 or words.max() >= self.tables.vocab_size):
            raise IndexError(f"token ids must be 0 to {self.tables.vocab_size - 1}")
        line_end = words == EOS_ID
        found = self.tables.log_probs[0][words].astype(np.float64)
        start = self._line_start()
        last = np.asarray(lengths)
        after = np.full_like(contexts, -1)
        # ends[b, t]: the node of the last n-1 tokens up to and with t; it is the context one position later.
        ends = words
        for n, (keys, log_probs, backoffs, given) in enumerate(self._orders_above_one(contexts), start=2):
            ends = np.where(line_end, start[n - 2], ends)
            nodes = np.concatenate([given[:, None], ends], axis=1)
            after[:, n - 2] = nodes[np.arange(len(nodes)), last]
            nodes = nodes[:, :-1]
            np.add(found, backoffs[nodes], out=found, where=nodes >= 0)
            ends = _places(keys, nodes * self.tables.vocab_size + words)
            np.copyto(found, log_probs[ends], where=ends >= 0)
        return np.where(real, found, 0.0).astype(np.float32), self._state(after)

    def features(self, state: State) -> None:
        """None: an n-gram has no hidden vectors."""

    def describe(self) -> dict[str, Any]:
        """Name, how many n-grams are stored (``parameters``; of each order in ``ngrams``) and the order."""
        counts = [len(log_probs) for log_probs in self.tables.log_probs]
        return {
            "name": "ngram",
            "parameters": sum(counts),
            "size": f"order {self.config.order}",
            "ngrams": counts,
        }

    def _line_start(self) -> NDArray[np.int64]:
        start = np.full(self.config.order - 1, -1, dtype=np.int64)
        start[:1] = self.tables.vocab_size
        return start

    def _orders_above_one(
        self, contexts: NDArray[np.int64]
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]]:
        """Keys, log-probabilities, backoffs of their contexts, and the given nodes ``[B]``, for each order from 2."""
        tables = self.tables
        for level in zip(tables.keys, tables.log_probs[1:], tables.backoffs, contexts.T, strict=True):
            # Where one order is empty (all lines are short), so are the longer ones.
            if len(level[0]) == 0:
                return
            yield level

    def _state(self, contexts: NDArray[np.int64]) -> State:
        for nodes, matters in zip(contexts.T, self._matters, strict=True):
            known = np.flatnonzero(nodes >= 0)
            nodes[known[~matters[nodes[known]]]] = -1
        return State(self.model_hash, {"contexts": contexts})

    def _contexts(self, state: State) -> NDArray[np.int64]:
        if state.model_hash != self.model_hash:
            raise ModelError("this state belongs to another model; begin with this model's start()")
        contexts = state.parts["contexts"]
        sizes = [len(backoffs) for backoffs in self.tables.backoffs]
        if (contexts < -1).any() or (contexts >= sizes).any():
            raise ModelError("this state names contexts that the model does not have; begin with its start()")
        return contexts


def _places(keys: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where each wanted key stands in the sorted ``keys``, -1 where it does not."""
    # Sorted needles walk the table from end to end instead of jumping about in it, which is several times faster.
    by_key = np.argsort(wanted, axis=None)
    needles = wanted.ravel()[by_key]
    places = np.searchsorted(keys, needles)
    places[places == len(keys)] = 0
    places[keys[places] != needles] = -1
    found = np.empty_like(places)
    found[by_key] = places
    return found.reshape(wanted.shape)


def _nodes_that_matter(tables: NgramTables) -> list[NDArray[np.bool_]]:
    """For each order of contexts, which nodes change a prediction: some word follows, or the backoff is not 1."""
    found = []
    for keys, backoffs in zip(tables.keys, tables.backoffs, strict=True):
        matters = backoffs != 0.0
        matters[keys // tables.vocab_size] = True
        found.append(matters)
    return found


def _notes(tables: NgramTables) -> list[str]:
    fixed = ", ".join(f"{amount:g}" for amount in FIXED_DISCOUNTS)
    return [
        f"order {n}: too few n-grams occur once, twice or thrice to give discounts; fixed ones are used ({fixed})"
        for n in 1 + np.flatnonzero(tables.fixed)
    ]


def _hash(tables: NgramTables, tokenizer: Tokenizer, config: NgramConfig) -> str:
    digest = hashlib.sha256(json.dumps([config.to_json(), tokenizer.hash]).encode())
    for name, array in sorted(tables.to_arrays().items()):
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
