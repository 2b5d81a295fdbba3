"""A layout as a picture, PNG or SVG: nodes with weights are blue, others orange (safe for
colour-blind readers).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from elman.errors import UsageError
from elman.explain.layout import Layout, Placed
from elman.report.style import INK, drawn

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLUMN, _ROW = 0.115, 0.27
"""Inches of a column and of a row."""
_WEIGHTED, _PLAIN = "#0072b2", "#e69f00"
_LIGHT_AND_DARK = (
    "<style>:root { color: #1b1d1f; } .paper { fill: #fff; } @media (prefers-color-scheme: dark) "
    '{ :root { color: #e6e8ea; } .paper { fill: #16181a; } }</style><rect class="paper" width="100%" height="100%"/>'
)


def kind_of_file(path: Path) -> str:
    """The kind of picture of a file name.

    Raises:
        UsageError: neither .svg nor .png.
    """
    kind = path.suffix.lower().removeprefix(".")
    if kind not in ("svg", "png"):
        raise UsageError(f"--out is {str(path)!r}; a drawing is written as .svg or .png: try --out {path.stem}.svg")
    return kind


def picture(layouts: Sequence[Layout], *, title: str, kind: str) -> bytes:
    """The bytes of a picture of drawings one below the other, with ``title`` above them; an SVG has
    backgrounds for light and dark mode.
    """
    width = max(_width(layout) for layout in layouts)
    spare = max(0.0, (len(title) - width - 6) / 2)
    files = drawn(
        "drawing",
        lambda figure: _draw_all(figure, layouts, title, width=width, spare=spare),
        width=(width + 2 * spare + 6) * _COLUMN + 0.3,
        height=sum(layout.height + 2 for layout in layouts) * _ROW + 0.4,
        kinds=(kind,),
    )
    if kind == "png":
        return files["drawing.png"]
    text = files["drawing.svg"].decode().replace(INK, "currentColor")
    start = text.index(">", text.index("<svg")) + 1
    return (text[:start] + _LIGHT_AND_DARK + text[start:]).encode()


def _width(layout: Layout) -> int:
    """Columns of a drawing with its labels."""
    return max([layout.width, *(column + len(text) - 1 for column, _, text in layout.labels)])


def _draw_all(figure: "Figure", layouts: Sequence[Layout], title: str, *, width: int, spare: float) -> None:
    heights = [layout.height + 2 for layout in layouts]
    panels = figure.subplots(len(layouts), 1, squeeze=False, height_ratios=heights)[:, 0]
    figure.suptitle(title, color=INK, fontsize=9.5)
    for axes, layout in zip(panels, layouts, strict=True):
        axes.set(xlim=(-4.5 - spare, width + 1.5 + spare), ylim=(-0.8, layout.height + 1))
        axes.axis("off")
        _draw(axes, layout)


def _draw(axes: "Axes", layout: Layout) -> None:
    for wire in layout.wires:
        axes.plot(*zip(*wire.corners, strict=True), color=INK, lw=1.2, zorder=1, solid_capstyle="round")
    for column, row in _junctions(layout):
        axes.plot([column], [row], "o", color=INK, ms=3.2, zorder=2)
    for node in layout.nodes:
        _node(axes, node)
        if node.name:
            axes.text(node.column + 0.8, node.row + 1, node.name, fontsize=9, style="italic", va="center", color=INK)
    for each in layout.outputs:
        axes.plot([each.column], [each.row - 0.1], "^", color=INK, ms=5, zorder=2)
        axes.text(each.column, each.row + 1, each.text, fontsize=9, ha="center", va="center", color=INK)
    for name, row in layout.lines:
        axes.text(-0.7, row, name, fontsize=9, style="italic", ha="right", va="center", color=INK)
    for column, row, text in layout.labels:
        beside = column < 0  # a row's name, not a word upon a wire
        axes.text(
            column, row + (0 if beside else 0.08), text, fontsize=8, va="center" if beside else "bottom", color=INK
        )


def _node(axes: "Axes", node: Placed) -> None:
    from matplotlib.patches import FancyBboxPatch

    text = node.text[1:-1] if node.text[:1] in "[(" and len(node.text) > 2 else node.text
    if not text:
        return
    if text == node.text:
        # A value from the step before: only its name, with the wire above it.
        axes.text(node.column, node.row - 0.35, text, fontsize=9, style="italic", ha="center", va="center", color=INK)
        return
    # As wide as its text on a terminal, since wires end at its edges.
    half = len(node.text) / 2
    colour = _WEIGHTED if node.weighted else _PLAIN
    rounding = 0 if node.weighted else 0.5
    box = FancyBboxPatch(
        (node.column - half + rounding, node.row - 0.46),
        2 * (half - rounding),
        0.92,
        boxstyle="square,pad=0" if node.weighted else f"round,pad=0,rounding_size={rounding}",
        mutation_aspect=1,
        facecolor=colour,
        edgecolor="none",
        zorder=3,
    )
    axes.add_patch(box)
    ink = "#ffffff" if node.weighted else "#000000"
    axes.text(node.column, node.row, text, fontsize=9, ha="center", va="center_baseline", color=ink, zorder=4)


def _junctions(layout: Layout) -> list[tuple[int, int]]:
    """The points where a wire branches, except under nodes."""
    ways: dict[tuple[str, int, int], set[tuple[int, int]]] = {}
    for wire in layout.wires:
        for (column, row), (last, top) in zip(wire.corners, wire.corners[1:], strict=False):
            step = ((last > column) - (last < column), (top > row) - (top < row))
            count = max(abs(last - column), abs(top - row))
            for distance in range(count + 1):
                here = ways.setdefault((wire.net, column + distance * step[0], row + distance * step[1]), set())
                here |= {step} if distance < count else set()
                here |= {(-step[0], -step[1])} if distance else set()
    texts = {(node.column, node.row) for node in layout.nodes if node.text}
    return [(column, row) for (_, column, row), met in ways.items() if len(met) > 2 and (column, row) not in texts]
