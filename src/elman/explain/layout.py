"""Where each thing of a drawing goes: columns and rows of a terminal, the same for pictures.

Values flow upwards. Below lie the lines of the input and of the hidden state; above them the products, then each
operation one row above the highest of what it takes. What comes from the left or the right runs along its row, so
that no two values ever share a piece of line; a value that has to pass a row keeps its column there.
"""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

from elman.explain.flow import Flow, Node

_GAP = 3


class Placed(NamedTuple):
    """A node, or a value that leaves, by the middle of its text."""

    column: int
    row: int
    text: str
    name: str
    """Written beside the wire that leaves it."""
    weighted: bool

    @property
    def left(self) -> int:
        return self.column - (len(self.text) - 1) // 2


class Wire(NamedTuple):
    """One piece from a source to a target, by corners; ``net`` says whose value it carries."""

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
    """Words beside or upon wires: column and row where they begin."""

    @property
    def height(self) -> int:
        return max(each.row for each in self.outputs) + 1

    @property
    def width(self) -> int:
        return max(each.left + len(each.text) + 1 + len(each.name) for each in [*self.nodes, *self.outputs])


def lay_out(flow: Flow, *, lines: Sequence[str], order: Sequence[str | int]) -> Layout:
    """Place a flow; ``lines`` from top to bottom, ``order`` the first row from left to right, numbers widen a gap."""
    ranks = _ranks(flow)
    columns = _columns(flow, ranks, order)
    base = len(lines) + (1 if lines else 0)
    rows = [base + 2 * rank for rank in ranks]
    top = max(rows) + 2
    tapped = {tap for node in flow.nodes for tap in node.taps}
    on_lines = {name: len(lines) - 1 - number for number, name in enumerate(lines)}
    nodes, wires = [], []
    for number, node in enumerate(flow.nodes):
        rises = node.origin and node.label in tapped
        text = "" if rises else _shown(node)
        nodes.append(Placed(columns[number], rows[number], text, node.name, node.weighted))
        if rises:
            column = columns[number]
            wires.append(Wire(node.label, ((column, on_lines[node.label]), (column, rows[number]))))
        for tap, column in _stubs(node, columns[number]):
            wires.append(Wire(tap, ((column, on_lines[tap]), (column, rows[number]))))
        for source in node.inputs:
            net = _net(flow, source, tapped)
            start, corner = (columns[source], rows[source]), (columns[source], rows[number])
            ends = () if columns[source] == columns[number] else ((columns[number], rows[number]),)
            wires.append(Wire(net, (start, corner, *ends)))
    for name, row in on_lines.items():
        last = max(wire.corners[0][0] for wire in wires if wire.net == name and wire.corners[0][1] == row)
        wires.append(Wire(name, ((0, row), (last, row))))
    outputs = []
    for name, source in flow.outputs.items():
        outputs.append(Placed(columns[source], top, name, "", False))
        wires.append(Wire(_net(flow, source, tapped), ((columns[source], rows[source]), (columns[source], top))))
    return Layout(nodes, wires, list(on_lines.items()), outputs)


def _net(flow: Flow, source: int, tapped: set[str]) -> str:
    node = flow.nodes[source]
    return node.label if node.origin and node.label in tapped else f"#{source}"


def _shown(node: Node) -> str:
    if node.origin:
        return node.label
    return f"[{node.label}]" if node.weighted else f"({node.label})"


def _stubs(node: Node, column: int) -> list[tuple[str, int]]:
    if len(node.taps) == 2:
        half = (len(_shown(node)) - 1) // 2
        # The upper line's first, so that the other one crosses to the right of it.
        first, second = node.taps if node.taps[0] != "x" else node.taps[::-1]
        return [(first, column - half), (second, column + half)]
    return [(tap, column) for tap in node.taps]


def _ranks(flow: Flow) -> list[int]:
    ranks: list[int] = []
    for node in flow.nodes:
        ranks.append(max((ranks[source] + 1 for source in node.inputs), default=0))
    return ranks


def _columns(flow: Flow, ranks: list[int], order: Sequence[str | int]) -> list[int]:
    columns: dict[int, int] = {}
    keys = [each for each in order if isinstance(each, str)]
    by_key = {node.key: number for number, node in enumerate(flow.nodes) if ranks[number] == 0}
    place = 5
    for each in order:
        if isinstance(each, int):
            place += each
        elif each in by_key:
            width = len(_shown(flow.nodes[by_key[each]]))
            columns[by_key[each]] = place + (width - 1) // 2
            place += width + _GAP
    wider = {
        (left, right): gap
        for left, gap, right in zip(order, order[1:], order[2:], strict=False)
        if isinstance(left, str) and isinstance(gap, int) and isinstance(right, str)
    }
    missing = set(by_key.values()) - set(columns)
    assert not missing, f"no place for {[flow.nodes[number].key for number in missing]}"
    last_use = {number: rank for number, rank in enumerate(ranks)}
    for number, node in enumerate(flow.nodes):
        for source in node.inputs:
            last_use[source] = max(last_use[source], ranks[number])
    for source in flow.outputs.values():
        last_use[source] = max(ranks) + 1
    for rank in range(1, max(ranks) + 1):
        here = [number for number, each in enumerate(ranks) if each == rank]
        taken = [source for number in here for source in flow.nodes[number].inputs]
        # A value that goes on upwards, or to two sides, needs its column for itself.
        passing = [number for number in columns if rank < last_use[number] or taken.count(number) > 1]
        wanted: dict[int, float] = {number: columns[number] for number in passing}
        for number in here:
            sources = [columns[source] for source in flow.nodes[number].inputs]
            middle = sorted(sources)[len(sources) // 2]
            wanted[number] = middle if len(sources) == 3 else (min(sources) + max(sources)) / 2

        def sorting(number: int, wanted: dict[int, float] = wanted) -> tuple[float, int]:
            key = _key(flow.nodes[number])
            return (wanted[number], keys.index(key) if key in keys else len(keys))

        columns.update(_spread(sorted(wanted, key=sorting), wanted, set(passing), flow, wider))
    return [columns[number] for number in range(len(flow.nodes))]


def _key(node: Node) -> str:
    return node.key or node.label


def _spread(
    row: list[int], wanted: dict[int, float], fixed: set[int], flow: Flow, wider: dict[tuple[str, str], int]
) -> dict[int, int]:
    """Columns of one row in the given order, each near what it wants and away from its neighbours."""

    def reach(number: int) -> int:
        return 0 if number in fixed else (len(_shown(flow.nodes[number])) - 1) // 2

    def space(left: int, right: int) -> int:
        return reach(left) + reach(right) + 2 + wider.get((_key(flow.nodes[left]), _key(flow.nodes[right])), 0)

    found: dict[int, int] = {number: int(wanted[number]) for number in row}
    for left, right in zip(row, row[1:], strict=False):
        if right not in fixed:
            found[right] = max(found[right], found[left] + space(left, right))
    for right, left in zip(row[::-1], row[-2::-1], strict=False):
        if left not in fixed:
            found[left] = min(found[left], found[right] - space(left, right))
    return found
