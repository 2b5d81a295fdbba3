"""OutcomeBatch: rows of columns as an outcome network reads them, in torch or not."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class OutcomeBatch(NamedTuple):
    """B rows, in the order of their times."""

    ids: NDArray[np.int64]
    """``[B, C]``."""
    numbers: NDArray[np.float32]
    """``[B, M]``."""
    targets: NDArray[np.int64]
    """``[B]``; -1 for a row that only asks and updates nothing."""
    after: NDArray[np.float32]
    """``[B, A]``."""
    entities: NDArray[np.int64]
    """``[B, R]``, rows of the states."""
    gaps: NDArray[np.float32]
    """``[B, R, 2]``."""
    levels: tuple[tuple[NDArray[np.int64], ...], ...] = ()
    """Of each level its rounds: rows that update together, all of which are predicted before."""
    fresh: bool = False
    """Whether the states are those of entities without rows."""
