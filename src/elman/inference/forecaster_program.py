"""The program of a forecaster: a step of its cell on a patch, and the quantiles behind the last
one.

    step        patch, NAME.k  -> top, next.NAME.k
    quantiles   top, row       -> quantiles [Q H]

``models.forecaster_equations`` has the equations; the network in torch computes the same ones.
"""

from elman.cells.operators import concat
from elman.cells.symbol import Symbol
from elman.inference.program import Function, Program
from elman.inference.stack import record_stack
from elman.models.forecaster_config import ForecasterConfig, ForecasterSizes
from elman.models.forecaster_equations import input_of, quantiles_of, weight_shapes


def forecaster_program(config: ForecasterConfig, sizes: ForecasterSizes) -> Program:
    """The program; weights go by their names."""
    w = {name: Symbol.parameter(name, shape) for name, shape in weight_shapes(config, sizes)}
    stack = record_stack(config, input_of(Symbol.input("patch", sizes.patch_size(config)), w))
    top, row = Symbol.input("top", config.top_size), Symbol.input("row", sizes.row_size(config))
    quantiles = concat(*quantiles_of(top, row, w, config, sizes))
    functions = {"step": Function({"top": stack.top, **stack.after}), "quantiles": Function({"quantiles": quantiles})}
    return Program(functions, stack.states)
