"""Following the wires of a drawing, character by character, gives back what the equations say."""

import pytest
from tests.explain.outside import PEEPHOLE, SRU, random_cell

from elman.cells.cell import Cell, Sizes
from elman.cells.recording import record_step
from elman.cells.registry import CELLS
from elman.explain.drawing import draw
from elman.explain.flow import flow_of
from elman.explain.layout import Layout, lay_out
from elman.explain.page import topic_named

AHEAD = {"up": (-1, 0), "down": (1, 0), "left": (0, -1), "right": (0, 1)}
BACK = {"up": "down", "down": "up", "left": "right", "right": "left"}
OPEN = {
    "│": ("up", "down"), "─": ("left", "right"), "┌": ("down", "right"), "┐": ("down", "left"), "└": ("up", "right"),
    "┘": ("up", "left"), "├": ("up", "down", "right"), "┤": ("up", "down", "left"), "┬": ("left", "right", "down"),
    "┴": ("left", "right", "up"), "┼": ("up", "down", "left", "right"), "▲": ("up", "down"),
}  # fmt: skip


Text = tuple[int, int, str]
"""Row from the top, first column, text."""


def texts_of(layout: Layout) -> tuple[list[Text], list[Text]]:
    """What is written on wires' ends, and what is written beside wires."""
    top = layout.height
    ends = [(top - node.row, node.left + 4, node.text) for node in layout.nodes if node.text]
    ends += [(top - each.row - 1, each.left + 4, each.text) for each in layout.outputs]
    ends += [(top - row, 0, name) for name, row in layout.lines]
    return ends, [(top - node.row - 1, node.column + 6, node.name) for node in layout.nodes if node.name]


def nets(lines: list[str], ends: list[Text]) -> list[set[tuple[Text, str]]]:
    """The wires of a drawing: the texts that each touches with the side on which it does."""
    width = max(map(len, lines))
    grid = [line.ljust(width) for line in lines]
    # A space lies between a line's name and the line.
    texts = {(row, start + place): (row, start, text) for row, start, text in ends
             for place in range(len(text) + (start == 0))}  # fmt: skip

    seen: set[tuple[int, int, str]] = set()
    found_nets = []
    for row in range(len(grid)):
        for column in range(width):
            if grid[row][column] not in OPEN or (row, column) in texts:
                continue
            for side in OPEN[grid[row][column]]:
                if (row, column, side) in seen:
                    continue
                touched, todo = set(), [(row, column, side)]
                while todo:
                    r, c, way = todo.pop()
                    if (r, c, way) in seen:
                        continue
                    seen.add((r, c, way))
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
                found_nets.append(touched)
    return found_nets


@pytest.mark.parametrize("cell", [*CELLS.values(), SRU, PEEPHOLE], ids=lambda cell: cell.name)
def test_the_wires_are_the_step(cell: Cell) -> None:
    lines = wires_are_the_step(cell)
    if cell.name != "transformer":
        assert max(map(len, lines)) <= 77


@pytest.mark.slow
def test_the_wires_of_cells_that_nobody_would_draw() -> None:
    # In 518 two operations are so near each other that a third one has hardly a column between
    # them.
    for seed in (*range(40), 518):
        wires_are_the_step(random_cell(seed))


def wires_are_the_step(cell: Cell) -> list[str]:
    """Follow all wires of a cell's drawing, and give the drawing."""
    sizes = Sizes(inputs=8, hidden=8, inner=6, window=cell.window or 0, direct=True)
    flow = flow_of(record_step(cell, sizes))
    layout = lay_out(flow)
    lines = draw(layout)
    ends, beside = texts_of(layout)
    for row, start, text in (*ends, *beside):
        assert lines[row][start : start + len(text)] == text
        assert (lines[row] + " ")[start + len(text)] not in "│├", f"{text} is written up to a wire"

    def text_at(number: int) -> Text:
        node = layout.nodes[number]
        return (layout.height - node.row, node.left + 4, node.text)

    drawn = set()
    for touched in nets(lines, ends):
        # A wire leaves the one text that it touches from above (so going down), or the line's name
        # at the left.
        sources = {text for text, way in touched if way == "down" or (way == "left" and text[1] == 0)}
        assert len(sources) == 1, touched
        (source,) = sources
        drawn |= {(source, text) for text, _ in touched if text != source}
    expected = set()
    lines_at = {name: (layout.height - row, 0, name) for name, row in layout.lines}

    def start_of(number: int) -> Text:
        node = flow.nodes[number]
        return lines_at[node.label] if node.origin and node.label in lines_at else text_at(number)

    for number, node in enumerate(flow.nodes):
        expected |= {(start_of(source), text_at(number)) for source in node.inputs}
        expected |= {(lines_at[tap], text_at(number)) for tap in node.taps}
    for (number, text), each in zip(flow.outputs.items(), layout.outputs, strict=True):
        assert text == each.text
        expected.add((start_of(number), (0, each.left + 4, each.text)))
    assert drawn == expected
    return lines


def test_the_flow_is_that_of_the_lstm() -> None:
    """By hand: c is (f * c + i * g), h is o * tanh(c)."""
    flow = topic_named("lstm").flow
    names = [node.name or node.label for node in flow.nodes]
    edges = {(names[source], names[number]) for number, node in enumerate(flow.nodes) for source in node.inputs}
    assert edges == {
        ("f", "×"), ("cₜ₋₁", "×"), ("i", "×"), ("g", "×"), ("×", "c"), ("c", "tanh"), ("o", "h"), ("tanh", "h"),
    }  # fmt: skip
    assert [node.taps for node in flow.nodes if node.weighted] == [("xₜ", "hₜ₋₁")] * 4
    assert [flow.nodes[number].name for number in flow.outputs] == ["h", "c"]
    assert list(flow.outputs.values()) == ["hₜ", "cₜ"] and flow.lines == ["hₜ₋₁", "xₜ"]


@pytest.mark.slow
def test_which_value_comes_first_is_said() -> None:
    """A difference whose first value stands on the right says so, and one of two named values names
    them.
    """
    flow = topic_named("minlstm").flow
    assert {node.label for node in flow.nodes if "÷" in node.label} == {"f÷s", "i÷s"}
    layout = topic_named("transformer").layout
    columns = {node.text: node.column for node in layout.nodes}
    assert {"(63−relu(62−read))", "(relu(lag−0.5−read))", "(gate×σ(gate))"} <= set(columns)
    said = "(−)" if columns["(second×cos)"] < columns["(first×sin)"] else "(right−left)"
    assert said in columns
