"""Hash and summary of a network."""

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.models.network_config import NeuralConfig
from elman.models.softmax_clusters import ENDS, RANKS
from elman.text.tokenizer import Tokenizer

Arrays = Mapping[str, NDArray[Any]]


def weights_hash(config: NeuralConfig, tokenizer: Tokenizer, arrays: Arrays) -> str:
    """Hex digest of configuration, vocabulary and weights."""
    seen = "".join(f"|{name} {value}" for name, value in config.options.items())
    digest = hashlib.sha256(f"{config}{seen}|{tokenizer.hash}".encode())
    for name, array in sorted(arrays.items()):
        digest.update(name.encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def describe_network(config: NeuralConfig, arrays: Arrays) -> dict[str, Any]:
    """Name, number of parameters, and sizes in words."""
    parameters = sum(array.size for name, array in arrays.items() if name not in (RANKS, ENDS))
    return {"name": config.cell, "parameters": parameters, "size": size_in_words(config)}


def size_in_words(config: NeuralConfig) -> str:
    """The layers, the embedding and the output of a network, for people."""
    below = "one-hot" if config.input == "one-hot" else f"embedding {config.embedding_size}"
    size = f"{config.layers_in_words}, {below}"
    size += f", window {config.seen}" if config.seen else ""
    size += ", tied" if config.tied else ""
    return size if config.softmax == "full" else f"{size}, {config.softmax} softmax"
