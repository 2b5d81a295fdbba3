"""Scores that need the text of a document, for the first documents of a query: language models,
word vectors."""

from collections.abc import Callable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from elman.apps.ranking.index import Index
from elman.decode.direction import check_forward
from elman.decode.scoring import score_lines
from elman.errors import ModelError
from elman.models.protocol import LanguageModel
from elman.text.normalise import normalise_line, split_lines
from elman.text.speller import Speller

if TYPE_CHECKING:
    from elman.models.word_vectors import WordVectors

Reranker = Callable[[str, Sequence[str]], NDArray[np.float64]]
"""From a query and the texts of documents to their scores."""
MODEL, VECTORS = "model", "vectors"
"""The names of these scores."""
_WORDS = 200
"""Words of a document that a language model reads."""
_SAMPLE = 2000
"""Documents in which what all have in common is looked for."""


class TextModel(Protocol):
    """What ``elman.load`` gives for language models."""

    lm: LanguageModel
    speller: Speller


def query_likelihood(model: TextModel) -> Reranker:
    """The log-probability (nats) of the query after a document's words, by a language model.

    Raises:
        ModelError: the model forgets what it has read at the end of a line, as n-grams do.
    """
    check_forward(model.lm.tokenizer)
    if model.lm.forgets_lines:
        name = model.lm.describe()["name"]
        raise ModelError(
            f"a {name} knows nothing of a document when it reads the query; give a network, or leave it out"
        )

    def score(query: str, texts: Sequence[str]) -> NDArray[np.float64]:
        line = _one_line(query)
        prefixes = [" ".join(_one_line(text).split()[:_WORDS]) + "\n" for text in texts]
        found = score_lines(model.lm, model.speller, [line] * len(texts), prefix=prefixes)
        return np.array([each.log_prob for each in found])

    return score


def vector_similarity(vectors: "WordVectors", index: Index) -> Reranker:
    """The cosine of the query and a document, both weighted means of word vectors
    (``SifDocuments``).

    What all have in common is estimated on documents spread over the index.
    """
    from elman.models.documents import SifDocuments  # which imports numba

    step = max(1, len(index) // _SAMPLE)
    known = SifDocuments(
        vectors, [vectors.split(index.texts[number]) for number in islice(range(0, len(index), step), _SAMPLE)]
    )

    def score(query: str, texts: Sequence[str]) -> NDArray[np.float64]:
        asked = known.vector(vectors.split(query))
        means = np.stack([known.vector(vectors.split(text)) for text in texts])
        lengths = np.linalg.norm(means, axis=1) * np.linalg.norm(asked)
        return np.where(lengths > 0, means @ asked / np.where(lengths > 0, lengths, 1), -np.inf)

    return score


def _one_line(text: str) -> str:
    return " ".join(filter(None, (normalise_line(line).strip() for line in split_lines(text))))
