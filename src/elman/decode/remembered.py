"""A language model that remembers what it was asked, for many questions about one growing text."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.models.protocol import LanguageModel, State
from elman.notation import Lengths, LogProbs, TokenIds


class Remembered:
    """A model whose states and predictions are kept, token by token, until there are ``most``.

    A text that comes again with one token more costs one step. ``begin`` may be another state than
    a document's start; then texts continue what it has read.

    >>> from elman.models.ngram.query import fit_ngram
    >>> from elman.text.tokenizer import EOS_ID, Tokenizer, TokenizerConfig
    >>> words = Tokenizer.fit(["the cat sat"], config=TokenizerConfig(min_count=1))
    >>> ids = np.array([*words.encode("the cat sat").ids, EOS_ID] * 9)
    >>> model = Remembered(fit_ngram(ids, np.array([0, len(ids)]), words))
    >>> state = model.advance(ids[:1], model.start())
    >>> model.advance(ids[:1], model.start()) is state
    True
    """

    def __init__(self, model: LanguageModel, *, begin: State | None = None, most: int = 1000) -> None:
        self._model, self._most = model, most
        self.tokenizer = model.tokenizer
        self.batchable, self.exact, self.forgets_lines = model.batchable, model.exact, model.forgets_lines
        self._start = model.start() if begin is None else begin
        self._clear()

    def _clear(self) -> None:
        self._next: dict[tuple[int, int], State] = {}
        self._tables: dict[int, LogProbs] = {}
        # An id is of one state as long as the state is kept.
        self._states: dict[int, State] = {id(self._start): self._start}

    @property
    def model_hash(self) -> str:
        return self._model.model_hash

    def start(self, batch: int = 1) -> State:
        return self._start if batch == 1 else self._start.take([0] * batch)

    def log_probs(self, state: State) -> LogProbs:
        if id(state) not in self._states:
            return self._model.log_probs(state)
        if id(state) not in self._tables:
            self._tables[id(state)] = self._model.log_probs(state)
        return self._tables[id(state)]

    def advance(self, ids: TokenIds, state: State) -> State:
        if id(state) not in self._states or state.batch > 1:
            return self._model.advance(ids, state)
        key = id(state), int(ids[0])
        if key not in self._next:
            if len(self._states) >= self._most:
                self._clear()
                self._states[id(state)] = state
            after = self._next[key] = self._model.advance(ids, state)
            self._states[id(after)] = after
        return self._next[key]

    def score(self, ids: TokenIds, lengths: Lengths, state: State) -> tuple[LogProbs, State]:
        if state.batch > 1 or id(state) not in self._states:
            return self._model.score(ids, lengths, state)
        scores = np.zeros(ids.shape, dtype=np.float32)
        for place, token in enumerate(ids[0, : int(lengths[0])].tolist()):
            scores[0, place] = self.log_probs(state)[0, token]
            state = self.advance(np.array([token]), state)
        return scores, state

    def features(self, state: State) -> NDArray[np.float32] | None:
        return self._model.features(state)

    def describe(self) -> dict[str, Any]:
        return self._model.describe()
