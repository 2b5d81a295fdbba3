"""The program of a tagger: what follows from a word alone, a step in each direction, and the tags.

    words           word, subwords [S], context [F] -> forward, backward
    forward.step    hoisted, forward.k -> next.forward.k, token
    backward.step   the same, of words in reverse order
    output          tokens [D] -> scores [K]

``words`` computes all that a step needs of a word (``hoisting.py``), ``hoisted``. Id V stands for
`<s>`, with which every sentence begins.
"""

from collections.abc import Mapping

from elman.cells.operators import concat, linear
from elman.cells.symbol import Symbol
from elman.inference.hoisting import hoisted
from elman.inference.program import Function, Program, id_input
from elman.inference.stack import record_embedding, record_stack
from elman.models.tagger_config import TaggerConfig


def tagger_program(config: TaggerConfig, vocab: int, outputs: int) -> Program:
    """The program of a network with V word ids and K tags; weights go by their names."""
    parts = [record_embedding(config, id_input("word", vocab), vocab)]
    if config.character_size:
        parts.append(Symbol.input("subwords", config.character_size))
    if config.language_size:
        weight = Symbol.parameter("context.weight", (config.context_size, config.language_size))
        bias = Symbol.parameter("context.bias", (config.context_size,))
        parts.append(linear(Symbol.input("context", config.language_size), weight, bias))
    vector = concat(*parts) if len(parts) > 1 else parts[0]
    x = Symbol.input("x", vector.size)
    words: dict[str, Symbol] = {}
    functions: dict[str, Function] = {}
    states: dict[str, int] = {}
    for direction in config.directions:
        stack = record_stack(config, x, name=direction)
        outer, step = hoisted(Function({"token": stack.top, **stack.after}), "x")
        words[direction] = replaced(outer, {"x": vector})
        functions[f"{direction}.step"] = step
        states |= stack.states
    weight = Symbol.parameter("output.weight", (outputs, config.token_size))
    scores = linear(Symbol.input("tokens", config.token_size), weight, Symbol.parameter("output.bias", (outputs,)))
    return Program({"words": Function(words), **functions, "output": Function({"scores": scores})}, states)


def replaced(symbol: Symbol, inputs: Mapping[str, Symbol]) -> Symbol:
    """A symbol with other symbols in place of its inputs of these names."""
    built: dict[int, Symbol] = {}
    for node in Function({"": symbol}).symbols():
        if node.operator == "input" and node.about[0] in inputs:
            built[id(node)] = inputs[node.about[0]]
        else:
            below = tuple(built[id(one)] for one in node.inputs)
            built[id(node)] = node if below == node.inputs else Symbol(node.operator, below, node.shape, node.about)
    return built[id(symbol)]
