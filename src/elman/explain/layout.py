"""The layout of a drawing in columns and rows of a terminal, also used for pictures.

Values flow upwards. At the bottom are the lines of values that are multiplied by weights, above
them the products, then each operation above its inputs. Inputs from the left or right run along the
operation's row, which no other operation uses between the same columns, so two values never share a
piece of line. A value that passes a row keeps its column. Every order of the first row gives a
correct drawing; the chosen one has few crossings and short wires.
"""

import dataclasses
from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from elman.explain.flow import INPUT, Flow, Node


class Placed(NamedTuple):
    """A node or output, positioned by the middle of its text."""

    column: int
    row: int
    text: str
    name: str
    """Written next to its outgoing wire."""
    weighted: bool

    @property
    def left(self) -> int:
        return self.column - (len(self.text) - 1) // 2


class Wire(NamedTuple):
    """A wire from a source to a target, by its corners; ``net`` names the value."""

    net: str
    corners: tuple[tuple[int, int], ...]


@dataclasses.dataclass
class Layout:
    """A drawing; rows count upwards from 0."""

    nodes: list[Placed]
    wires: list[Wire]
    lines: list[tuple[str, int]]
    """Names of the lines below, each with its row; they begin in column 0."""
    outputs: list[Placed]
    labels: list[tuple[int, int, str]] = dataclasses.field(default_factory=list)
    """Words next to or on wires: column and row of their start."""

    @property
    def height(self) -> int:
        return max(each.row for each in self.outputs) + 1

    @property
    def width(self) -> int:
        return max(each.left + len(each.text) + 1 + len(each.name) for each in [*self.nodes, *self.outputs])


def lay_out(flow: Flow) -> Layout:
    """Lay out a flow; the first row is reordered as long as the drawing improves."""
    best = _Placing(flow, tuple(number for number, node in enumerate(flow.nodes) if not node.inputs), frozenset())
    better = True
    while better:
        better = False
        for order, left in list(_variants(best)):
            other = _Placing(flow, order, left)
            if other.cost < best.cost:
                best, better = other, True
    return best.layout()


def _variants(placing: "_Placing") -> Iterator[tuple[tuple[int, ...], frozenset[int]]]:
    """The same drawing with one node of the first row moved, or one that is beside its source on
    the other side.
    """
    order, left = placing.order, placing.left
    for number in order:
        others = [other for other in order if other != number]
        for index in range(len(order)):
            moved = (*others[:index], number, *others[index:])
            if moved != order:
                yield moved, left
    for number in placing.beside:
        yield order, left ^ {number}


class _Item(NamedTuple):
    """An item of a row, a text or a passing wire: columns to its left and right, and space."""

    column: int
    left: int
    right: int
    space: int


