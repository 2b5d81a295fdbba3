"""An x-ray of a language model: why it forgets, how far back it looks, what its gates do.

    gradient by lag    gradient of a loss at earlier states; this network and new ones
    influence by lag   change of predictions if an earlier token is replaced; any model
    gates              saturation, and units with the longest memory; gated cells
    a sentence         effect of each word on each later one, and the gates along it

All in nats, bits or shares as the fields say; nothing here changes the model.
"""

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.cells.cell import Sizes
from elman.cells.counting import hidden_weights
from elman.cells.registry import CELLS, cell_named
from elman.errors import UsageError
from elman.models.registry import entry, known
from elman.notation import TokenIds
from elman.progress import Progress
from elman.report.curve import read_log
from elman.studies.xray_influence import THRESHOLD, TRACE, Influence, influence_by_lag, spread_lags, text_windows
from elman.tasks.language.lag_case import GRADIENT_LOG_FILE
from elman.tasks.language.model import Model
from elman.training.plan_file import read_plan

LAGS = 200
"""Default number of lags, in tokens."""
FRESH = ("rnn", "rnn-relu", "gru", "lstm")
"""The cells that are compared untrained."""
_FEWEST_LAGS = 10
_WARM = 20
_SHOWN_UNITS = 40
_QUARTERS = (25, 50, 75)


@dataclasses.dataclass(frozen=True)
class Curve:
    """The gradient by lag of one network."""

    name: str
    trained: bool
    state: NDArray[np.float64]
    """Quartiles over positions, ``[3, K + 1]``: norm of the derivative of the loss (nats) with
    respect to the state k tokens back."""
    share: NDArray[np.float64]
    """The same, relative to lag 0 of each position."""
    weights: NDArray[np.float64] | None
    """Quartiles of the part of the gradient of the hidden-to-hidden weights, ``[3, K]``; None
    without such weights."""
    bound: NDArray[np.float64] | None
    """Median of the upper bound of ``share``, ``[K + 1]``; plain RNNs only."""
    case: Any
    """A LagCase."""
    words: str


@dataclasses.dataclass(frozen=True)
class Sentence:
    """One sentence, seen from inside."""

    text: str
    tokens: list[str]
    bits: NDArray[np.float64]
    left_out: NDArray[np.float64]
    gradient: NDArray[np.float64] | None
    gates: list[dict[str, NDArray[np.float64]]]
    """By layer and name, ``[T, units]``, for the units in ``units``."""
    states: list[dict[str, NDArray[np.float64]]]
    """The same for the states."""
    meanings: dict[str, str]
    """The usual names of gates and states."""
    units: list[list[int]]
    """The shown units by layer: those with the longest memory first, or all if there are few."""


@dataclasses.dataclass(frozen=True)
class Xray:
    """All results of an x-ray."""

    model: dict[str, Any]
    text: dict[str, Any]
    curves: list[Curve]
    influence: Influence
    saturation: list[Any]
    units: list[Any]
    sentence: Sentence | None
    course: list[dict[str, Any]]
    """The gradient log of training with --xray, one entry per validation."""
    clipped: float | None
    """Share of the logged updates whose gradient was clipped."""
    words: list[str]
    """The diagnosis, a sentence each."""

    def to_json(self) -> dict[str, Any]:
        """Every number as JSON values."""
        return _plain({**dataclasses.asdict(self), "threshold": THRESHOLD})


