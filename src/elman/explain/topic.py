"""One topic: what its page says, shows and points to."""

import dataclasses
from functools import cached_property
from typing import NamedTuple

from elman.explain.equations import parse
from elman.explain.flow import Flow, flow_of
from elman.explain.layout import Layout, lay_out
from elman.models.registry import trainable


class Line(NamedTuple):
    """An equation and what it means."""

    equation: str
    meaning: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cell:
    """What a cell computes in one step; order, names and flows are those of its equations."""

    lines: tuple[Line, ...]
    """Equations, read downwards."""
    state: tuple[str, ...] = ("h",)
    """What it carries from step to step."""
    outputs: tuple[str, ...] = ("h",)
    """What leaves it."""
    order: tuple[str | int, ...]
    """The products and old values of the drawing from left to right; a number widens a gap by so many columns."""

    @cached_property
    def flow(self) -> Flow:
        """The graph of the equations."""
        equations = [parse(line.equation) for line in self.lines]
        return flow_of(equations, inputs=("x", *self.state), outputs=self.outputs)

    @property
    def layout(self) -> Layout:
        """The drawing's places."""
        tapped = {tap for node in self.flow.nodes for tap in node.taps}
        return lay_out(self.flow, lines=[name for name in ("h", "x") if name in tapped], order=self.order)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Topic:
    """A page."""

    name: str
    title: str
    says: str
    """A paragraph: what it is and why."""
    cell: Cell | None = None
    shows: str = ""
    """Equations or a worked example, as they stand."""
    remarks: tuple[str, ...] = ()
    papers: tuple[str, ...] = ()
    """Author, year, title."""
    see: tuple[str, ...] = ()
    """Commands that show it."""
    model: str = ""
    """The registry's name of what can be trained, where the commands above do not say so."""

    @property
    def commands(self) -> list[str]:
        """The commands that this version has."""
        trained = (
            [f"elman train my.txt --model {self.model} --minutes 2 --out net"] if self.model in trainable() else []
        )
        return [*trained, *self.see]
