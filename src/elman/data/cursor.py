"""Cursor: the position of the next batch in the training data, stored in checkpoints."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Cursor:
    """A position in the epochs of the training data."""

    epoch: int = 0
    offset: int = 0
    """Amount of this epoch already read: tokens of each row, or batches of examples."""
