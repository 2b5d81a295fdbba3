"""NgramModel: an n-gram of lines as a LanguageModel.

A state holds, for each row, the nodes of its last 1, 2, ... N-1 tokens: one int64 array
``contexts`` ``[B, N-1]``, -1 where that context was never seen or never followed by anything. So
the state is the shortest context that matters, and histories with equal continuations have equal
keys. After `</s>` the context is `<s>` again: lines are independent.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from elman.config import Config
from elman.errors import ModelError, TextError, UsageError
from elman.models.ngram.backoff import BackoffTables
from elman.models.ngram.backoff_form import from_backoff, to_backoff
from elman.models.ngram.chunks import Allocate
from elman.models.ngram.counts import OrderCounts, count_ngrams
from elman.models.ngram.kneser_ney import FIXED_DISCOUNTS, estimate
from elman.models.ngram.prune import context_probs, worth_keeping
from elman.models.ngram.tables import NgramTables
from elman.models.protocol import State
from elman.notation import Lengths, LogProbs, TokenIds
from elman.progress import Progress
from elman.text.tokenizer import EOS_ID, Level, Tokenizer

LARGEST_ORDER = 7
_ORDERS: dict[Level, int] = {"word": 5, "subword": 6, "char": 7, "byte": 7}
_LN_10 = float(np.log(10.0))
_PATIENCE = 2000
"""Tokens read with NumPy before the compiled version is used, which takes half a second to
import."""


@dataclass(frozen=True, kw_only=True)
class NgramConfig(Config):
    """An n-gram model: interpolated modified Kneser-Ney of lines."""

    order: int = 5
    """Tokens of the longest n-gram, 1 to 7: each prediction sees the order - 1 tokens before it;
    default: 5, for subwords 6, for characters and bytes 7."""
    prune: str | None = None
    """Leave out n-grams that occur no more often than this, for each order, like 0,0,1; the last
    count repeats."""
    prune_entropy: float | None = None
    """Leave out n-grams whose removal raises the perplexity by a smaller share than this, like
    1e-7."""
    quantise: int | None = None
    """Bits of each probability in the file, 2 to 16; by default all are exact. 8 lose next to
    nothing."""
    small: bool = False
    """Whether the file is a third smaller, and slower to read."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("order", 1 <= self.order <= LARGEST_ORDER, f"1 to {LARGEST_ORDER}; 5 suits most texts")
        if self.prune_entropy is not None and not 0 < self.prune_entropy < 1:
            raise UsageError.of("prune_entropy", self.prune_entropy, "above 0 and below 1; try 1e-7")
        if self.quantise is not None and not 2 <= self.quantise <= 16:
            raise UsageError.of("quantise", self.quantise, "2 to 16 bits; 8 lose next to nothing")
        if self.prune is not None and self.prune_entropy is not None:
            raise UsageError(
                "prune and prune_entropy both say what to leave out; give one of them", field=("prune", "prune_entropy")
            )
        _ = self.least

    @classmethod
    def for_level(cls, level: Level, **settings: Any) -> Self:
        """A configuration with the default order of a level: the shorter the tokens, the higher.

        >>> NgramConfig.for_level("char").order, NgramConfig.for_level("char", order=3).order
        (7, 3)
        """
        whole: dict[str, Any] = {"order": _ORDERS[level], **settings}
        return cls(**whole)

    @property
    def least(self) -> list[int]:
        """How often an n-gram of each order must occur to be kept.

        >>> NgramConfig(order=4, prune="0,1").least
        [1, 2, 2, 2]
        """
        if self.prune is None:
            return [1] * self.order
        counts_given = self.prune.replace(",", " ").split()
        if (
            not counts_given
            or not all(each.isdecimal() and len(each) < 10 for each in counts_given)
            or len(counts_given) > self.order
        ):
            raise UsageError.of(
                "prune", self.prune, f"up to {self.order} counts like 0,0,1: n-grams that occur no more often go"
            )
        counts = [int(each) for each in counts_given]
        if counts[0] or sorted(counts) != counts:
            raise UsageError(
                f"prune is {self.prune!r}; it must begin with 0 and rise; --vocab-size and --min-count choose types",
                field="prune",
            )
        return [count + 1 for count in [*counts, *[counts[-1]] * (self.order - len(counts))]]


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
        ids: the training tokens, ``tokenizer``'s ids, each line ended by `</s>`; may be
            memory-mapped.
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
    return smooth(orders, tokenizer, config)


