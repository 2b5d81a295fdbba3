"""Draws the rooms of src/elman and the imports between them, and writes the table of rooms.

    python docs/build_architecture.py    # `make reference` runs this and build_reference.py

Writes docs/architecture.svg, and in docs/architecture.md what stands between the two marks. Rooms
and imports are read from the source (``rooms.py``). An arrow means that the upper room imports from
the lower one; an arrow that follows from others is left out, as cli -> text where cli -> api ->
text. The table lists all imports.
"""

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from rooms import FLOORS, ROOT, SAYS, modules, room, room_imports, uses_torch

DOCS = Path(__file__).resolve().parent
START, END = "<!-- rooms -->", "<!-- /rooms -->"

BASE = "errors notation config progress"
"""The box of the four files that every room may import."""
_MERGED = {name: "api" for name in ROOT} | {name: BASE for name in BASE.split()}
_LEFT_OUT = "__main__"

_BOX, _HEIGHT, _ROW, _WAY, _SPACE = 208.0, 44.0, 84.0, 14.0, 22.0
"""Width and height of a box, distance of two rows, width of a passing arrow, space between two
neighbours."""
_LEFT, _TOP = 66.0, 20.0

_STYLE = """\
.paper { fill: #ffffff } .box { fill: #f3f5f7; stroke: #8a949e } .torch { fill: #e1effa; stroke: #0072b2 }
text { font-family: system-ui, sans-serif; font-size: 12px; fill: #3d444b } .name { font-weight: 600; fill: #16181a }
.name, .base { font-size: 14px } .floor { font-size: 11px; fill: #6b747d }
.arrow { fill: none; stroke: #68727c; stroke-width: 1.4 } .head { fill: #68727c }
@media (prefers-color-scheme: dark) {
.paper { fill: #16181a } .box { fill: #24282c; stroke: #6b747d } .torch { fill: #10314a; stroke: #56b4e9 }
text { fill: #c3c9cf } .name { fill: #f0f2f4 } .floor { fill: #9aa3ab }
.arrow { stroke: #9aa3ab } .head { fill: #9aa3ab }
}"""


class Spot(NamedTuple):
    """A box, or the point where an arrow passes a floor without a box of its own."""

    floor: int
    name: str
    """Of the room; of a passing arrow both its ends."""
    is_box: bool


Edge = tuple[Spot, Spot]
"""From a spot to one on a lower row."""


def drawn_imports() -> dict[str, set[str]]:
    """The imports between boxes, without those that follow from others."""
    graph: dict[str, set[str]] = {}
    for name, targets in room_imports().items():
        if name != _LEFT_OUT:
            box = _MERGED.get(name, name)
            graph.setdefault(box, set()).update(_MERGED.get(target, target) for target in targets)
    graph = {box: targets - {box} for box, targets in graph.items()}
    return {
        box: {target for target in targets if not any(target in _reached(graph, other) for other in targets - {target})}
        for box, targets in graph.items()
    }


def _reached(graph: dict[str, set[str]], start: str) -> set[str]:
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        for target in graph[waiting.pop()] - seen:
            seen.add(target)
            waiting.append(target)
    return seen


def place_rows(graph: dict[str, set[str]]) -> tuple[list[list[Spot]], list[list[Edge]]]:
    """The spots of each floor from left to right, the highest floor first, and the pieces of each
    arrow."""
    floors = {box: FLOORS["errors"] if box == BASE else FLOORS[box] for box in graph}
    levels = sorted(set(floors.values()), reverse=True)
    rows: dict[int, list[Spot]] = {level: [] for level in levels}
    boxes = {box: Spot(floors[box], box, True) for box in sorted(graph)}
    for spot in boxes.values():
        rows[spot.floor].append(spot)
    arrows = []
    for start, target in sorted((start, target) for start, targets in graph.items() for target in targets):
        between = [level for level in levels if floors[start] > level > floors[target]]
        points = [Spot(level, f"{start} {target}", False) for level in between]
        for point in points:
            rows[point.floor].append(point)
        arrows.append(list(itertools.pairwise([boxes[start], *points, boxes[target]])))
    return _with_few_crossings(list(rows.values()), [edge for arrow in arrows for edge in arrow]), arrows


