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
    """The lines of the drawing from the top. Where two wires cross, the vertical one is drawn
    through.
    """
    wires: dict[tuple[int, int], dict[str, int]] = {}
    for wire in layout.wires:
        for (column, row), (next_column, next_row) in zip(wire.corners, wire.corners[1:], strict=False):
            _trace(wires, wire.net, (column, row), (next_column, next_row))
    height = layout.height + 1
    cells = [[" "] * (MARGIN + layout.width + 4) for _ in range(height)]
    texts = [(node.left, node.row, node.text) for node in layout.nodes]
    texts += [(node.left, node.row + 1, node.text) for node in layout.outputs]
    covered = {(left + offset, row) for left, row, text in texts for offset in range(len(text))}
    for (column, row), masks in wires.items():
        if (column, row) not in covered:
            cells[height - 1 - row][MARGIN + column] = _character(list(masks.values()), (column, row))
    for node in layout.outputs:
        cells[height - 1 - node.row][MARGIN + node.column] = "▲"
    texts += [(node.column + 2, node.row + 1, node.name) for node in layout.nodes if node.name]
    texts += [(-MARGIN, row, f"{name} ─".ljust(MARGIN, "─")) for name, row in layout.lines]
    texts += layout.labels
    for left, row, text in texts:
        for offset, character in enumerate(text):
            cells[height - 1 - row][MARGIN + left + offset] = character
    return ["".join(line).rstrip() for line in cells]


def _trace(
    wires: dict[tuple[int, int], dict[str, int]], net: str, start: tuple[int, int], end: tuple[int, int]
) -> None:
    (column, row), (last_column, last_row) = start, end
    step = ((last_column > column) - (last_column < column), (last_row > row) - (last_row < row))
    ahead = {(1, 0): _RIGHT, (-1, 0): _LEFT, (0, 1): _UP, (0, -1): _DOWN}.get(step, 0)
    behind = {_RIGHT: _LEFT, _LEFT: _RIGHT, _UP: _DOWN, _DOWN: _UP}.get(ahead, 0)
    point = start
    while point != end:
        wires.setdefault(point, {}).setdefault(net, 0)
        wires[point][net] |= ahead
        point = (point[0] + step[0], point[1] + step[1])
        wires.setdefault(point, {}).setdefault(net, 0)
        wires[point][net] |= behind


def _character(masks: list[int], point: tuple[int, int]) -> str:
    if len(masks) == 1:
        return _WIRES[masks[0]]
    assert sorted(masks) == [_UP | _DOWN, _LEFT | _RIGHT], f"two wires meet at {point}"
    return "│"
