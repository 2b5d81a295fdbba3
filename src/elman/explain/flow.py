"""What flows where in a cell: its equations as a graph of products, gates and operations."""

import dataclasses
from collections.abc import Sequence

from elman.explain.equations import Call, Equation, Expression, Name, Number, Operation, Product, names

SYMBOLS = {"sigmoid": "σ", "*": "×", "/": "÷", "+": "+", "-": "−"}
"""How drawings write what equations spell out."""


@dataclasses.dataclass
class Node:
    """One thing in the drawing."""

    label: str
    """What it does; of a value that comes from the step before, its name."""
    weighted: bool = False
    """Whether it multiplies what it takes by weights of its own."""
    inputs: tuple[int, ...] = ()
    """Numbers of the nodes that it takes, in the order of the equation."""
    taps: tuple[str, ...] = ()
    """Which of the lines below (the input, the hidden state) it multiplies."""
    name: str = ""
    """The value it makes, if the equations name it."""
    key: str = ""
    """By what its place is looked up: its name, or the matrix of a product without one."""
    origin: bool = False
    """Whether it is a value from the step before."""


@dataclasses.dataclass
class Flow:
    """The graph of a cell."""

    nodes: list[Node]
    outputs: dict[str, int]
    """The values that leave the cell, by name, and the nodes that make them."""


def flow_of(equations: Sequence[Equation], *, inputs: Sequence[str], outputs: Sequence[str]) -> Flow:
    """Follow the equations downwards; ``inputs`` are the values that exist before: the input and the state."""
    builder = _Builder(set(inputs))
    for equation in equations:
        builder.assign(equation)
    return Flow(builder.nodes, {name: builder.values[name] for name in outputs})


class _Builder:
    def __init__(self, inputs: set[str]) -> None:
        self.inputs = inputs
        self.nodes: list[Node] = []
        self.values: dict[str, int] = {}
        self.origins: dict[str, int] = {}

    def assign(self, equation: Equation) -> None:
        made = self.make(equation.right)
        node = self.nodes[made]
        assert not node.name, f"{equation.name} is only another name of {node.name}"
        node.name = equation.name
        node.key = equation.name
        self.values[equation.name] = made

    def make(self, tree: Expression) -> int:
        """The node that computes a tree."""
        match tree:
            case Name(text):
                return self.value(text)
            case Product():
                return self.total([tree])
            case Operation("+", _, _):
                return self.total(_terms(tree))
            case Call(function, argument) if not self.is_simple(argument):
                inner = self.make(argument)
                node = self.nodes[inner]
                if node.weighted and not node.name and node.label == "W":
                    node.label = SYMBOLS.get(function, function)
                    return inner
                return self.add(SYMBOLS.get(function, function), [inner])
            case Call() | Operation() if self.is_simple(tree):
                (variable,) = (name for name in names(tree) if self.is_value(name))
                return self.add(self.label(tree), [self.value(variable)])
            case Operation("*" | "/", _, _):
                return self.add(SYMBOLS[tree.sign], [self.make(factor) for factor in self.factors(tree)])
        raise AssertionError(f"no drawing of {tree}")

    def total(self, terms: list[Expression]) -> int:
        """A sum: products of what lies on the lines are one node, biases go without saying."""
        parts = [term for term in terms if any(self.is_value(name) for name in names(term))]
        if len(parts) > 1 and all(self.scaled(part) for part in parts):
            return self.windowed([self.scaled(part) for part in parts])
        taps, matrices, nodes = [], [], []
        place = None
        for part in parts:
            if isinstance(part, Product) and isinstance(part.value, Name) and self.on_a_line(part.value.text):
                place = len(nodes) if place is None else place
                taps.append(part.value.text)
                matrices.append(part.matrix)
            elif isinstance(part, Product):
                nodes.append(self.add("W", [self.make(part.value)], weighted=True, key=part.matrix))
            else:
                nodes.append(self.make(part))
        if place is not None:
            nodes.insert(place, self.add("W", [], weighted=True, taps=tuple(taps), key=matrices[0]))
        return nodes[0] if len(nodes) == 1 else self.add("+", nodes)

    def windowed(self, variables: list[str]) -> int:
        """A sum of values of several steps, each with a weight of its own: a convolution."""
        earlier = [name for name in variables if name not in self.values]
        label = f"{earlier[0]} {earlier[-1]}" if len(earlier) == 2 else f"{earlier[0]}..{earlier[-1]}"
        origin = self.add(label, [], key=earlier[0], origin=True)
        now = [self.values[name] for name in variables if name in self.values]
        return self.add("conv", [origin, *now], weighted=True)

    def scaled(self, tree: Expression) -> str:
        """The value's name if the tree is a parameter times a value, else nothing."""
        match tree:
            case Operation("*", Name(left), Name(right)) if not self.is_value(left) and self.is_value(right):
                return right
        return ""

    def factors(self, tree: Operation) -> list[Expression]:
        if tree.sign == "*" and isinstance(tree.left, Operation) and tree.left.sign == "*":
            return [*self.factors(tree.left), tree.right]
        return [tree.left, tree.right]

    def is_simple(self, tree: Expression) -> bool:
        """Whether it is a function of one value alone, without a matrix and other than the value itself."""
        found = [name for name in names(tree) if self.is_value(name)]
        return len(found) == 1 and not _has_product(tree) and not isinstance(tree, Name)

    def label(self, tree: Expression) -> str:
        if isinstance(tree, Call):
            parameters = any(not self.is_value(name) for name in names(tree.argument))
            if isinstance(tree.argument, Name) or parameters:
                return SYMBOLS.get(tree.function, tree.function)
            return f"{'√' if tree.function == 'sqrt' else tree.function}({_text(tree.argument)})"
        return _text(tree)

    def is_value(self, name: str) -> bool:
        return name in self.values or name in self.inputs

    def on_a_line(self, name: str) -> bool:
        return name in self.inputs and name not in self.values

    def value(self, name: str) -> int:
        """The node of the latest value of a name."""
        if name in self.values:
            return self.values[name]
        if name not in self.origins:
            self.origins[name] = self.add(name, [], key=name, origin=True)
        return self.origins[name]

    def add(
        self,
        label: str,
        inputs: list[int],
        *,
        weighted: bool = False,
        taps: tuple[str, ...] = (),
        key: str = "",
        origin: bool = False,
    ) -> int:
        self.nodes.append(Node(label, weighted, tuple(inputs), taps, "", key, origin))
        return len(self.nodes) - 1


def _terms(tree: Expression) -> list[Expression]:
    if isinstance(tree, Operation) and tree.sign == "+":
        return [*_terms(tree.left), tree.right]
    return [tree]


def _has_product(tree: Expression) -> bool:
    match tree:
        case Product():
            return True
        case Call(_, inner):
            return _has_product(inner)
        case Operation(_, left, right):
            return _has_product(left) or _has_product(right)
    return False


def _text(tree: Expression) -> str:
    match tree:
        case Number(text) | Name(text):
            return text
        case Operation("^", left, Number("2")):
            return f"{_text(left)}²"
        case Operation(sign, left, right):
            return f"{_text(left)}{SYMBOLS.get(sign, sign)}{_text(right)}"
        case Call(function, inner):
            return f"{SYMBOLS.get(function, function)}({_text(inner)})"
    raise AssertionError(f"no short text of {tree}")
