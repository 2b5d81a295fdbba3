"""The letters of every shape, and the array aliases that docstrings use.

    B  batch (rows)          T  time (tokens of a chunk)     V  types the model can predict
    E  embedding size        H  hidden size                  L  layers

Batch comes first: ``x[B, T, E]``. Probabilities are natural logarithms ("nats") everywhere but in
ARPA files. Arrays that cross a LanguageModel's border are NumPy: token ids int64, log-probabilities
float32. V counts `</s>` and `<unk>`; `<s>` and padding are not types and have no id below V.
"""

import numpy as np
from numpy.typing import NDArray

TokenIds = NDArray[np.int64]
"""Token ids, ``[B]`` or ``[B, T]``, each in ``0 .. V-1``."""

LogProbs = NDArray[np.float32]
"""Natural log-probabilities, ``[B, V]`` or ``[B, T]``."""

Lengths = NDArray[np.int64]
"""How many of T positions are real in each row, ``[B]``."""
