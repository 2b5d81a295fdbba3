"""Sizes, batch, dropout and learning rate from the corpus, the vocabulary and the time.

The rule behind the sizes: what the machine can compute in the time, spread over the tokens of the
corpus, is shared between a bigger network and more epochs in equal parts (both grow with its square
root). The more often a token will be read, the higher the dropout: without it, a network that
starts from counts has memorised the Penn Treebank after five epochs. docs/recipes.md has the runs
behind the numbers.
"""

import dataclasses
import math
from typing import Any

from elman.cells.counting import hidden_weights, products
from elman.models.network_config import NeuralConfig
from elman.models.softmax_clusters import make_clusters
from elman.nn.clusters import zipf_counts
from elman.tasks.language.plan import LanguagePlan
from elman.training.optimizers import DEFAULT_RATES

_REFERENCE_FLOP = 30.3e6
"""FLOP per token of the network that the reference run trains ..."""
_REFERENCE_BUDGET = 2.3e8
"""... when this much is available for each token of the corpus."""
_MOST_WEIGHTS = 30.0
"""Weights per training token, at most."""
_REFERENCE_HIDDEN = 512
"""Units that the optimiser's usual rate suits; more units need a lower rate, by the square root."""
_MANY_TYPES = 20_000
"""From this many types on, most of the time would go into scores of rare ones: the softmax becomes
adaptive."""
_STEEPNESS = {"rnn": 1 / 3, "rnn-relu": 1 / 6, "mingru": 1.5, "minlstm": 1.5, "transformer": 0.4}
"""Factor of the highest rate: large steps make cells without gates diverge, and help gates that see
no state."""
_LONG = {"transformer": 64}
"""Tokens of a row per update, if 22 are too few: gradients reach no key of the chunk before."""
_LAYERS = {"feed-forward": 1, "conv": 4, "transformer": 4}
"""Layers, if not two."""
_INNER = {"conv": 1.0}
"""Units of a layer for each unit of the embedding, if not two."""


@dataclasses.dataclass(frozen=True)
class RecipeInputs:
    """The inputs of a recipe."""

    kind: str
    tokens: int
    """Tokens of the training text."""
    vocab_size: int
    """V."""
    level: str
    budget: float | None
    """FLOP that the machine can spend in the whole run; None if the user fixed its length in text,
    not in time, so that the same command gives the same network on every machine."""
    epochs: float = 0.0
    """Epochs, if the user fixed them."""


def choose(
    inputs: RecipeInputs, *, config: dict[str, Any], plan: dict[str, Any]
) -> tuple[NeuralConfig, dict[str, Any]]:
    """The configuration and the plan's settings; what the user gave (``config``, ``plan``) is kept.

    >>> shape, _ = choose(RecipeInputs("lstm", 930_000, 10_000, "word", 2.3e8 * 930_000), config={}, plan={})
    >>> shape.embedding_size, shape.hidden_size, shape.layers
    (256, 512, 2)
    """
    if inputs.vocab_size >= _MANY_TYPES and config.get("input", "learned") == "learned":
        config = {"softmax": "adaptive", **config}
    chosen = _whole(inputs, _sizes(inputs, config), config)
    epochs = inputs.epochs
    if inputs.budget is not None:
        epochs = inputs.budget / (inputs.tokens * flop_per_token(chosen, inputs.vocab_size))
    settings = _settings(inputs, chosen, epochs, optimizer=plan.get("optimizer", "adamw"))
    return chosen, {**settings, **plan}


def flop_per_token(config: NeuralConfig, vocab_size: int) -> float:
    """FLOP of one training token: six for each weight of a matrix product, plus those of attention.

    For an adaptive softmax, types are assumed to follow Zipf's law.
    """
    layers = config.sizes(config.embedding_size if config.input == "learned" else vocab_size)
    weights = _output_weights(config, vocab_size, config.top_size)
    weights += sum(products(config.kind, sizes) for sizes in layers)
    if config.shortcuts:
        weights += (config.layers - 1) * config.width * config.top_size
    if config.projection:
        weights += config.width * config.top_size
    return 6.0 * weights


def _output_weights(config: NeuralConfig, vocab_size: int, top: int) -> float:
    if config.softmax == "sampled":
        return min(config.drawn, vocab_size) * top
    clusters = make_clusters(config, vocab_size)
    return vocab_size * top if clusters is None else clusters.products(zipf_counts(vocab_size), top)


