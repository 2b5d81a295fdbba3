"""The configuration of a dual encoder of messages and replies, without the torch that trains it."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.models.encoder_config import EncoderConfig
from elman.models.stack_config import check_size

SIDES = ("message", "reply")


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReplyConfig(EncoderConfig):
    """Shape of a dual encoder."""

    embedding_size: int = 48
    hidden_size: int = 48
    bidirectional: bool = False
    bag: bool = True
    vector_size: int = 256
    """Size of the vector of a message and of that of a reply."""
    max_tokens: int = 120
    """Most tokens read of a message with the turns before it, from the end; and of a reply, from
    its start."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_size("vector_size", self.vector_size)
        self.require("max_tokens", 8 <= self.max_tokens <= 1 << 20, "at least 8 and at most a million")


def engine_arrays(arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The weights of a trained dual encoder as the engine's encoder has them: the vectors of words
    and the matrices of both sides become one table, ``bag.weight[V + 1, 2 D]``.

    >>> trained = {"words.weight": np.ones((3, 2)), "sides.message.weight": np.eye(2), "sides.reply.weight": np.eye(2)}
    >>> {name: array.shape for name, array in engine_arrays(trained).items()}
    {'bag.weight': (3, 4)}
    """
    kept = {name: array for name, array in arrays.items() if name.split(".")[0] not in ("words", "sides")}
    if "words.weight" not in arrays:
        return kept
    words = arrays["words.weight"]
    return {**kept, "bag.weight": np.concatenate([words @ arrays[f"sides.{side}.weight"].T for side in SIDES], axis=1)}