class _Placing:
    """One layout of a flow: the order of the first row, and the nodes to the left of their only
    source.
    """

    def __init__(self, flow: Flow, order: tuple[int, ...], left: frozenset[int]) -> None:
        self.flow, self.order, self.left = flow, order, left
        self.users: list[list[int]] = [[] for _ in flow.nodes]
        for number, node in enumerate(flow.nodes):
            for source in node.inputs:
                self.users[source].append(number)
        self.beside: list[int] = []
        self.columns: list[int] = []
        """The column of each node, by number; a node right above its only source shares the
        source's."""
        self.positions: list[float] = []
        """The relative order of columns, before widths: 0 for the first of the first row, 1 for the
        second."""
        self._place()
        self.texts = [self._text(number) for number in range(len(flow.nodes))]
        self.rows = self._rows()
        self.top = max(self.rows) + 2

    def _place(self) -> None:
        for number, node in enumerate(self.flow.nodes):
            sources = [self.positions[self.columns[source]] for source in node.inputs]
            if len(sources) == 1:
                (source,) = node.inputs
                if self.users[source] == [number] and source not in self.flow.outputs:
                    self.columns.append(self.columns[source])
                    continue
                self.beside.append(number)
                position = sources[0] + (-0.5 if number in self.left else 0.5)
            else:
                position = sum(sources) / 2 if sources else float(self.order.index(number))
            # Between its two inputs, in its own column.
            aim = sources[-1] if sources else position + 0.5
            while position in self.positions:
                position = (position + aim) / 2
            self.columns.append(len(self.positions))
            self.positions.append(position)

    def _text(self, number: int) -> str:
        node = self.flow.nodes[number]
        return _shown(dataclasses.replace(node, label=f"right{node.label}left") if self._reversed(number) else node)

    def _reversed(self, number: int) -> bool:
        """Whether a difference or a quotient has its first value on the right."""
        node = self.flow.nodes[number]
        first, *others = [self.positions[self.columns[source]] for source in node.inputs] or [0.0]
        return node.label in ("−", "÷") and any(first > other for other in others)

    def _rows(self) -> list[int]:
        base = len(self.flow.lines) + (1 if self.flow.lines else 0)
        spans: dict[int, list[tuple[float, float]]] = {}
        rows: list[int] = []
        for number, node in enumerate(self.flow.nodes):
            row = max((rows[source] + 2 for source in node.inputs), default=base)
            if node.inputs:
                reach = [self.positions[self.columns[each]] for each in (number, *node.inputs)]
                first, last = min(reach), max(reach)
                while any(first <= end and start <= last for start, end in spans.get(row, ())):
                    row += 2
                spans.setdefault(row, []).append((first, last))
            rows.append(row)
        return rows

    @cached_property
    def items(self) -> dict[int, list[_Item]]:
        """The items of each row, from left to right."""
        rows: dict[int, dict[int, _Item]] = {}
        leaving = self.flow.outputs
        for number, node in enumerate(self.flow.nodes):
            column, row = self.columns[number], self.rows[number]
            end = self.top if number in leaving else max((self.rows[each] for each in self.users[number]), default=row)
            for each in range(row + 1, end + 1):
                name = 1 + len(node.name) if each == row + 1 and node.name else 0
                rows.setdefault(each, {}).setdefault(column, _Item(column, 0, name, 1))
            text = len(self.texts[number])
            # A text hides a wire that ends in it.
            rows.setdefault(row, {})[column] = _Item(column, (text - 1) // 2, text // 2, 2 if node.inputs else 3)
            if number in leaving:
                text = len(leaving[number])
                rows.setdefault(self.top + 1, {})[column] = _Item(column, (text - 1) // 2, text // 2, 2)
        return {row: sorted(each.values(), key=lambda item: self.positions[item.column]) for row, each in rows.items()}

    @cached_property
    def final(self) -> list[int]:
        """The final columns: as far left as texts allow, then each operation centred over its
        inputs.
        """
        count = len(self.positions)
        before: list[dict[int, int]] = [{} for _ in range(count)]
        after: list[dict[int, int]] = [{} for _ in range(count)]
        # The names of the lines are left of everything.
        first = 4 + max(map(len, self.flow.lines), default=1)
        start = [first] * count
        for items in self.items.values():
            start[items[0].column] = max(start[items[0].column], first + items[0].left)
            for one, other in zip(items, items[1:], strict=False):
                space = one.right + 1 + min(one.space, other.space) + other.left
                before[other.column][one.column] = max(space, before[other.column].get(one.column, 0))
                after[one.column][other.column] = before[other.column][one.column]
        final = [0] * count
        ordered = sorted(range(count), key=self.positions.__getitem__)
        for column in ordered:
            final[column] = max([start[column], *(final[each] + space for each, space in before[column].items())])
        amid = {}
        for number, node in enumerate(self.flow.nodes):
            if len(node.inputs) == 2:
                amid[self.columns[number]] = [self.columns[source] for source in node.inputs]
        for _ in range(3):
            for column, sources in amid.items():
                wanted = sum(final[each] for each in sources) // 2
                least = max([start[column], *(final[each] + space for each, space in before[column].items())])
                most = min((final[each] - space for each, space in after[column].items()), default=wanted)
                final[column] = max(least, min(wanted, most))
        return final

    @cached_property
    def cost(self) -> float:
        """Badness of the drawing: lower is better."""
        final, length, crossings = self.final, 0, 0
        turned = sum(map(self._reversed, range(len(self.flow.nodes))))
        for number, node in enumerate(self.flow.nodes):
            ends = [final[self.columns[each]] for each in (number, *node.inputs)]
            length += max(ends) - min(ends)
            if node.inputs:
                crossings += sum(
                    min(ends) < final[item.column] < max(ends) and item.column != self.columns[number]
                    for item in self.items[self.rows[number]]
                )
        return 4 * (crossings + turned) + 0.5 * length + max(final) + self.top

    def layout(self) -> Layout:
        """The drawing's places."""
        flow, rows = self.flow, self.rows
        columns = [self.final[column] for column in self.columns]
        on_lines = {name: len(flow.lines) - 1 - number for number, name in enumerate(flow.lines)}
        nodes, wires = [], []
        for number, node in enumerate(flow.nodes):
            rises = node.origin and node.label in on_lines
            text = "" if rises else self.texts[number]
            nodes.append(Placed(columns[number], rows[number], text, node.name, node.weighted))
            for tap, column in [(node.label, columns[number])] if rises else _stubs(node, columns[number]):
                wires.append(Wire(tap, ((column, on_lines[tap]), (column, rows[number]))))
            for source in node.inputs:
                start, corner = (columns[source], rows[source]), (columns[source], rows[number])
                ends = () if columns[source] == columns[number] else ((columns[number], rows[number]),)
                wires.append(Wire(self._net(source), (start, corner, *ends)))
        for name, row in on_lines.items():
            last = max(wire.corners[0][0] for wire in wires if wire.net == name and wire.corners[0][1] == row)
            wires.append(Wire(name, ((0, row), (last, row))))
        outputs = []
        for source, name in flow.outputs.items():
            outputs.append(Placed(columns[source], self.top, name, "", False))
            wires.append(Wire(self._net(source), ((columns[source], rows[source]), (columns[source], self.top))))
        return Layout(nodes, wires, list(on_lines.items()), outputs)

    def _net(self, source: int) -> str:
        node = self.flow.nodes[source]
        return node.label if node.origin and node.label in self.flow.lines else f"#{source}"


def _shown(node: Node) -> str:
    if node.origin:
        return node.label
    text = node.label.center(len(node.taps) - 2)
    return f"[{text}]" if node.weighted else f"({text})"


def _stubs(node: Node, column: int) -> list[tuple[str, int]]:
    """The points where wires from the lines enter a product; the lowest line's is last and crosses
    the others.
    """
    taps = sorted(node.taps, key=lambda tap: tap == INPUT)
    if len(taps) < 2:
        return [(tap, column) for tap in taps]
    half = (len(_shown(node)) - 1) // 2
    return [(tap, column - half + round(2 * half * number / (len(taps) - 1))) for number, tap in enumerate(taps)]
