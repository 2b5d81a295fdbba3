"""Classifiers begin with word vectors that elman trained."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import elman
from elman.progress import Progress
from elman.storage import folder as model_folder


class Talk(Progress):
    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, message: str) -> None:
        self.said.append(message)


@pytest.mark.parametrize("model", ["ppmi", "fasttext"])
def test_embeddings_begin_as_vectors_of_a_folder(
    model: str, text_file: Path, reviews_file: Path, tmp_path: Path
) -> None:
    more: dict[str, Any] = {"epochs": 1} if model == "fasttext" else {}
    vectors = elman.train(text_file, task="vectors", model=model, dimensions=6, out=tmp_path / "v", threads=1, **more)
    talk = Talk()
    elman.train(
        reviews_file, task="classify", vectors=str(tmp_path / "v"), out=tmp_path / "c", updates=1, rate=1e-9, threads=1,
        rival=False, hidden_size=4, progress=talk,
    )  # fmt: skip
    table = model_folder.read_arrays(tmp_path / "c" / "model.safetensors")
    (embedding,) = (array for name, array in table.items() if "embedding" in name and array.ndim == 2)
    words = [token.strip() for token in elman.load(tmp_path / "c").tokenizer.tokens]
    known = [word for word in words if vectors.has_vector(word)]
    assert any(f"vectors: {len(known)} of {len(words)}" in line for line in talk.said), talk.said
    # Scaled alike, and words that no example has are there too.
    scale = np.linalg.norm(embedding[words.index(known[0])]) / np.linalg.norm(vectors[known[0]])
    for word in known:
        np.testing.assert_allclose(embedding[words.index(word)], scale * vectors[word], atol=1e-3)
    assert {*vectors.words} <= {*words}
    assert known and any(word not in vectors for word in known) == (model == "fasttext")
