"""Hoisting: what a step computes of its input vector alone, taken out of the step.

A tagger reads few different words many times. What follows from a word's vector is then computed
once per word and looked up by the step.
"""

from elman.cells.operators import concat
from elman.cells.symbol import Symbol
from elman.inference.program import Function


def hoisted(function: Function, name: str) -> tuple[Symbol, Function]:
    """Split a function at what depends on the vector ``name`` and on constants alone.

    Returns:
        A vector of all that the rest needs, and the rest, which has it as its input ``hoisted``.

    >>> x, h = Symbol.input("x", 2), Symbol.input("h", 2)
    >>> outer, inner = hoisted(Function({"y": (x * 2 + 1) * h}), "x")
    >>> outer.operator, sorted(inner.inputs.items())
    ('add', [('h', 2), ('hoisted', 2)])
    """
    symbols = function.symbols()
    alone: dict[int, bool] = {}
    for symbol in symbols:
        given = symbol.operator == "input"
        inner = [node for node in symbol.inputs if not node.is_constant]
        alone[id(symbol)] = symbol.about[0] == name if given else all(alone[id(node)] for node in inner)
    wanted = {id(end) for end in function.outputs.values()}
    for symbol in symbols:
        if not symbol.is_constant and not alone[id(symbol)]:
            wanted |= {id(node) for node in symbol.inputs}
    vectors = [symbol for symbol in symbols if id(symbol) in wanted and alone[id(symbol)] and not symbol.is_constant]
    whole = Symbol.input("hoisted", sum(vector.size for vector in vectors))
    rest: dict[int, Symbol] = {}
    start = 0
    for vector in vectors:
        rest[id(vector)] = whole.cut(start, start + vector.size)
        start += vector.size
    for symbol in symbols:
        if id(symbol) not in rest:
            inputs = tuple(rest.get(id(node), node) for node in symbol.inputs)
            rest[id(symbol)] = (
                symbol if inputs == symbol.inputs else Symbol(symbol.operator, inputs, symbol.shape, symbol.about)
            )
    outer = vectors[0] if len(vectors) == 1 else concat(*vectors)
    return outer, Function({output: rest[id(end)] for output, end in function.outputs.items()})
