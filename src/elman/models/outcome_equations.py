"""The equations of an outcome network, on operators for tensors, arrays and symbols.

    row      embedded categories [C, E], numbers [M], and of each entity its output [H] and gaps [2]
    output   row -> logits [K]
    update   row, outcome and what is known with it -> the input of each entity's cell [E]

The network between row and outcomes is wide and deep (Cheng et al. 2016): the row reaches the
outcomes through hidden layers and directly. An update reads how surprising the outcome was, its
one-hot vector minus the probabilities, which is what a rating such as Elo's moves by.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from elman.cells.operators import Value, concat, linear, relu, tanh
from elman.models.outcome_config import GAPS, OutcomeConfig, OutcomeSizes

Keep = Callable[[Value], Value]


def row_size(config: OutcomeConfig, sizes: OutcomeSizes) -> int:
    """Numbers of ``row_of``."""
    return len(sizes.columns) * config.embedding_size + sizes.numbers + sizes.roles * (config.top_size + GAPS)


def update_size(config: OutcomeConfig, sizes: OutcomeSizes) -> int:
    """Numbers that an update reads."""
    return row_size(config, sizes) + 2 * sizes.outcomes + sizes.after


def weight_shapes(config: OutcomeConfig, sizes: OutcomeSizes) -> Iterator[tuple[str, tuple[int, ...]]]:
    """The weights by name besides those of the cell's layers."""
    for number, values in enumerate(sizes.tables):
        yield f"tables.{number}", (values, config.embedding_size)
    below = row_size(config, sizes)
    yield "wide.weight", (sizes.outcomes, below)
    for number in range(config.dense_layers):
        yield f"dense.{number}.weight", (config.dense_size, below)
        yield f"dense.{number}.bias", (config.dense_size,)
        below = config.dense_size
    yield "output.weight", (sizes.outcomes, below)
    yield "output.bias", (sizes.outcomes,)
    for role in range(sizes.roles):
        yield f"update{role}.weight", (config.embedding_size, update_size(config, sizes))
        yield f"update{role}.bias", (config.embedding_size,)


def row_of(embedded: Sequence[Value], numbers: Value | None, tops: Sequence[Value], gaps: Sequence[Value]) -> Value:
    """All that is known of a row before its outcome."""
    pieces = [*embedded, *([] if numbers is None else [numbers])]
    pieces += [piece for pair in zip(tops, gaps, strict=True) for piece in pair]
    return concat(*pieces) if len(pieces) > 1 else pieces[0]


def logits_of(row: Value, w: Mapping[str, Value], layers: int, keep: Keep = lambda x: x) -> Value:
    """One number per outcome; ``keep`` is the dropout of hidden units."""
    x = row
    for number in range(layers):
        x = keep(relu(linear(x, w[f"dense.{number}.weight"], w[f"dense.{number}.bias"])))
    return linear(x, w["output.weight"], w["output.bias"]) + linear(row, w["wide.weight"])


def update_of(
    role: int, row: Value, outcome: Value, surprise: Value, after: Value | None, w: Mapping[str, Value]
) -> Value:
    """What the cell of the entity in a role reads once the outcome is known.

    Args:
        outcome: one-hot ``[.., K]``.
        surprise: ``outcome`` minus the probabilities ``[.., K]``.
        after: further numbers ``[.., A]``.
    """
    read = concat(row, outcome, surprise, *([] if after is None else [after]))
    return tanh(linear(read, w[f"update{role}.weight"], w[f"update{role}.bias"]))
