"""The input vectors of a network's types."""

import numpy as np
import torch
from numpy.typing import NDArray

from elman.errors import ModelError
from elman.models.neural import Network
from elman.nn.embedding import OneHot


def embedding_table(network: Network, vocab_size: int) -> NDArray[np.float32]:
    """The input vector of each type, ``[V, E]``.

    Raises:
        ModelError: the input is one-hot vectors.
    """
    if isinstance(network.embedding, OneHot):
        raise ModelError("this network reads types as one-hot vectors, which are not embeddings")
    with torch.inference_mode():
        return network.embedding(torch.arange(vocab_size)[None], None)[0].numpy()
