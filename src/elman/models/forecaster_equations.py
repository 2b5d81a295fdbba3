"""The equations of a forecaster, on operators for tensors, arrays and symbols.

    input      P values, known or not, and covariates -> what the cell reads [E]
    quantiles  the cell's last output [H] and the window [Z] -> Q quantiles of each of the next steps [Q, H]

A product of the window is added to the median; it begins as ridge regression. Quantiles beside the
median are sums of positive distances from it, so they never cross.
"""

from collections.abc import Callable, Iterator, Mapping

from elman.cells.operators import Value, concat, linear, relu, split, sqrt
from elman.models.forecaster_config import ForecasterConfig, ForecasterSizes

Keep = Callable[[Value], Value]
BEND = 0.01
"""How far from 0 the distance between quantiles bends."""


def weight_shapes(config: ForecasterConfig, sizes: ForecasterSizes) -> Iterator[tuple[str, tuple[int, ...]]]:
    """The weights by name besides those of the cell's layers."""
    numbers = sizes.quantiles * sizes.horizon
    yield "input.weight", (config.embedding_size, sizes.patch_size(config))
    yield "input.bias", (config.embedding_size,)
    yield "dense.weight", (config.dense_size, config.top_size + sizes.calendar + sizes.horizon * sizes.covariates)
    yield "dense.bias", (config.dense_size,)
    yield "output.weight", (numbers, config.dense_size)
    yield "output.bias", (numbers,)
    yield "wide.weight", (sizes.horizon, sizes.row_size(config))


def input_of(patch: Value, w: Mapping[str, Value]) -> Value:
    """What the cell reads of a patch."""
    return linear(patch, w["input.weight"], w["input.bias"])


def quantiles_of(
    top: Value,
    row: Value,
    w: Mapping[str, Value],
    config: ForecasterConfig,
    sizes: ForecasterSizes,
    keep: Keep = lambda x: x,
) -> list[Value]:
    """The scaled quantiles ``[.., H]`` from the lowest to the highest.

    Args:
        top: ``[.., H]`` of the last step.
        row: ``[.., Z]``.
        keep: the dropout of hidden units.
    """
    calendar, future = config.context_window + sizes.calendar, sizes.horizon * sizes.covariates
    known = [row[..., config.context_window : calendar]] if sizes.calendar else []
    known += [row[..., sizes.row_size(config) - future : sizes.row_size(config)]] if future else []
    read = keep(concat(top, *known) if known else top)
    hidden = keep(relu(linear(read, w["dense.weight"], w["dense.bias"])))
    pieces = split(linear(hidden, w["output.weight"], w["output.bias"]), sizes.quantiles)
    found = {sizes.middle: pieces[sizes.middle] + linear(row, w["wide.weight"])}
    for number in range(sizes.middle + 1, sizes.quantiles):
        found[number] = found[number - 1] + positive(pieces[number])
    for number in range(sizes.middle - 1, -1, -1):
        found[number] = found[number + 1] - positive(pieces[number])
    return [found[number] for number in range(sizes.quantiles)]


def positive(x: Value) -> Value:
    """A distance above 0, about ``max(0, x)``; see ``positive_inverse``."""
    return 0.5 * (x + sqrt(x * x + BEND))


def positive_inverse(distance: Value) -> Value:
    """What ``positive`` maps to a distance above 0.

    >>> round(positive_inverse(0.5), 4)
    0.495
    """
    return distance - BEND / (4 * distance)
