"""Cursor: where in the training data the next batch begins, as a value that a checkpoint keeps."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Cursor:
    """A position in the epochs of the training data."""

    epoch: int = 0
    offset: int = 0
    """What of this epoch has been read already: tokens of each row, or batches of examples."""
