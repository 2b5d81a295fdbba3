"""Choose which weights are stored in 8 bits by comparing the engine with the network.

In 8 bits a model may cost at most half a per cent of perplexity on a validation piece; groups of
weights that cost more stay float32, those that do least harm being rounded first. float32 must
agree to 1e-4 nats in every probability.
"""

import dataclasses
from typing import Any

import numpy as np

from elman.errors import ModelError
from elman.inference.group_choice import choose_groups
from elman.inference.model import InferenceModel, inference_model
from elman.inference.weights import groups_of
from elman.models.network_config import NeuralConfig
from elman.models.protocol import LanguageModel, stored
from elman.models.registry import kind_of
from elman.models.trace import trace
from elman.notation import TokenIds

FLOAT_BOUND = 1e-4
"""Nats by which a float32 probability may differ."""
INT8_BOUND = 0.005
"""Share of the perplexity that 8 bits may cost (or win by luck)."""
_ROWS = 8
_TOKENS = 2048
_PROBED = 16


@dataclasses.dataclass(frozen=True)
class Measured:
    """A network as the engine computes it, and how well it does."""

    model: InferenceModel
    parity: dict[str, Any]
    """For the model card: precision, what stayed float32, differences."""


def measured(model: LanguageModel, ids: TokenIds | None = None, *, precision: str = "int8") -> Measured:
    """Build the engine's model of a network and compare the two.

    Args:
        model: a network computed by torch (anything with its ``to_arrays()`` and ``config``).
        ids: tokens of a validation text, one stream; by default the model makes up its own.
        precision: ``int8`` or ``fp32``.

    Raises:
        ModelError: it is no network, or the engine differs from it by more than it may.
    """
    config = network_config(model)
    piece = _piece(ids) if ids is not None and len(ids) >= _ROWS else _made_up(model)
    wanted = _nats(model, piece)
    arrays, about = stored(model).to_arrays(), model.describe()

    def built(groups: frozenset[str]) -> InferenceModel:
        return inference_model(
            arrays, config, model.tokenizer, model_hash=model.model_hash, about=about, int8=groups
        )  # fmt: skip

    plain = built(frozenset())
    difference = _difference(model, plain, piece)
    if not difference <= FLOAT_BOUND:
        raise ModelError(f"the engine's probabilities differ by {difference:.1e} nats, more than {FLOAT_BOUND:.0e}")
    facts: dict[str, Any] = {"tokens": int(piece.size), "fp32": {"largest_difference": difference}}
    if precision == "fp32":
        return Measured(plain, {"precision": "fp32", **facts})

    def cost(groups: frozenset[str]) -> float:
        return float(np.expm1(_nats(built(groups), piece) - wanted))

    every = groups_of(arrays)
    kept, ratio = choose_groups(every, cost, bound=INT8_BOUND)
    best = built(kept) if kept else plain
    about8 = {"perplexity_ratio": 1 + ratio, "kept_in_fp32": sorted(set(every) - kept)}
    return Measured(best, {"precision": best.precision, **facts, "int8": about8})


def network_config(model: LanguageModel) -> NeuralConfig:
    """The shape of a network that torch computes.

    Raises:
        ModelError: it is another kind of model.
    """
    config = getattr(model, "config", None)
    if not isinstance(config, NeuralConfig):
        what = "already runs without torch" if kind_of(model) == "inference" else "is no network"
        raise ModelError(f"this needs a network's own weights; this model ({kind_of(model)}) {what}")
    return config


def _piece(ids: TokenIds) -> TokenIds:
    """Rows ``[8, T]`` of a stream's beginning."""
    width = max(min(len(ids), _TOKENS) // _ROWS, 1)
    return np.asarray(ids[: _ROWS * width], np.int64).reshape(_ROWS, width)


def _made_up(model: LanguageModel) -> TokenIds:
    """Rows that the model itself finds likely, always the same."""
    draw = np.random.default_rng(1)
    state, columns = model.start(_ROWS), []
    for _ in range(_TOKENS // _ROWS // 4):
        reached = np.exp(model.log_probs(state).astype(np.float64)).cumsum(axis=1)
        points = draw.random((_ROWS, 1)) * reached[:, -1:]
        columns.append((reached < points).sum(axis=1).clip(0, model.tokenizer.size - 1))
        state = model.advance(columns[-1], state)
    return np.stack(columns, axis=1)


def _nats(model: LanguageModel, piece: TokenIds) -> float:
    lengths = np.full(len(piece), piece.shape[1])
    scores, _ = model.score(piece, lengths, model.start(len(piece)))
    return -float(scores.mean(dtype=np.float64))


def _difference(model: LanguageModel, other: LanguageModel, piece: TokenIds) -> float:
    """The largest difference between two models' log-probabilities of all types, along the piece's
    first tokens.
    """
    part = piece[:2, :_PROBED]
    lengths = np.full(len(part), part.shape[1])
    both = [trace(each, part, lengths, each.start(len(part)), whole=True).log_probs for each in (model, other)]
    assert both[0] is not None and both[1] is not None
    return float(np.abs(both[0] - both[1]).max())
