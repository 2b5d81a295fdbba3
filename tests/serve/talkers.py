"""A model of replies that knows three subjects by their words."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.text.tokenizer import Tokenizer, TokenizerConfig

SUBJECTS = {"tea": 0, "milk": 0, "sugar": 0, "train": 1, "late": 1, "station": 1, "eat": 2, "six": 2, "hungry": 2}


class Talker:
    """Stands for a ``ReplyModel``: vectors say how often each subject is in a text, those of
    earlier turns by half."""

    temperature = 0.5
    model_hash = "talker"
    replies = (
        "With milk, please.",
        "No sugar for me.",
        "It is late again.",
        "At six.",
        "write to ann@example.org, six",
    )

    def __init__(self) -> None:
        self.tokenizer = Tokenizer.fit(["tea"], config=TokenizerConfig(level="word", min_count=1))
        self.asked: list[Sequence[str]] = []

    def message_vectors(self, conversations: Sequence[Sequence[str]]) -> NDArray[np.float32]:
        self.asked += conversations
        rows = [
            sum(0.5 ** (len(turns) - at) * counts(turn) for at, turn in enumerate(turns)) for turns in conversations
        ]
        return _unit(np.array(rows))

    def reply_vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return _unit(np.array([counts(text) for text in texts]))

    def describe(self) -> dict[str, Any]:
        return {"name": "talker"}


def counts(text: str) -> NDArray[np.float64]:
    """How many words of each subject a text has, and how long it is."""
    words = text.lower().replace("?", "").replace(".", "").replace(",", "").split()
    found = np.array([0.0, 0, 0, 0.1 + 0.01 * len(text)])
    for word in words:
        if word in SUBJECTS:
            found[SUBJECTS[word]] += 1
    return found


def _unit(rows: NDArray[np.float64]) -> NDArray[np.float32]:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
