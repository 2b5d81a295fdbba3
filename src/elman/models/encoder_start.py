"""An encoder's embedding and forward layers, taken from a language model."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.models.encoder_config import EncoderConfig
from elman.models.network_config import NeuralConfig
from elman.models.softmax_clusters import read_clusters
from elman.nn.clusters import Clusters

Arrays = Mapping[str, NDArray[Any]]
_STACK = "stack."


def arrays_from_language_model(
    arrays: Arrays, config: NeuralConfig, encoder: EncoderConfig
) -> dict[str, NDArray[np.float32]]:
    """The weights that an encoder can take from a language model: the embedding and the forward
    layers.

    Both must have the same vocabulary. Other weights (the backward layers, the output) keep their
    initial values: ``Encoder.begin(arrays=...)``.

    Args:
        arrays: the language model's weights by name.
        config: its configuration.
        encoder: the encoder's configuration (``EncoderConfig.from_language_model``).

    Raises:
        UsageError: layers of another shape.
        FolderError: the clusters of an adaptive softmax are invalid.

    >>> lm = NeuralConfig(cell="rnn", layers=1, embedding_size=2, hidden_size=2)
    >>> arrays = {"embedding.weight": np.zeros((5, 2)), "stack.layers.0.bias_ih": np.ones(2)}
    >>> list(arrays_from_language_model(arrays, lm, EncoderConfig.from_language_model(lm)))
    ['embedding.weight', 'forward.layers.0.bias_ih']
    """
    encoder.check_language_model(config)
    embedding = {} if config.input == "one-hot" else {"embedding.weight": _dense(arrays, config)}
    stack = {f"forward.{name.removeprefix(_STACK)}": array for name, array in arrays.items() if name.startswith(_STACK)}
    return {**embedding, **stack}


def _dense(arrays: Arrays, config: NeuralConfig) -> NDArray[np.float32]:
    """The embeddings as one table ``[V + 1, E]``."""
    if not (config.softmax == "adaptive" and config.tied):
        return arrays["embedding.weight"]
    clusters = read_clusters(config, len(arrays["output.bias"]), arrays)
    assert clusters is not None
    return _from_clusters(arrays, clusters)


def _from_clusters(arrays: Arrays, clusters: Clusters) -> NDArray[np.float32]:
    head = arrays["embedding.table0"]
    tails = [
        arrays[f"embedding.table{number}"] @ arrays[f"embedding.projection{number}"]
        for number in range(1, len(clusters.ends))
    ]
    # The row of `<s>` comes after those of the head's types.
    by_rank, start = np.concatenate([head[:-1], *tails]), head[-1:]
    return np.concatenate([by_rank[clusters.ranks], start])