def xray(
    model: Model,
    ids: TokenIds,
    *,
    text: dict[str, Any] | None = None,
    lags: int | None = None,
    positions: int = 24,
    sentence: str | None = None,
    forget_bias: float | None = None,
    seed: int = 1,
    progress: Progress | None = None,
) -> Xray:
    """Look inside a model while it reads the text ``ids[N]``.

    Args:
        model: the result of ``load(folder, torch=True)``.
        text: facts about the text for the report.
        lags: how far back to look; by default 200, or what a short text allows.
        positions: the number of positions in the text.
        sentence: one line to look at word by word.
        forget_bias: also compare an untrained LSTM whose forget gates start open for this many
            tokens.
        seed: of the untrained networks and the replaced tokens.

    Raises:
        TextError: the text is too short.
        UsageError: an option out of range.
    """
    progress = progress or Progress()
    if not 1 <= positions <= 10_000:
        raise UsageError(f"--positions is {positions}; it must be between 1 and 10000: try --positions 24")
    if lags is not None and not 2 <= lags <= 5000:
        raise UsageError(f"--lags is {lags}; it must be between 2 and 5000: try --lags {LAGS}")
    reach = lags if lags is not None else max(_FEWEST_LAGS, min(LAGS, len(ids) // 3))
    network = _recurrent(model)
    if forget_bias is not None and network is None:
        raise UsageError(
            "--forget-bias compares a fresh LSTM with this model's gradients, and it has none; leave it out"
        )
    if sentence is not None:
        from elman.studies.xray_words import sentence_tokens

        sentence_tokens(model.lm, sentence)  # fail before the long computation
    windows = text_windows(ids, length=_WARM + reach + 1, count=positions)
    curves = _curves(network, windows, reach, model, forget_bias=forget_bias, seed=seed, progress=progress)
    influence = influence_by_lag(
        model.lm, ids, lags=spread_lags(reach), positions=positions, warm=_WARM, seed=seed, progress=progress
    )
    saturated: list[Any] = []
    units: list[Any] = []
    if network is not None:
        from elman.studies.xray_gates import longest_memories, read_inside, saturation

        with progress.stage("reading for the gates"):
            inside = read_inside(network, windows[:, :-1], warm=_WARM)
        saturated, units = saturation(inside), longest_memories(inside)
    seen = _sentence(model, network, sentence) if sentence is not None else None
    course, clipped = _gradient_log(model)
    about = {**model.lm.describe(), "types": model.lm.tokenizer.size, "hash": model.lm.model_hash[:12]}
    facts = {**(text or {}), "tokens": len(ids), "places": len(windows), "lags": reach}
    result = Xray(about, facts, curves, influence, saturated, units, seen, course, clipped, [])
    return dataclasses.replace(result, words=diagnosis(result))


def _recurrent(model: Model) -> Any:
    """The recurrent network of a model, or None if only its predictions are accessible."""
    network = getattr(model.lm, "network", None)
    if network is None:
        return None
    from elman.nn.recurrent import Recurrent
    from elman.nn.stack import Stack
    from elman.nn.windowed import Windowed

    stack = getattr(network, "stack", None)
    recurrent = isinstance(stack, Stack) and all(
        isinstance(layer, Recurrent) and not isinstance(layer, Windowed) for layer in stack.layers
    )
    return network if recurrent else None


def fresh_networks(config: Any, vocab: int, *, forget_bias: float | None, seed: int) -> list[tuple[str, Any]]:
    """Untrained networks of the same configuration for each of the FRESH cells and its own."""
    import torch

    from elman.models.neural import Network

    cells = dict.fromkeys((*FRESH, config.cell))
    networks = []
    # Leaves torch's global random state unchanged.
    with torch.random.fork_rng(devices=[]):
        for cell in cells:
            torch.manual_seed(seed)
            shape = dataclasses.replace(config, cell=cell, softmax="full", samples=None)
            networks.append((cell, Network(shape, vocab)))
        if forget_bias is not None:
            torch.manual_seed(seed)
            shape = dataclasses.replace(config, cell="lstm", softmax="full", samples=None)
            opened = Network(shape, vocab)
            for layer in opened.stack.layers:
                layer.start_to_remember(forget_bias)  # type: ignore[operator]
            networks.append((f"lstm, forget bias for {forget_bias:g}", opened))
    return networks


def _curves(
    network: Any,
    windows: TokenIds,
    lags: int,
    model: Model,
    *,
    forget_bias: float | None,
    seed: int,
    progress: Progress,
) -> list[Curve]:
    if network is None:
        return []
    clip = _clip(model)
    fresh = fresh_networks(network.config, network.vocab_size, forget_bias=forget_bias, seed=seed)
    every = [(network.config.cell, True, network), *((name, False, one) for name, one in fresh)]
    curves = (
        curve_of(name, one, windows, lags, trained=trained, clip=clip if trained else 0.0)
        for name, trained, one in every
    )
    return progress.collect("gradient by lag", curves, total=len(every), unit="networks")


def curve_of(name: str, network: Any, windows: TokenIds, lags: int, *, trained: bool, clip: float = 0.0) -> Curve:
    """The gradient by lag of a network over windows ``[N, T + 1]`` of a text."""
    from elman.tasks.language.lag_case import judge_lags, lag_words
    from elman.tasks.language.lags import gradient_by_lag

    got = gradient_by_lag(network, windows, lags)
    own = np.where(got.state[0] > 0, got.state[0], 1.0)
    case = judge_lags(got.state)
    return Curve(
        name=name,
        trained=trained,
        state=np.percentile(got.state, _QUARTERS, axis=1),
        share=np.percentile(got.state / own, _QUARTERS, axis=1),
        weights=None if got.weights is None else np.percentile(got.weights, _QUARTERS, axis=1),
        bound=None if got.bound is None else np.median(got.bound / own, axis=1),
        case=case,
        words=lag_words(case, clip=clip),
    )


def _sentence(model: Model, network: Any, sentence: str) -> Sentence:
    from elman.studies.xray_words import contributions, sentence_tokens

    ids, tokens = sentence_tokens(model.lm, sentence)
    effects = contributions(model.lm, ids, tokens, network=network)
    gates: list[dict[str, NDArray[np.float64]]] = []
    states: list[dict[str, NDArray[np.float64]]] = []
    meanings: dict[str, str] = {}
    units: list[list[int]] = []
    if network is not None:
        from elman.studies.xray_gates import read_inside

        for layer in read_inside(network, ids[None]).layers:
            order = _order(layer)[:_SHOWN_UNITS]
            gates.append({name: value[:, order] for name, value in layer.gates.items()})
            states.append({name: value[:, order] for name, value in layer.states.items()})
            meanings |= layer.meanings
            units.append(order.tolist())
    return Sentence(sentence, tokens, effects.bits, effects.left_out, effects.gradient, gates, states, meanings, units)


def _order(layer: Any) -> NDArray[np.int64]:
    """Units by memory, longest first; without gates by how much they change, least first."""
    if layer.keep is not None:
        return np.argsort(-np.log(np.maximum(layer.keep, 1e-300)).mean(axis=0), kind="stable")
    first = next(iter(layer.states.values()))
    return np.argsort(np.abs(np.diff(first, axis=0)).mean(axis=0), kind="stable")


def _clip(model: Model) -> float:
    plan = (model.card.get("recipe") or {}).get("plan") or {}
    if not plan and model.folder is not None and (model.folder / "training" / "plan.json").is_file():
        plan = read_plan(model.folder / "training").get("plan") or {}
    clip = plan.get("clip", 0.0)
    return float(clip) if isinstance(clip, (int, float)) else 0.0


def _gradient_log(model: Model) -> tuple[list[dict[str, Any]], float | None]:
    """The gradient log of training, and the share of clipped updates."""
    if model.folder is None or not Path(model.folder).is_dir():
        return [], None
    inner = Path(model.folder) / "training"
    entries = [item for item in read_log(inner / GRADIENT_LOG_FILE) if _is_entry(item)]
    clip = _clip(model)
    norms = [item.get("norm") for item in read_log(inner / "log.jsonl") if isinstance(item, dict)]
    sizes = [norm for norm in norms if isinstance(norm, (int, float)) and math.isfinite(norm)]
    return entries, sum(size > clip for size in sizes) / len(sizes) if clip and sizes else None


def _is_entry(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("update"), int)
        and isinstance(entry.get("share"), list)
        and len(entry["share"]) > 1
        and all(isinstance(value, (int, float)) for value in entry["share"])
        and isinstance(entry.get("words"), str)
    )


def diagnosis(result: Xray) -> list[str]:
    """The results in a few sentences."""
    words = []
    own = next((curve for curve in result.curves if curve.trained), None)
    if own is not None:
        words.append(f"The gradient is {own.words}.")
        if own.bound is not None and own.bound[1] > 0:
            pace = float((own.bound[-1] / own.bound[1]) ** (1 / max(len(own.bound) - 2, 1)))
            words.append(
                f"Its weights allow {pace:.3g} a step (the bound, which is "
                + ("below 1: it had to shrink)." if pace < 1 else "above 1: nothing forces it to shrink).")
            )
        if own.weights is None and not hidden_weights(cell_named(own.name), Sizes(inputs=1, hidden=1)):
            words.append(
                f"A {own.name} has no hidden-to-hidden weights; gradients reach its state only through its gates."
            )
        if result.clipped is not None:
            words.append(f"In training, {100 * result.clipped:.0f}% of the updates that were logged were clipped.")
    elif result.model["name"] in CELLS and CELLS[result.model["name"]].window:
        words.append(
            f"A {result.model['name']} network sees only its window: no gradient goes back through time, and "
            "there are no gates."
        )
    elif result.model["name"] in known() and entry(result.model["name"]).learns:
        words.append("It is computed without torch here; only torch gives its gradient and its gates.")
    else:
        words.append(
            f"A model of the kind {result.model['name']} is not a recurrent network by itself, so there is no gradient "
            "by lag and there are no gates; how far back its predictions look can be measured for any model."
        )
    lags = result.influence.lags[-1]
    memory, reach = result.influence.memory, result.influence.reach
    beyond = f"at least {lags}, as far as was looked" if memory == lags else str(memory)
    said = (
        f"up to there, another token changes the prediction by {THRESHOLD:g} bits or more in the median. "
        if memory
        else f"even the last one read, if replaced, changes the prediction by less than {THRESHOLD:g} bits in the "
        "median. "
    )
    words.append(
        f"Its effective memory is {beyond} token{'s' * (memory != 1)}: {said}"
        + (
            "Nothing further back changes it at all."
            if reach == memory
            else f"Some places are still reached from {reach} back (as far as was looked)."
            if reach == lags
            else f"Some places are reached from {reach} back, and none from further by more than {TRACE:g} bits."
        )
    )
    if result.units:
        unit = result.units[0]
        words.append(
            f"Unit {unit.unit} of layer {unit.layer + 1} has the longest memory: it keeps {unit.keep:.3g} of its state "
            f"a token, a half-life of {unit.half_life:.3g} tokens."
        )
    elif own is not None:
        gated = any(not item.gate.startswith("|") for item in result.saturation)
        what = f"No gate of a {own.name} keeps its state" if gated else "A plain RNN has no gates"
        words.append(f"{what}: all of its units are rewritten at every token.")
    if result.course:
        words.append(f"At the end of training it was {result.course[-1]['words']}.")
    return words


def _plain(value: Any) -> Any:
    """NumPy values, NaN and infinity as lists, numbers and None."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, (float, np.floating)):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value