def _with_few_crossings(rows: list[list[Spot]], edges: list[Edge]) -> list[list[Spot]]:
    """The rows with their spots in another order: each amid its neighbours above and below, by
    turns."""
    best, fewest = rows, crossings(rows, edges)
    for turn in range(40):
        sweep = range(1, len(rows)) if turn % 2 == 0 else range(len(rows) - 2, -1, -1)
        rows = [list(row) for row in rows]
        for number in sweep:
            other = {spot: place for place, spot in enumerate(rows[number - 1 if turn % 2 == 0 else number + 1])}
            middle = {}
            for place, spot in enumerate(rows[number]):
                near = [other[end] for end in _neighbours(spot, edges) if end in other]
                middle[spot] = sum(near) / len(near) if near else float(place)
            rows[number].sort(key=lambda spot: middle[spot])
        if (found := crossings(rows, edges)) < fewest:
            best, fewest = rows, found
    return best


def crossings(rows: Sequence[Sequence[Spot]], edges: Sequence[Edge]) -> int:
    """How many pairs of arrows cross."""
    place = {spot: number for row in rows for number, spot in enumerate(row)}
    ends: dict[int, list[tuple[int, int]]] = {}
    for start, end in edges:
        ends.setdefault(start.floor, []).append((place[start], place[end]))
    return sum(
        (a[0] - b[0]) * (a[1] - b[1]) < 0 for level in ends.values() for a, b in itertools.combinations(level, 2)
    )


def _neighbours(spot: Spot, edges: Sequence[Edge]) -> list[Spot]:
    return [edge[1] if edge[0] == spot else edge[0] for edge in edges if spot in edge]


def columns(rows: Sequence[Sequence[Spot]], arrows: Sequence[Sequence[Edge]]) -> dict[Spot, float]:
    """The middle of each spot: near its neighbours above and below, and clear of those beside
    it."""
    edges = [edge for arrow in arrows for edge in arrow]
    middle = {spot: 300.0 + 200 * number for row in rows for number, spot in enumerate(row)}
    for _ in range(60):
        for row in rows:
            wanted = []
            for spot in row:
                wanted.append(_mean([middle[end] for end in _neighbours(spot, edges)]))
            for spot, column in zip(row, _apart(row, wanted), strict=True):
                middle[spot] = column
    for arrow in [*arrows, *arrows]:
        _straighten([edge[1] for edge in arrow[:-1]], middle, rows)
    least = min(middle[spot] - width_of(spot) / 2 for row in rows for spot in row)
    return {spot: column - least + _LEFT for spot, column in middle.items()}


def _straighten(points: Sequence[Spot], middle: dict[Spot, float], rows: Sequence[Sequence[Spot]]) -> None:
    """Move the points of one arrow into as few columns as their neighbours in the rows leave
    them."""
    runs: list[tuple[list[Spot], float, float]] = []
    for point in points:
        (row,) = (row for row in rows if point in row)
        place = row.index(point)
        beside = [_SPACE + (width_of(other) + _WAY) / 2 for other in row]
        low = middle[row[place - 1]] + beside[place - 1] if place else -1e6
        high = middle[row[place + 1]] - beside[place + 1] if place + 1 < len(row) else 1e6
        if runs and max(low, runs[-1][1]) <= min(high, runs[-1][2]):
            run, least, most = runs.pop()
            runs.append(([*run, point], max(low, least), min(high, most)))
        else:
            runs.append(([point], low, high))
    for run, least, most in runs:
        column = min(max(_mean([middle[point] for point in run]), least), most)
        middle.update(dict.fromkeys(run, column))


def _apart(row: Sequence[Spot], wanted: Sequence[float]) -> list[float]:
    """Columns as near to the wanted ones as distances allow: spots that push each other move as one
    block."""
    offsets = [0.0]
    for one, other in itertools.pairwise(row):
        offsets.append(offsets[-1] + (width_of(one) + width_of(other)) / 2 + _SPACE)
    blocks: list[list[float]] = []
    for want, offset in zip(wanted, offsets, strict=True):
        blocks.append([want - offset])
        while len(blocks) > 1 and _mean(blocks[-2]) > _mean(blocks[-1]):
            blocks[-2:] = [blocks[-2] + blocks[-1]]
    starts = [_mean(block) for block in blocks for _ in block]
    return [start + offset for start, offset in zip(starts, offsets, strict=True)]


def _mean(numbers: Sequence[float]) -> float:
    return sum(numbers) / len(numbers)


def width_of(spot: Spot) -> float:
    """Of a box, or of the room that a passing arrow needs."""
    return (2 * _BOX if spot.name == BASE else _BOX) if spot.is_box else _WAY


