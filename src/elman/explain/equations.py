"""The notation in which pages write equations, read into trees.

    f = sigmoid(W_if x + b_if + W_hf h + b_hf)      a name, an equals sign, an expression
    W_if x                                          a matrix (a name with W) before a value: their product
    r * (W_hn h + b_hn)                             * / + - unit by unit, ^ a power
    tanh(c)                                         a function of each unit

Names that are assigned nowhere and are no input or state are parameters. Lines are read downwards, as a program: on the
right stands the latest value of a name.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

_TOKEN = re.compile(r"\s*(?:(\d+(?:\.\d+)?)|([^\W\d]\w*)|(.))")


class Number(NamedTuple):
    """A constant in an equation."""

    text: str


class Name(NamedTuple):
    """A value by its name: given, or made by an earlier equation."""

    text: str


class Call(NamedTuple):
    """A function of each unit."""

    function: str
    argument: "Expression"


class Product(NamedTuple):
    """A matrix times a value."""

    matrix: str
    value: "Expression"


class Operation(NamedTuple):
    """Unit by unit: ``+ - * / ^``."""

    sign: str
    left: "Expression"
    right: "Expression"


Expression = Number | Name | Call | Product | Operation


class Equation(NamedTuple):
    """One line: the name that gets a new value, and how it is computed."""

    name: str
    right: Expression


def parse(line: str) -> Equation:
    """Read one equation.

    >>> parse("v = W_v x")
    Equation(name='v', right=Product(matrix='W_v', value=Name(text='x')))

    Raises:
        ValueError: the line is not of the notation.
    """
    name, equals, rest = line.partition("=")
    if not equals or not name.strip().isidentifier():
        raise ValueError(f"{line!r} does not begin with a name and an equals sign")
    reader = _Reader(rest)
    found = reader.sum()
    if reader.peek():
        raise ValueError(f"{line!r} goes on after its end: {reader.peek()!r}")
    return Equation(name.strip(), found)


def names(tree: Expression) -> Iterator[str]:
    """All names in a tree, matrices among them, as often as they stand there."""
    match tree:
        case Name(text):
            yield text
        case Call(_, inner):
            yield from names(inner)
        case Product(matrix, inner):
            yield matrix
            yield from names(inner)
        case Operation(_, left, right):
            yield from names(left)
            yield from names(right)


class _Reader:
    def __init__(self, text: str) -> None:
        self.tokens = ["".join(found) for found in _TOKEN.findall(text.strip())]
        self.place = 0

    def peek(self) -> str:
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def take(self) -> str:
        token = self.peek()
        self.place += 1
        return token

    def sum(self) -> Expression:
        # A minus before the first term takes it from nothing.
        left: Expression = Number("0") if self.peek() == "-" else self.product()
        while self.peek() in ("+", "-"):
            left = Operation(self.take(), left, self.product())
        return left

    def product(self) -> Expression:
        left = self.power()
        while self.peek() in ("*", "/"):
            left = Operation(self.take(), left, self.power())
        return left

    def power(self) -> Expression:
        left = self.atom()
        return Operation(self.take(), left, self.atom()) if self.peek() == "^" else left

    def atom(self) -> Expression:
        token = self.take()
        if token == "(":
            inner = self.sum()
            if self.take() != ")":
                raise ValueError("a parenthesis is not closed")
            return inner
        if token[:1].isdigit():
            return Number(token)
        if not token.isidentifier():
            raise ValueError(f"a value was expected, but {token!r} came")
        if token.startswith("W") and (self.peek() == "(" or self.peek().isidentifier()):
            return Product(token, self.atom())
        if self.peek() == "(":
            return Call(token, self.atom())
        return Name(token)
