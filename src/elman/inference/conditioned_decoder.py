"""ConditionedDecoder: a translator or captioner that has read sources is a language model of their
targets."""

import hashlib
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.errors import ModelError
from elman.inference.decoder import InferenceDecoder
from elman.models.protocol import State
from elman.notation import Lengths, LogProbs, TokenIds
from elman.text.tokenizer import Tokenizer


class ConditionedDecoder:
    """A ``LanguageModel`` of the targets of N sources.

    A state's parts are the decoder's state, ``vector``, from which the next token is predicted,
    ``source``, the number of the source that it belongs to, and ``coverage``, the sum of the
    weights of attention so far.

    Args:
        network: the network.
        tokenizer: that of the target.
        sources: each source, as the network reads it.
        model_hash: that of the network.
    """

    batchable: bool = True
    exact: bool = True
    forgets_lines: bool = False

    def __init__(
        self, network: InferenceDecoder, tokenizer: Tokenizer, sources: Sequence[NDArray[Any]], model_hash: str
    ) -> None:
        self.network, self.tokenizer = network, tokenizer
        self.memory = network.read(sources)
        digest = hashlib.sha256(model_hash.encode())
        for ids in sources:
            digest.update(ids.tobytes() + b"|")
        self.model_hash = digest.hexdigest()

    def start(self, batch: int = 1, condition: Sequence[int] | NDArray[np.int64] | None = None) -> State:
        """Nothing of the target is written.

        Args:
            condition: the number of the source of each row ``[B]``; by default the first one for
                all.
        """
        which = np.zeros(batch, np.int64) if condition is None else np.asarray(condition, np.int64)
        return self._started.take(which)

    @cached_property
    def _started(self) -> State:
        count = len(self.memory.lengths)
        which = np.arange(count)
        before: dict[str, NDArray[Any]] = {**self.memory.states}
        before["vector"] = np.zeros((count, self.network.shape.embedding_size), np.float32)
        return self._after(np.full(count, self.tokenizer.size), before, which, 0)

    def log_probs(self, state: State) -> LogProbs:
        self._check(state)
        return self.network.log_probs(state.parts["vector"])

    def advance(self, ids: TokenIds, state: State) -> State:
        self._check(state, len(ids))
        return self._after(np.asarray(ids, np.int64), state.parts, state.parts["source"], state.parts["coverage"])

    def _after(
        self, ids: NDArray[np.int64], parts: dict[str, NDArray[Any]], which: NDArray[Any], coverage: Any
    ) -> State:
        after, weights = self.network.step(ids, parts, self.memory, which)
        return State(self.model_hash, {**after, "source": which.copy(), "coverage": coverage + weights})

    def score(self, ids: TokenIds, lengths: Lengths, state: State) -> tuple[LogProbs, State]:
        """As the chain of steps; see ``LanguageModel``."""
        self._check(state, len(ids))
        scores = np.zeros(ids.shape, np.float32)
        for time in range(int(np.max(lengths, initial=0))):
            rows = np.flatnonzero(np.asarray(lengths) > time)
            part = state.take(rows)
            scores[rows, time] = self.network.chosen(part.parts["vector"], ids[rows, time])
            after = self.advance(ids[rows, time], part)
            whole = {name: array.copy() for name, array in state.parts.items()}
            for name, array in after.parts.items():
                whole[name][rows] = array
            state = State(self.model_hash, whole)
        return scores, state

    def features(self, state: State) -> NDArray[np.float32]:
        return state.parts["vector"]

    def attention(
        self, targets: Sequence[NDArray[np.int64]], which: Sequence[int] | None = None
    ) -> list[NDArray[np.float32]]:
        """The weights over its source before each token of a target, ``[T, S]`` for each.

        Args:
            which: the source of each target; by default they correspond.
        """
        chosen = np.arange(len(targets)) if which is None else np.asarray(which, np.int64)
        state = self.start(condition=chosen)
        seen = [np.zeros_like(state.parts["coverage"]), state.parts["coverage"]]
        for time in range(max(map(len, targets), default=0) - 1):
            tokens = np.array([row[time] if time < len(row) else 0 for row in targets], np.int64)
            state = self.advance(tokens, state)
            seen.append(state.parts["coverage"])
        steps, lengths = np.diff(np.stack(seen), axis=0), self.memory.lengths
        return [steps[: len(row), turn, : lengths[chosen[turn]]] for turn, row in enumerate(targets)]

    def describe(self) -> dict[str, Any]:
        shape, arrays = self.network.shape, self.network.to_arrays()
        return {
            "name": shape.cell,
            "parameters": sum(int(array.size) for array in arrays.values()),
            "size": shape.layers_in_words,
            "precision": self.network.precision,
        }

    def _check(self, state: State, batch: int | None = None) -> None:
        if state.model_hash != self.model_hash:
            raise ModelError("this state belongs to another model; begin with this model's start()")
        if batch is not None and batch != state.batch:
            raise ModelError(f"{batch} rows of ids were given with a state of {state.batch}; give as many as it has")
