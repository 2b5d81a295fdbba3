"""From a network's weights to the runtime's file, and whether it says what the network says.

In 8 bits a model may cost at most half a per cent of perplexity on a validation piece; groups of weights that cost more
stay float32, those that do least harm being rounded first. float32 must agree to 1e-4 nats in every probability.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.errors import ModelError
from elman.export.network import NetworkGraph
from elman.export.products import groups_of
from elman.models.protocol import LanguageModel
from elman.models.registry import kind_of
from elman.models.runtime import RuntimeModel
from elman.models.runtime_file import seal
from elman.models.shape import NeuralConfig
from elman.models.trace import trace
from elman.notation import TokenIds
from elman.text.tokenizer import Tokenizer

FLOAT_BOUND = 1e-4
"""Nats by which a float32 probability may differ."""
INT8_BOUND = 0.005
"""Share of the perplexity that 8 bits may cost (or win by luck)."""
_ROWS = 8
_TOKENS = 2048
_PROBED = 16


@dataclasses.dataclass(frozen=True)
class Exported:
    """A program for the runtime, and how well it does."""

    program: bytes
    """What ``RuntimeModel`` takes."""
    int8: frozenset[str]
    """The groups of weights in 8 bits."""
    parity: dict[str, Any]
    """For the passport: precision, what stayed float32, differences."""


def export_network(model: LanguageModel, ids: TokenIds | None = None, *, precision: str = "int8") -> Exported:
    """Make a program from a network and compare the two.

    Args:
        model: a network computed by torch (anything with its ``to_arrays()`` and ``config``).
        ids: tokens of a validation text, one stream; by default the model makes up its own.
        precision: ``int8`` or ``fp32``.

    Raises:
        ModelError: it is no network, or the program differs from it by more than it may.
    """
    config = network_config(model)
    piece = _piece(ids) if ids is not None and len(ids) >= _ROWS else _made_up(model)
    wanted = _nats(model, piece)
    arrays = model.to_arrays()  # type: ignore[attr-defined]
    plain = _built(model, arrays, config, frozenset())
    difference = _difference(model, plain, piece)
    if not difference <= FLOAT_BOUND:
        raise ModelError(f"the program's probabilities differ by {difference:.1e} nats, more than {FLOAT_BOUND:.0e}")
    facts: dict[str, Any] = {"tokens": int(piece.size), "fp32": {"largest_difference": difference}}
    if precision == "fp32":
        return Exported(plain.program, frozenset(), {"precision": "fp32", **facts})

    def cost(groups: frozenset[str]) -> tuple[RuntimeModel, float]:
        built = _built(model, arrays, config, groups)
        return built, float(np.expm1(_nats(built, piece) - wanted))

    every = frozenset(groups_of(arrays))
    best, ratio = cost(every)
    kept: frozenset[str] = every
    if not abs(ratio) <= INT8_BOUND:
        # The harmless ones first, as long as all together stay harmless.
        best, ratio, kept = plain, 0.0, frozenset()
        for group in sorted(every, key=lambda group: abs(cost(frozenset([group]))[1])):
            found, more = cost(kept | {group})
            if abs(more) <= INT8_BOUND:
                best, ratio, kept = found, more, kept | {group}
    about = {"perplexity_ratio": 1 + ratio, "kept_in_fp32": sorted(every - kept)}
    return Exported(best.program, kept, {"precision": best.precision, **facts, "int8": about})


def network_config(model: LanguageModel) -> NeuralConfig:
    """The shape of a network that torch computes.

    Raises:
        ModelError: it is another kind of model.
    """
    config = getattr(model, "config", None)
    if not isinstance(config, NeuralConfig):
        what = "already runs without torch" if kind_of(model) == "runtime" else "is no network"
        raise ModelError(f"ONNX is made from a network's own weights; this model ({kind_of(model)}) {what}")
    return config


def build_program(
    arrays: Mapping[str, NDArray[Any]],
    config: NeuralConfig,
    tokenizer: Tokenizer,
    *,
    model_hash: str,
    about: Mapping[str, Any],
    int8: frozenset[str],
) -> bytes:
    """The program of a network, its weight groups ``int8`` in 8 bits; ``about`` is what the network says of itself."""
    graph = NetworkGraph(arrays, config, tokenizer.size, int8=int8).runtime()
    every = set(groups_of(arrays))
    precision = "fp32" if not int8 else "int8" if int8 >= every else "int8+fp32"
    note = {"format": 1, "model": model_hash, "tokenizer": tokenizer.hash, "about": dict(about), "precision": precision}
    return seal(graph.SerializeToString(deterministic=True), note)


def _built(
    model: LanguageModel, arrays: Mapping[str, NDArray[Any]], config: NeuralConfig, int8: frozenset[str]
) -> RuntimeModel:
    about = model.describe()
    program = build_program(arrays, config, model.tokenizer, model_hash=model.model_hash, about=about, int8=int8)
    return RuntimeModel(program, lambda: arrays, model.tokenizer)


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
    """The largest difference between two models' log-probabilities of all types, along the piece's first tokens."""
    part = piece[:2, :_PROBED]
    lengths = np.full(len(part), part.shape[1])
    both = [trace(each, part, lengths, each.start(len(part)), whole=True).log_probs for each in (model, other)]
    assert both[0] is not None and both[1] is not None
    return float(np.abs(both[0] - both[1]).max())