def drawing() -> str:
    """The picture as SVG, readable on light and on dark paper."""
    graph = drawn_imports()
    rows, arrows = place_rows(graph)
    edges = [edge for arrow in arrows for edge in arrow]
    middle = columns(rows, arrows)
    tops = {row[0].floor: _TOP + _ROW * number for number, row in enumerate(rows)}
    width = max(middle[spot] + width_of(spot) / 2 for row in rows for spot in row) + 20
    height = _TOP + _ROW * len(rows)
    torch = {room(module) for module, path in modules().items() if uses_torch(path)}
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" role="img" '
        'aria-label="The rooms of src/elman and the imports between them">',
        f"<style>{_STYLE}</style>",
        '<rect class="paper" width="100%" height="100%"/>',
    ]
    lines += [f'<text class="floor" x="14" y="{top + 27:.0f}">floor {floor}</text>' for floor, top in tops.items()]
    leaving = _ports(edges, middle, end=0)
    arriving = _ports(edges, middle, end=1)
    for arrow in arrows:
        lines += _arrow(arrow, leaving, arriving, tops)
    for spot in (spot for row in rows for spot in row if spot.is_box):
        lines += _box(spot, middle[spot], tops[spot.floor], torch=spot.name in torch)
    y = height - 24
    lines += [
        f'<rect class="torch" x="{_LEFT:.0f}" y="{y:.0f}" width="14" height="14"/>',
        f'<text x="{_LEFT + 22:.0f}" y="{y + 11:.0f}">has files that need torch; an arrow leads from a room to one '
        "that it imports</text>",
    ]
    return "\n".join([*lines, "</svg>"]) + "\n"


def _ports(edges: Sequence[Edge], middle: dict[Spot, float], *, end: int) -> dict[Edge, float]:
    """Where each piece of an arrow touches one of its ends: side by side along the edge of a
    box."""
    found = {}
    for spot in dict.fromkeys(edge[end] for edge in edges):
        own = sorted((edge for edge in edges if edge[end] == spot), key=lambda edge: middle[edge[1 - end]])
        step = min(26.0, width_of(spot) / (len(own) + 1))
        for number, edge in enumerate(own):
            found[edge] = middle[spot] + step * (number - (len(own) - 1) / 2)
    return found


def _arrow(
    arrow: Sequence[Edge], leaving: dict[Edge, float], arriving: dict[Edge, float], tops: dict[int, float]
) -> list[str]:
    path = ""
    for edge in arrow:
        x, y = leaving[edge], tops[edge[0].floor] + _HEIGHT
        last, bottom = arriving[edge], tops[edge[1].floor] - (5 if edge[1].is_box else 0)
        half = (bottom - y) / 2
        path += f"{'L' if path else 'M'}{x:.1f} {y:.1f}"
        path += f"C{x:.1f} {y + half:.1f} {last:.1f} {bottom - half:.1f} {last:.1f} {bottom:.1f}"
    x, y = arriving[arrow[-1]], tops[arrow[-1][1].floor]
    head = f'<path class="head" d="M{x:.1f} {y:.1f}l-4 -8h8z"/>'
    return [f'<path class="arrow" d="{path}"/>', head]


def _box(spot: Spot, middle: float, top: float, *, torch: bool) -> list[str]:
    width = width_of(spot)
    lines = [
        f'<rect class="{"torch" if torch else "box"}" x="{middle - width / 2:.1f}" y="{top:.1f}" '
        f'width="{width:.0f}" height="{_HEIGHT:.0f}" rx="6"/>'
    ]
    name = ", ".join(spot.name.split())
    says = "files that every room may import" if spot.name == BASE else SAYS[spot.name]
    lines += [
        f'<text class="{kind}" x="{middle:.1f}" y="{top + down:.1f}" text-anchor="middle">{text}</text>'
        for kind, down, text in (("name", 19, name), ("says", 35, says))
    ]
    return lines


def table() -> str:
    """All rooms with what they import, the highest floor first, as Markdown."""
    graph, files = room_imports(), modules()
    counts = {name: sum(room(module) == name for module in files) for name in FLOORS}
    lines = ["| floor | room | what is in it | files | imports from |", "|--:|---|---|--:|---|"]
    for name in sorted(FLOORS, key=lambda name: (-FLOORS[name], name)):
        targets = sorted(graph[name], key=lambda target: (-FLOORS[target], target))
        lines.append(
            f"| {FLOORS[name]} | `{name}` | {SAYS[name]} | {counts[name]} | {', '.join(targets) or 'nothing'} |"
        )
    return "\n".join(lines)


def with_table(page: str) -> str:
    """The page with the table of rooms between its marks."""
    before, rest = page.split(START, 1)
    return f"{before}{START}\n{table()}\n{END}{rest.split(END, 1)[1]}"


if __name__ == "__main__":
    (DOCS / "architecture.svg").write_text(drawing(), encoding="utf-8")
    page = DOCS / "architecture.md"
    page.write_text(with_table(page.read_text(encoding="utf-8")), encoding="utf-8")
