"""Following the wires of a drawing, character by character, gives back what the equations say."""

import re

import pytest

from elman.explain.cells import CELLS
from elman.explain.drawing import draw
from elman.explain.topic import Topic

AHEAD = {"up": (-1, 0), "down": (1, 0), "left": (0, -1), "right": (0, 1)}
BACK = {"up": "down", "down": "up", "left": "right", "right": "left"}
OPEN = {
    "│": ("up", "down"), "─": ("left", "right"), "┌": ("down", "right"), "┐": ("down", "left"), "└": ("up", "right"),
    "┘": ("up", "left"), "├": ("up", "down", "right"), "┤": ("up", "down", "left"), "┬": ("left", "right", "down"),
    "┴": ("left", "right", "up"), "┼": ("up", "down", "left", "right"), "▲": ("up", "down"),
}  # fmt: skip


def nets(lines: list[str]) -> list[tuple[set[tuple[int, int]], set[tuple[str, str]]]]:
    """The wires of a drawing: their cells, and the texts that they touch with the side on which they do."""
    width = max(map(len, lines))
    grid = [re.sub(r"^(\w) ──", r"\1───", line).ljust(width) for line in lines]
    texts = {}
    for row, line in enumerate(grid):
        for found in re.finditer(r"\[[^\]]+\]|\((?:[^()]|\([^()]*\))+\)|[a-z]\d?(?:\.\.w1)?(?=[\s─]|$)", line):
            for column in range(*found.span()):
                texts[row, column] = (row, found.start(), found.group())

    seen: set[tuple[int, int, str]] = set()
    found_nets = []
    for row in range(len(grid)):
        for column in range(width):
            if grid[row][column] not in OPEN or (row, column) in texts:
                continue
            for side in OPEN[grid[row][column]]:
                if (row, column, side) in seen:
                    continue
                cells, touched, todo = set(), set(), [(row, column, side)]
                while todo:
                    r, c, way = todo.pop()
                    if (r, c, way) in seen:
                        continue
                    seen.add((r, c, way))
                    cells.add((r, c))
                    todo += [(r, c, other) for other in OPEN[grid[r][c]]]
                    nr, nc = r + AHEAD[way][0], c + AHEAD[way][1]
                    if not (0 <= nr < len(grid) and 0 <= nc < width):
                        continue
                    if (nr, nc) in texts:
                        touched.add((texts[nr, nc], way))
                    elif grid[nr][nc] in OPEN:
                        if BACK[way] in OPEN[grid[nr][nc]]:
                            todo.append((nr, nc, BACK[way]))
                        else:  # a bridge: run on behind it
                            assert way in ("left", "right") and grid[nr][nc] == "│"
                            while grid[nr][nc] == "│":
                                nr, nc = nr + AHEAD[way][0], nc + AHEAD[way][1]
                            assert BACK[way] in OPEN[grid[nr][nc]]
                            todo.append((nr, nc, BACK[way]))
                found_nets.append((cells, touched))
    return found_nets


@pytest.mark.parametrize("topic", CELLS, ids=lambda topic: topic.name)
def test_the_wires_are_the_equations(topic: Topic) -> None:
    assert topic.cell is not None
    layout, flow = topic.cell.layout, topic.cell.flow
    lines = draw(layout)
    top = layout.height

    def text_at(number: int) -> tuple[int, int, str]:
        node = layout.nodes[number]
        return (top - node.row, node.left + 4, node.text)

    drawn = set()
    for _, touched in nets(lines):
        # A wire leaves the one text that it touches from above (so going down), or the line's name at the left.
        sources = {text for text, way in touched if way == "down" or (way == "left" and text[1] == 0)}
        assert len(sources) == 1, touched
        (source,) = sources
        drawn |= {(source, text) for text, way in touched if text != source}
    expected = set()
    lines_at = {name: (top - row, 0, name) for name, row in layout.lines}
    for number, node in enumerate(flow.nodes):
        for source in node.inputs:
            tapped = flow.nodes[source].origin and flow.nodes[source].label in lines_at
            start = lines_at[flow.nodes[source].label] if tapped else text_at(source)
            expected.add((start, text_at(number)))
        expected |= {(lines_at[tap], text_at(number)) for tap in node.taps}
    for each in layout.outputs:
        expected.add((text_at(flow.outputs[each.text]), (0, each.left + 4, each.text)))
    assert drawn == expected


def test_the_flow_is_that_of_the_lstm() -> None:
    """By hand: c is (f * c + i * g), h is o * tanh(c)."""
    flow = next(topic for topic in CELLS if topic.name == "lstm").cell.flow  # type: ignore[union-attr]
    names = [node.name or node.label for node in flow.nodes]
    edges = {(names[source], names[number]) for number, node in enumerate(flow.nodes) for source in node.inputs}
    assert edges == {
        ("f", "×"), ("c", "×"), ("i", "×"), ("g", "×"), ("×", "c"), ("c", "tanh"), ("o", "h"), ("tanh", "h"),
    }  # fmt: skip
    assert [node.taps for node in flow.nodes if node.weighted] == [("x", "h")] * 4