def smooth(
    orders: Sequence[OrderCounts], tokenizer: Tokenizer, config: NgramConfig, *, allocate: Allocate = np.zeros
) -> "NgramModel":
    """Smooth counts into a model; ``allocate`` gives its arrays, in memory or on disk."""
    size = tokenizer.size
    if config.prune_entropy is None:
        tables = estimate(
            orders, vocab_size=size, least=config.least, small=config.small, quantise=config.quantise, allocate=allocate
        )
    else:
        whole = to_backoff(estimate(orders, vocab_size=size))
        keep = worth_keeping(whole, context_probs(orders, size), config.prune_entropy)
        tables = estimate(
            orders, vocab_size=size, keep=keep, small=config.small, quantise=config.quantise, allocate=allocate
        )
    return NgramModel(tables, tokenizer, config)


class NgramModel:
    """A back-off n-gram over tables in memory or on disk; sums are float64."""

    batchable: bool = True
    forgets_lines: bool = True
    stepwise: bool = True
    """Whether reading many tokens at once gives the very bits that one after another gives."""

    def __init__(self, tables: NgramTables, tokenizer: Tokenizer, config: NgramConfig) -> None:
        assert tables.order == config.order and tables.vocab_size == tokenizer.size, "tables of another model"
        for array in tables.to_arrays().values():
            array.flags.writeable = False
        self.tables = tables
        self.tokenizer = tokenizer
        self.config = config
        self.notes: list[str] = _notes(tables)
        """Remarks for users on the estimation, one line each."""
        self.growth: list[dict[str, Any]] = []
        """The measurements of each order, where they were made (``growth.Growth``)."""
        self.exact: bool = tables.interpolated and config.quantise is None
        self._read = 0
        self._model_hash: str | None = None
        self._start = np.full(config.order - 1, -1, dtype=np.int64)
        self._start[:1] = tables.vocab_size
        self._start[:1] = self._trimmed(self._start[None])[0, :1]

    @property
    def model_hash(self) -> str:
        """Hex digest of configuration, vocabulary and tables."""
        if self._model_hash is None:
            self._model_hash = _hash(self.tables, self.tokenizer, self.config)
        return self._model_hash

    @classmethod
    def from_backoff(cls, tables: BackoffTables, tokenizer: Tokenizer) -> "NgramModel":
        """The model of an ARPA file; its probabilities sum to 1 as closely as the file's."""
        return cls(from_backoff(tables), tokenizer, NgramConfig(order=len(tables.log10_probs)))

    def backoff_tables(self) -> BackoffTables:
        """The model as an ARPA file has it: the whole probability of each n-gram."""
        return to_backoff(self.tables)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays that ``from_arrays`` needs besides the tokenizer and the configuration."""
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
        return State(self.model_hash, {"contexts": np.tile(self._start, (batch, 1))})

    def log_probs(self, state: State) -> LogProbs:
        """Natural log-probabilities of every type as the next token, ``[B, V]``."""
        contexts = self._contexts(state)
        probs = np.repeat(self.tables.unigrams[None], len(contexts), axis=0)
        if self._compiled_pays(len(contexts)):
            from elman.models.ngram.kernels import predict_rows

            tables = self.tables
            predict_rows(tables.data, tables.codebooks, tables.layout, tables.interpolated, contexts, probs)
        else:
            self._predict(contexts, probs)
        return self._as_logs(probs)

    def advance(self, ids: TokenIds, state: State) -> State:
        """The state after one more token per row."""
        ids = np.asarray(ids, dtype=np.int64)
        return self.score(ids[:, None], np.ones(len(ids), dtype=np.int64), state)[1]

    def score(self, ids: TokenIds, lengths: Lengths, state: State) -> tuple[LogProbs, State]:
        """Log-probability of each given token ``[B, T]``, and the state after each row's last real
        one.
        """
        contexts = self._contexts(state).copy()
        lengths = np.asarray(lengths, dtype=np.int64)
        real = np.arange(np.shape(ids)[1]) < lengths[:, None]
        words = np.where(real, ids, EOS_ID).astype(np.int64)
        if words.size and (words.min() < 0 or words.max() >= self.tables.vocab_size):
            raise IndexError(f"token ids must be 0 to {self.tables.vocab_size - 1}")
        probs = np.full(words.shape, 1.0 if self.tables.interpolated else 0.0)
        if self._compiled_pays(int(lengths.sum())):
            from elman.models.ngram.kernels import read_rows

            tables = self.tables
            read_rows(
                tables.data, tables.codebooks, tables.layout, tables.unigrams, tables.interpolated, tables.closed,
                self._start, EOS_ID, words, lengths, contexts, probs,
            )  # fmt: skip
        else:
            self._read_rows(words, lengths, contexts, probs)
        # Padding holds 1, whose logarithm is 0.
        return self._as_logs(probs), State(self.model_hash, {"contexts": self._trimmed(contexts)})

    def features(self, state: State) -> None:
        """None: an n-gram has no hidden vectors."""

    def describe(self) -> dict[str, Any]:
        """Name, number of stored n-grams (``parameters``; per order in ``ngrams``) and order."""
        counts = self.tables.counts
        return {"name": "ngram", "parameters": sum(counts), "size": f"order {self.config.order}", "ngrams": counts}

    def deviation(self) -> float:
        """The largest deviation from 1 of a sum over all types, in 320 states along random text."""
        draw, state, worst = np.random.default_rng(0), self.start(16), 0.0
        for _ in range(20):
            probs = np.exp(self.log_probs(state).astype(np.float64))
            sums = probs.sum(axis=1)
            worst = max(worst, float(np.abs(sums - 1.0).max()))
            ends = np.cumsum(probs, axis=1) > (draw.random(16) * sums)[:, None]
            state = self.advance(ends.argmax(axis=1), state)
        return worst

    def _compiled_pays(self, tokens: int) -> bool:
        self._read += tokens
        return self._read > _PATIENCE

    def _as_logs(self, probs: NDArray[np.float64]) -> LogProbs:
        if self.tables.interpolated:
            return np.log(probs, out=probs).astype(np.float32)
        probs *= _LN_10
        return np.minimum(probs, 0.0, out=probs).astype(np.float32)

    def _predict(self, contexts: NDArray[np.int64], probs: NDArray[np.float64]) -> None:
        """As ``kernels.predict_rows``."""
        tables = self.tables
        for out, nodes in zip(probs, contexts, strict=True):
            for n, node in enumerate(nodes.tolist(), start=1):
                if node < 0:
                    continue
                remainder = tables.remainders(n, np.array([node]))[0]
                indices = np.arange(*tables.children(n, node))
                words = tables.words(n + 1, indices)
                known = words < tables.vocab_size
                words, values = words[known], tables.values(n + 1, indices[known])
                if tables.interpolated:
                    out *= remainder
                    out[words] += values
                else:
                    out += remainder
                    out[words] = values

    def _read_rows(
        self, words: TokenIds, lengths: Lengths, contexts: NDArray[np.int64], probs: NDArray[np.float64]
    ) -> None:
        """As ``kernels.read_rows``."""
        for row, length in enumerate(lengths.tolist()):
            nodes = contexts[row].tolist()
            for t, word in enumerate(words[row, :length].tolist()):
                probs[row, t], nodes = self._read_token(nodes, word)
            contexts[row] = nodes

    def _read_token(self, nodes: list[int], word: int) -> tuple[float, list[int]]:
        tables = self.tables
        total = tables.unigrams[word]
        after = [word, *[-1] * (len(nodes) - 1)] if nodes else []
        for n, node in enumerate(nodes, start=1):
            if node < 0:
                continue
            remainder = tables.remainders(n, np.array([node]))[0]
            total = total * remainder if tables.interpolated else total + remainder
            child = tables.find(n, node, word)
            if child >= 0:
                value = tables.values(n + 1, np.array([child]))[0]
                total = total + value if tables.interpolated else value
            if n < len(nodes):
                after[n] = child
        return total, self._start.tolist() if word == EOS_ID else after

    def _trimmed(self, contexts: NDArray[np.int64]) -> NDArray[np.int64]:
        """-1 for nodes that change no prediction: no word follows them, and they do not change
        shorter contexts.
        """
        tables, nothing = self.tables, 1.0 if self.tables.interpolated else 0.0
        for n, nodes in enumerate(contexts.T, start=1):
            rows = np.flatnonzero(nodes >= 0)
            for row in rows[tables.remainders(n, nodes[rows]) == nothing].tolist():
                first, end = tables.children(n, int(nodes[row]))
                if first == end:
                    nodes[row] = -1
        return contexts

    def _contexts(self, state: State) -> NDArray[np.int64]:
        if state.model_hash != self.model_hash:
            raise ModelError("this state belongs to another model; begin with this model's start()")
        contexts = state.parts["contexts"]
        sizes = [row.nodes for row in self.tables.rows[:-1]]
        if (contexts < -1).any() or (contexts >= sizes).any():
            raise ModelError("this state names contexts that the model does not have; begin with its start()")
        return contexts


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
