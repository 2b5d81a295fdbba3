"""A layout as lines of text: boxes in brackets, wires of box-drawing characters."""

from elman.explain.layout import Layout

_UP, _DOWN, _LEFT, _RIGHT = 1, 2, 4, 8
_WIRES = {
    _UP: "│", _DOWN: "│", _LEFT: "─", _RIGHT: "─", _UP | _DOWN: "│", _LEFT | _RIGHT: "─",
    _DOWN | _RIGHT: "┌", _DOWN | _LEFT: "┐", _UP | _RIGHT: "└", _UP | _LEFT: "┘",
    _UP | _DOWN | _RIGHT: "├", _UP | _DOWN | _LEFT: "┤", _LEFT | _RIGHT | _DOWN: "┬", _LEFT | _RIGHT | _UP: "┴",
    _UP | _DOWN | _LEFT | _RIGHT: "┼",
}  # fmt: skip
MARGIN = 4
"""Columns to the left, for the names of the lines."""


def draw(layout: Layout) -> list[str]:
    """The drawing, the top first. Where two wires cross without meeting, the upright one is drawn
    through.
    """
    wires: dict[tuple[int, int], dict[str, int]] = {}
    for wire in layout.wires:
        for (column, row), (next_column, next_row) in zip(wire.corners, wire.corners[1:], strict=False):
            _trace(wires, wire.net, (column, row), (next_column, next_row))
    height = layout.height + 1
    cells = [[" "] * (MARGIN + layout.width + 4) for _ in range(height)]
    texts = [(each.left, each.row, each.text) for each in layout.nodes]
    texts += [(each.left, each.row + 1, each.text) for each in layout.outputs]
    covered = {(left + place, row) for left, row, text in texts for place in range(len(text))}
    for (column, row), masks in wires.items():
        if (column, row) not in covered:
            cells[height - 1 - row][MARGIN + column] = _character(list(masks.values()), (column, row))
    for each in layout.outputs:
        cells[height - 1 - each.row][MARGIN + each.column] = "▲"
    texts += [(each.column + 2, each.row + 1, each.name) for each in layout.nodes if each.name]
    texts += [(-MARGIN, row, f"{name} ─".ljust(MARGIN, "─")) for name, row in layout.lines]
    texts += layout.labels
    for left, row, text in texts:
        for place, character in enumerate(text):
            cells[height - 1 - row][MARGIN + left + place] = character
    return ["".join(line).rstrip() for line in cells]


def _trace(
    wires: dict[tuple[int, int], dict[str, int]], net: str, start: tuple[int, int], end: tuple[int, int]
) -> None:
    (column, row), (last_column, last_row) = start, end
    step = ((last_column > column) - (last_column < column), (last_row > row) - (last_row < row))
    ahead = {(1, 0): _RIGHT, (-1, 0): _LEFT, (0, 1): _UP, (0, -1): _DOWN}.get(step, 0)
    behind = {_RIGHT: _LEFT, _LEFT: _RIGHT, _UP: _DOWN, _DOWN: _UP}.get(ahead, 0)
    place = start
    while place != end:
        wires.setdefault(place, {}).setdefault(net, 0)
        wires[place][net] |= ahead
        place = (place[0] + step[0], place[1] + step[1])
        wires.setdefault(place, {}).setdefault(net, 0)
        wires[place][net] |= behind


def _character(masks: list[int], place: tuple[int, int]) -> str:
    if len(masks) == 1:
        return _WIRES[masks[0]]
    assert sorted(masks) == [_UP | _DOWN, _LEFT | _RIGHT], f"two wires meet at {place}"
    return "│"
