"""The flow graph of a cell: its recorded step as products, gates and operations."""

import dataclasses

from elman.cells.recording import Recorded
from elman.cells.symbol import Symbol, in_order
from elman.explain.equations import expression
from elman.explain.simplify import ELEMENTWISE, simplified

_SIGNS = {"sigmoid": "σ", "mul": "×", "div": "÷", "add": "+", "sub": "−", "sqrt": "√"}
"""Signs of operators in drawings; others are written by name."""
_SHORTER = {"sigmoid(": "σ(", "sqrt(": "√(", " * ": "×", " / ": "÷", "-": "−", " ": ""}
INPUT = "xₜ"
"""The input in drawings."""
_LONGEST = 18
"""Most characters of a function of one value in one node."""


@dataclasses.dataclass
class Node:
    """A node of the drawing."""

    label: str
    """Its operation; for a value from the step before, its name."""
    weighted: bool = False
    """Whether it multiplies its inputs by its own weights."""
    inputs: tuple[int, ...] = ()
    """Numbers of its input nodes, at most two, in the order of the equation."""
    taps: tuple[str, ...] = ()
    """Which of the lines below (the input and parts of the state) it multiplies."""
    name: str = ""
    """The name of its value in the equations, if any."""
    origin: bool = False
    """Whether it is the input or a value from the step before."""


@dataclasses.dataclass
class Flow:
    """The graph of a cell."""

    nodes: list[Node]
    """Nodes, each after its inputs."""
    outputs: dict[int, str]
    """The nodes of the cell's outputs, and the names of those."""
    lines: list[str]
    """The input and parts of the state that are multiplied by weights, from top to bottom."""


def flow_of(recorded: Recorded) -> Flow:
    """Build the graph of a recorded step, without biases and other constants.

    >>> from elman.cells.cell import Sizes
    >>> from elman.cells.recording import record_step
    >>> from elman.cells.registry import CELLS
    >>> flow = flow_of(record_step(CELLS["rnn"], Sizes(inputs=2, hidden=3)))
    >>> flow.nodes
    [Node(label='tanh', weighted=True, inputs=(), taps=('xₜ', 'hₜ₋₁'), name='h', origin=False)]
    >>> flow.outputs
    {0: 'hₜ'}
    """
    plain = simplified(recorded)
    builder = _Builder(plain)
    outputs: dict[int, str] = {}
    parts = zip(plain.state, plain.after, strict=True)
    for name, symbol in [(plain.names.get(id(plain.output), "y"), plain.output), *parts]:
        if not symbol.is_constant:
            node = builder.node(symbol)
            outputs[node] = ", ".join(dict.fromkeys([*filter(None, [outputs.get(node)]), f"{name}ₜ"]))
    nodes = [
        dataclasses.replace(
            node, label=_timed(node.label) if node.origin else node.label, taps=tuple(map(_timed, node.taps))
        )
        for node in builder.nodes
    ]
    return Flow(nodes, outputs, [_timed(each) for each in (*plain.state, "x") if each in builder.lines])


def _timed(name: str) -> str:
    """The input of this step, or a part of the state of the step before."""
    return INPUT if name == "x" else f"{name}ₜ₋₁"


