"""Small word vectors: the points of a compass."""

import numpy as np

from elman.data.vocabulary import Vocabulary
from elman.models.vectors.config import VectorsConfig
from elman.tasks.vectors.model import TrainedVectors

WORDS = ["north", "east", "northeast", "south", "sud-est", "55501234567"]
ROWS = [[0, 2], [1, 0], [3, 3], [0, -1], [2, -2], [0.1, 1]]


def compass() -> TrainedVectors:
    config = VectorsConfig.of("ppmi", {"dimensions": 2, "lowercase": True})
    return TrainedVectors(Vocabulary(WORDS, [1] * 6), np.array(ROWS, np.float32), config)