def _sizes(inputs: RecipeInputs, given: dict[str, Any]) -> dict[str, int]:
    per_token = _REFERENCE_BUDGET if inputs.budget is None else inputs.budget / max(inputs.tokens, 1)
    flop = _REFERENCE_FLOP * math.sqrt(per_token / _REFERENCE_BUDGET)
    # A network with many more weights than the text has tokens would memorise it, however
    # much time there is.
    flop = min(flop, 6.0 * _MOST_WEIGHTS * inputs.tokens)

    def cost(embedding: int) -> float:
        return flop_per_token(_whole(inputs, proportions(inputs.kind, embedding), given), inputs.vocab_size)

    embedding = 32
    while embedding < 1024 and cost(embedding + 32) <= flop * 1.02:
        embedding += 32
    return proportions(inputs.kind, embedding)


def proportions(kind: str, embedding: int) -> dict[str, int]:
    """The sizes of a network with an embedding of this size.

    >>> proportions("lstm", 256)
    {'embedding_size': 256, 'hidden_size': 512, 'layers': 2}
    """
    hidden = int(_INNER.get(kind, 2.0) * embedding)
    return {"embedding_size": embedding, "hidden_size": hidden, "layers": _LAYERS.get(kind, 2)}


def _whole(inputs: RecipeInputs, chosen: dict[str, int], given: dict[str, Any]) -> NeuralConfig:
    """The configuration with ``chosen`` sizes, and what follows from the user's settings."""
    if given.get("input") == "one-hot":
        given = {"tied": False, **given}
    whole: dict[str, Any] = {"cell": inputs.kind, **chosen, **given}
    config = NeuralConfig(**whole)
    if not config.tied or config.seen or "projection" in given or config.hidden_size == config.embedding_size:
        return config
    if "hidden_size" in given:
        # Without a projection the last layer would have the size of the embedding instead.
        return config.replace(projection=True)
    # A single layer has the size of the embedding: nothing has the hidden size.
    return config.replace(hidden_size=config.embedding_size) if config.layers == 1 else config


def _settings(inputs: RecipeInputs, config: NeuralConfig, epochs: float, *, optimizer: str) -> dict[str, Any]:
    fine = inputs.level in ("char", "byte")
    # Many short rows rather than few long ones: the products are larger, and nothing was lost by
    # it.
    length = 70 if fine else _LONG.get(inputs.kind, 22)
    batch = 16 if inputs.kind in _LONG else 32
    # Few tokens: fewer rows, so that there are enough updates.
    while batch > 4 and inputs.tokens < batch * 2000:
        batch //= 2
    dropout = min(0.5, 0.05 * epochs)
    # Dropout alone does not keep a network from memorising what it reads more than ten
    # times.
    weight_drop = 0.0 if fine or not _has_hidden(config) else min(0.3, max(0.0, 0.025 * (epochs - 10)))
    rate = DEFAULT_RATES[optimizer] * _STEEPNESS.get(inputs.kind, 1.0)
    return {
        "batch": batch,
        "bptt": length,
        "dropout": round(dropout, 2),
        "input_dropout": 0.0 if fine else round(0.6 * dropout, 2),
        "embedding_dropout": 0.0 if fine else round(0.12 * dropout, 2),
        "weight_drop": round(weight_drop, 2),
        "rate": float(f"{rate * min(1.0, math.sqrt(_REFERENCE_HIDDEN / config.hidden_size)):.2g}"),
        # Only decoupled decay may be this strong: otherwise it is multiplied by the rate of the
        # gradient.
        "weight_decay": 0.1 if optimizer in ("adamw", "muon") else 0.0,
    }


def _has_hidden(config: NeuralConfig) -> bool:
    """Whether there are hidden-to-hidden weights that could be dropped."""
    return any(hidden_weights(config.kind, sizes) for sizes in config.sizes())


def updates_for_epochs(epochs: float, tokens: int, plan: LanguagePlan) -> int:
    """The number of updates in this many epochs.

    >>> updates_for_epochs(2, 7000, LanguagePlan(updates=1, batch=10, bptt=35))
    40
    """
    row = tokens // plan.batch
    return max(1, round(epochs * math.ceil(row / plan.mean_bptt)))