class _Builder:
    def __init__(self, plain: Recorded) -> None:
        self.names = plain.names
        self.nodes: list[Node] = []
        self.made: dict[int, int] = {}
        products = (each.inputs[0] for each in in_order([plain.output, *plain.after]) if each.operator == "linear")
        self.lines = {each.about[0] for each in products if each.operator == "input"}

    def node(self, symbol: Symbol) -> int:
        """The node that computes a value."""
        if symbol.operator == "same":
            return self.node(symbol.inputs[0])
        if id(symbol) not in self.made:
            made = self.make(symbol)
            if id(symbol) in self.names and not self.nodes[made].origin:
                self.nodes[made].name = self.names[id(symbol)]
            self.made[id(symbol)] = made
        return self.made[id(symbol)]

    def make(self, symbol: Symbol) -> int:
        if symbol.operator == "input":
            return self.add(Node(symbol.about[0], origin=True))
        values = self.variables(symbol)
        if symbol.operator in ELEMENTWISE and len(values) == 1 and not self.is_sum(symbol):
            return self.function(symbol, values[0])
        if self.is_sum(symbol):
            return self.total(symbol)
        label = _SIGNS.get(symbol.operator, symbol.operator)
        inputs = [each for each in symbol.inputs if not each.is_constant]
        if symbol.operator == "concat" and _is_shift(inputs):
            label, inputs = "shift", [inputs[0].inputs[0], inputs[1]]
        weighted = any(each.is_constant and _has_weights(each) for each in symbol.inputs)
        nodes = [self.node(each) for each in inputs]
        if symbol.operator in ("sub", "div") and all(id(each) in self.names for each in inputs):
            # The drawing does not show the order of the two.
            label = label.join(self.names[id(each)] for each in inputs)
        return self.joined(label, nodes, weighted)

    def function(self, symbol: Symbol, value: Symbol) -> int:
        """A function of one value: one node, merged with a product if it is its only function."""
        inner = self.node(value)
        node = self.nodes[inner]
        label, sign = self.label(symbol, value), _SIGNS.get(symbol.operator, symbol.operator)
        weighted, alone = _has_weights(symbol, value), symbol.inputs == (value,)
        if alone and node.label == "W" and not node.name:
            node.label = sign
            return inner
        return self.add(Node(sign if alone or weighted or len(label) > _LONGEST else label, weighted, (inner,)))

    def total(self, symbol: Symbol) -> int:
        """A sum; products of values on the lines are one node."""
        taps: list[str] = []
        scaled: list[Symbol] = []
        parts: list[int] = []
        for term in self.terms(symbol):
            if term is not symbol and id(term) in self.names:
                parts.append(self.node(term))
            elif term.operator == "linear" and term.inputs[0].operator == "input":
                taps.append(term.inputs[0].about[0])
            elif term.operator == "linear":
                parts.append(self.add(Node("W", True, (self.node(term.inputs[0]),))))
            elif _is_scaled(term):
                scaled += [operand for operand in term.inputs if not operand.is_constant]
            else:
                parts.append(self.node(term))
        if scaled:
            sources = {
                self.node(operand.inputs[0] if operand.operator == "cut" else operand): None for operand in scaled
            }
            parts.append(self.joined("w", list(sources), weighted=True))
        if taps:
            parts.insert(0, self.add(Node("W", True, taps=tuple(dict.fromkeys(taps)))))
        return self.joined("+", parts)

    def joined(self, label: str, parts: list[int], weighted: bool = False) -> int:
        """Join values two by two; a single value is returned unchanged, unless the node has weights
        or is not a sum.
        """
        if len(parts) == 1 and label == "+":
            return parts[0]
        parts = list(dict.fromkeys(parts))
        while len(parts) > 2:
            parts = [self.add(Node(label, weighted, tuple(parts[:2]))), *parts[2:]]
        return self.add(Node(label, weighted, tuple(parts)))

    def terms(self, symbol: Symbol) -> list[Symbol]:
        """The terms of a sum, without weights and numbers."""
        if symbol.operator != "add":
            return [symbol]
        inner = [operand for operand in symbol.inputs if not operand.is_constant]
        return [term for operand in inner for term in ([operand] if id(operand) in self.names else self.terms(operand))]

    def is_sum(self, symbol: Symbol) -> bool:
        """Whether it adds two values, or is a product or adds a bias to one."""
        if symbol.operator == "linear":
            return True
        terms, constants = self.terms(symbol), [operand for operand in symbol.inputs if operand.is_constant]
        return symbol.operator == "add" and (
            len(terms) > 1 or any(map(_has_weights, constants)) or self.is_product(terms[0])
        )

    def is_product(self, term: Symbol) -> bool:
        """Whether it is a matrix times a value, and has no name of its own."""
        return term.operator == "linear" and id(term) not in self.names

    def variables(self, symbol: Symbol) -> list[Symbol]:
        """The values of which it is a function unit by unit."""
        operands: dict[int, Symbol] = {}
        waiting = list(symbol.inputs)
        while waiting:
            node = waiting.pop(0)
            if node.is_constant:
                continue
            if id(node) in self.names or node.operator not in ELEMENTWISE or self.is_sum(node):
                operands[id(node)] = node
            else:
                waiting += node.inputs
        return list(operands.values())

    def label(self, symbol: Symbol, value: Symbol) -> str:
        """A function of one value as a short text."""
        name = self.names.get(id(value), value.about[0] if value.operator == "input" else "·")
        text = expression(symbol, self.names | {id(value): name})
        for written, sign in _SHORTER.items():
            text = text.replace(written, sign)
        return text

    def add(self, node: Node) -> int:
        self.nodes.append(node)
        return len(self.nodes) - 1


def _is_shift(parts: list[Symbol]) -> bool:
    """Whether the newest value of a window replaces the oldest."""
    return len(parts) == 2 and parts[0].operator == "cut" and parts[0].inputs[0].size == parts[0].size + parts[1].size


def _has_weights(symbol: Symbol, value: Symbol | None = None) -> bool:
    """Whether it contains weights outside of ``value``."""
    if symbol is value:
        return False
    return symbol.operator == "parameter" or any(_has_weights(operand, value) for operand in symbol.inputs)


def _is_scaled(term: Symbol) -> bool:
    """Whether it is one value times weights unit by unit."""
    constants = [operand for operand in term.inputs if operand.is_constant]
    return term.operator == "mul" and any(map(_has_weights, constants))
