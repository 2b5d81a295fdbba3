"""The program of a captioner: its patches, a step in each direction of both sweeps, and
``decoder_program``.

patches                 patch [P] -> embedded [E]
rows.forward.step       embedded [E], rows.forward.k -> next.rows.forward.k, token [D / 2]
between                 embedded [E], token [D] -> embedded [E]
columns.forward.step    as that of rows; in both directions also backward.step
"""

from elman.cells.operators import linear, tanh
from elman.cells.symbol import Symbol
from elman.inference.decoder_program import decoder_program, record_sides
from elman.inference.program import Function, Program, joined
from elman.models.captioner_config import CaptionerConfig, CaptionerSizes


def captioner_program(config: CaptionerConfig, sizes: CaptionerSizes) -> Program:
    """The program of a network of this configuration; weights go by their names."""
    size, embedded = config.embedding_size, Symbol.input("embedded", config.embedding_size)
    weight, bias = Symbol.parameter("patches.weight", (size, sizes.patch)), Symbol.parameter("patches.bias", (size,))
    patches = tanh(linear(Symbol.input("patch", sizes.patch), weight, bias))
    token = linear(
        Symbol.input("token", config.token_size), Symbol.parameter("between.weight", (size, config.token_size))
    )
    own = {"patches": Function({"embedded": patches}), "between": Function({"embedded": embedded + token})}
    sweeps = (record_sides(config, embedded, name=f"{sweep}.") for sweep in ("rows", "columns"))
    return joined(Program(own, {}), *sweeps, decoder_program(config, sizes.target))
