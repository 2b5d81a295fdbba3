"""Topic: the content of one page."""

import dataclasses
from collections.abc import Mapping
from functools import cached_property

from elman.cells.cell import Cell, Sizes
from elman.cells.recording import Recorded, record_step
from elman.explain.equations import Equation, equations
from elman.explain.flow import Flow, flow_of
from elman.explain.layout import Layout, lay_out
from elman.models.registry import trainable


@dataclasses.dataclass(frozen=True, kw_only=True)
class Topic:
    """A page."""

    name: str
    title: str = ""
    says: str = ""
    """A paragraph: what it is and why."""
    cell: Cell | None = None
    """The cell whose step gives the equations and the drawing."""
    meanings: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Meanings of the values in its equations, by name."""
    shows: str = ""
    """A worked example, preformatted."""
    remarks: tuple[str, ...] = ()
    papers: tuple[str, ...] = ()
    """Author, year, title."""
    see: tuple[str, ...] = ()
    """Commands that show it, besides the one that trains the cell."""

    @property
    def commands(self) -> list[str]:
        """The commands that this version has."""
        if self.cell is None or self.cell.name not in trainable():
            return list(self.see)
        return [f"elman train my.txt --model {self.cell.name} --minutes 2 --out net", *self.see]

    @property
    def recorded(self) -> Recorded:
        """The cell's step, as a graph."""
        assert self.cell is not None
        return record_step(
            self.cell, Sizes(inputs=8, hidden=8, inner=8, window=self.cell.window or 0, heads=1, direct=True)
        )

    @cached_property
    def equations(self) -> list[Equation]:
        """The cell's equations; none for an idea."""
        return [] if self.cell is None else equations(self.recorded)

    @cached_property
    def flow(self) -> Flow:
        """The cell's graph."""
        return flow_of(self.recorded)

    @cached_property
    def layout(self) -> Layout:
        """The drawing of the cell."""
        return lay_out(self.flow)
