"""The configuration of an outcome network, without the torch that trains it."""

import dataclasses
from typing import Literal

from elman.config import Config
from elman.errors import UsageError
from elman.models.stack_config import StackConfig, check_size


@dataclasses.dataclass(frozen=True, kw_only=True)
class OutcomeConfig(StackConfig):
    """Shape of a network from the columns of a row to the probabilities of its outcomes.

    >>> OutcomeConfig(hidden_size=8).top_size
    8
    """

    cell: str = "lstm"
    """With --entities: the recurrent cell that updates an entity's state, or another kind of
    layer."""
    layers: int = 1
    embedding_size: int = 16
    """Size of the embedding of a category, and of what an update reads (E)."""
    hidden_size: int = 32
    """Size of an entity's state (H)."""
    dense_size: int = 64
    """Units of a layer between columns and outcomes."""
    dense_layers: int = 1
    """How many such layers; the columns also reach the outcomes directly."""
    skip: bool = True
    input: Literal["learned"] = "learned"
    """Learned embeddings."""
    window: int | None = None
    """Context length of window layers, in rows of an entity."""
    heads: int | None = None
    """Heads of a transformer's attention."""
    projection: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_stack()
        check_size("dense_size", self.dense_size)
        self.require("dense_layers", 0 <= self.dense_layers <= 16, "from 0 to 16")
        if self.projection:
            raise UsageError("projection does not apply to outcome; leave it out", field="projection")


@dataclasses.dataclass(frozen=True, kw_only=True)
class OutcomeSizes(Config):
    """Sizes that follow from the data."""

    tables: list[int]
    """Ids of each table of categories, the unknown value included."""
    columns: list[int]
    """The table of each column of categories (C)."""
    numbers: int
    """Numbers of a row (M)."""
    outcomes: int
    """K."""
    roles: int = 0
    """Columns that name entities (R)."""
    after: int = 0
    """Numbers that are known when the outcome is (A)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        whole = [*self.tables, *self.columns, self.numbers, self.outcomes, self.roles, self.after]
        good = all(type(size) is int and 0 <= size <= 1 << 20 for size in whole)
        if not good or self.outcomes < 2 or any(column >= len(self.tables) for column in self.columns):
            raise UsageError("the sizes of the columns are out of bounds")
        if not self.columns and not self.numbers and not self.roles:
            raise UsageError("there is no column to predict from; name some with --features")


GAPS = 2
"""Numbers of an entity besides its state: how long ago its last row was, and how many it had."""
