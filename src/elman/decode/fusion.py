"""Shallow fusion: a language model of the target side helps a translator to choose (Gulcehre et al.
2015).

score(token) = log p(token | source, target so far) + weight log p_lm(token | target so far)
"""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.decode.rows import row_advance, row_log_probs
from elman.decode.translation import ConditionedModel
from elman.errors import ModelError, UsageError
from elman.models.composite import join_states, split_states
from elman.models.protocol import LanguageModel, State
from elman.notation import Lengths, LogProbs, TokenIds


def check_fusion(tokens: Sequence[str], lm: LanguageModel, weight: float) -> None:
    """Raise unless a language model can help.

    Args:
        tokens: the types of the translator's target.

    Raises:
        ModelError: it has other types.
        UsageError: a weight that is out of range.
    """
    if not 0 <= weight <= 10:
        raise UsageError.of("lm_weight", weight, "from 0 to 10, such as 0.2")
    if {*lm.tokenizer.tokens} != {*tokens}:
        raise ModelError(
            f"the language model has other types ({lm.tokenizer.size:,}) than the translator's target "
            f"({len(tokens):,}); train it on the same target texts, all of them (--valid FILE), with the same --level "
            "and --vocab-size"
        )


class FusedModel:
    """A translator with a language model, as a language model of targets; its scores do not sum to
    1.

    Args:
        model: the translator with its sources.
        lm: a language model of the same types; ids may differ.
        weight: of its log-probabilities.
    """

    batchable: bool = True
    exact: bool = False
    forgets_lines: bool = False

    def __init__(self, model: ConditionedModel, lm: LanguageModel, weight: float) -> None:
        check_fusion(model.tokenizer.tokens, lm, weight)
        self.model, self.lm, self.weight, self.tokenizer = model, lm, weight, model.tokenizer
        ids = {token: token_id for token_id, token in enumerate(lm.tokenizer.tokens)}
        self._ids = np.array([ids[token] for token in model.tokenizer.tokens], np.int64)
        self.model_hash = hashlib.sha256(f"{model.model_hash}|{lm.model_hash}|{weight!r}".encode()).hexdigest()

    def start(self, batch: int = 1, condition: Sequence[int] | NDArray[np.int64] | None = None) -> State:
        """See ``ConditionedModel``."""
        before = self.lm.start().take(np.zeros(batch, np.int64))
        return self._joined(self.model.start(batch, condition=condition), before)

    def log_probs(self, state: State) -> LogProbs:
        own, other = self._split(state)
        more = row_log_probs(self.lm, other)[:, self._ids]
        return self.model.log_probs(own) + (self.weight * more).astype(np.float32)

    def advance(self, ids: TokenIds, state: State) -> State:
        own, other = self._split(state)
        return self._joined(self.model.advance(ids, own), row_advance(self.lm, self._ids[ids], other))

    def score(self, ids: TokenIds, lengths: Lengths, state: State) -> tuple[LogProbs, State]:
        raise ModelError(
            "a translator with a language model has no probabilities of its own; score with the translator"
        )

    def features(self, state: State) -> NDArray[np.float32] | None:
        return None

    def describe(self) -> dict[str, Any]:
        return {**self.model.describe(), "lm": self.lm.describe()["name"], "lm_weight": self.weight}

    def _joined(self, own: State, other: State) -> State:
        # What belongs to the source keeps its name, for penalties.
        kept = {name: own.parts[name] for name in ("source", "coverage")}
        return State(self.model_hash, {**join_states([own, other]), **kept})

    def _split(self, state: State) -> Sequence[State]:
        return split_states(state, [self.model, self.lm])
