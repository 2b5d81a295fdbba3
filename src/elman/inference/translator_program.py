"""The program of a translator: a step in each direction of its encoder, and ``decoder_program``.

forward.step    ids, forward.k -> next.forward.k, token
backward.step   the same, of tokens in reverse order
"""

from elman.cells.symbol import Symbol
from elman.inference.decoder_program import decoder_program, record_sides
from elman.inference.program import Program, id_input, joined, rows
from elman.models.translator_config import TranslatorConfig, TranslatorSizes


def translator_program(config: TranslatorConfig, sizes: TranslatorSizes) -> Program:
    """The program of a network of this configuration; weights go by their names."""
    name = "embedding.weight" if config.joint else "source.weight"
    table = Symbol.parameter(name, (sizes.source + 1, config.embedding_size))
    sides = record_sides(config, rows(table, id_input("ids", sizes.source)))
    return joined(sides, decoder_program(config, sizes.target))
