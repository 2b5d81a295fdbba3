"""Summaries made of a text's own sentences: the most central ones, none that says again what
another says.

The centrality of a sentence is that of LexRank (Erkan and Radev 2004): the stationary probability
of a walk that goes from sentence to sentence as they are alike, and with probability 0.15 to any.
Sentences are then taken by maximal marginal relevance (Carbonell and Goldstein 1998), and shown in
their order.
"""

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.config import Config
from elman.decode.words import runs
from elman.errors import TextError, UsageError
from elman.text.casing import fold
from elman.text.sentences import sentence_spans

Matrix = NDArray[np.float64]
SentenceVectors = Callable[[Sequence[str]], NDArray[Any]]
"""From sentences to their vectors ``[N, D]``."""
_DAMPING = 0.85
_TOLERANCE = 1e-9
_MOST = 4000
_FEWEST_WORDS = 4
"""Titles and exclamations with fewer words are taken only where there is nothing else."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class SummaryConfig(Config):
    """How long a summary is, and how sentences are chosen.

    >>> SummaryConfig(words=100).sentences is None
    True
    """

    sentences: int | None = None
    """Sentences of the summary (default 3)."""
    words: int | None = None
    """Or: most words of the summary; it has at least one sentence."""
    diversity: float = 0.3
    """What a sentence loses for being like those already taken, from 0 to 1."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.sentences is not None and self.words is not None:
            raise UsageError("sentences and words both say how long a summary is; give one of them", field="sentences")
        for name in ("sentences", "words"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise UsageError.of(name, value, "at least 1")
        self.require("diversity", 0 <= self.diversity <= 1, "from 0 to 1")


class SummarySentence(NamedTuple):
    """A sentence of a summary."""

    text: str
    start: int
    """Its first character in the text."""
    end: int
    """The character after its last."""
    centrality: float
    """Its share of all centrality; the shares of all sentences sum to 1."""

    def to_json(self) -> dict[str, Any]:
        return {**self._asdict(), "centrality": round(self.centrality, 6)}


def summarize(text: str, *, vectors: SentenceVectors | None = None, **settings: Any) -> list[SummarySentence]:
    """The most central sentences of a text, in their order.

    Args:
        vectors: gives sentences vectors; by default TF-IDF of the sentences themselves.
        settings: fields of ``SummaryConfig``, such as ``sentences=5`` or ``words=100``.

    Raises:
        UsageError: settings that do not fit.
        TextError: no sentence, or more than 4,000.

    >>> import elman
    >>> text = "The mill stood by the river. The river drove the mill. Anna laughed. The river and the mill were old."
    >>> [each.text for each in elman.summarize(text, sentences=1)]
    ['The river drove the mill.']
    """
    config = SummaryConfig.from_json(settings)
    spans = spans_of(text)
    sentences = [text[start:end] for start, end in spans]
    alike = likeness(sentences, vectors)
    central = centrality(alike)
    order = by_relevance(central, alike, config.diversity)
    order = [place for place in order if len(words_of(sentences[place])) >= _FEWEST_WORDS] or order
    return [
        SummarySentence(sentences[place], *spans[place], float(central[place]))
        for place in sorted(within(order, sentences, config))
    ]


def spans_of(text: str) -> list[tuple[int, int]]:
    """The sentences of a text that have words.

    Raises:
        TextError: none, or more than can be compared.
    """
    spans = [(start, end) for start, end in sentence_spans(text) if words_of(text[start:end])]
    if not spans:
        raise TextError("there is no sentence to take; give a text with words")
    if len(spans) > _MOST:
        raise TextError(
            f"the text has {len(spans):,} sentences, at most {_MOST:,} are compared; give a chapter at a time"
        )
    return spans


def likeness(sentences: Sequence[str], vectors: SentenceVectors | None = None) -> Matrix:
    """The cosines of sentences ``[N, N]``, none below 0."""
    if vectors is not None:
        rows = np.asarray(vectors(sentences), np.float64)
        rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
        return np.maximum(rows @ rows.T, 0.0)
    words = [words_of(sentence) for sentence in sentences]
    # Its module loads a compiler, which other verbs do without.
    from elman.models.documents import TfidfDocuments

    documents = TfidfDocuments(words)
    return np.stack([documents.similarities(each) for each in words])


def centrality(alike: Matrix) -> NDArray[np.float64]:
    """The stationary probabilities ``[N]`` of a walk over sentences that are alike (LexRank).

    >>> centrality(np.array([[1.0, 1.0], [1.0, 1.0]])).tolist()
    [0.5, 0.5]
    """
    count = len(alike)
    sums = alike.sum(axis=1, keepdims=True)
    steps = np.where(sums > 0, alike / np.where(sums > 0, sums, 1), 1 / count)
    found = np.full(count, 1 / count)
    while True:
        after = (1 - _DAMPING) / count + _DAMPING * (found @ steps)
        if np.abs(after - found).sum() < _TOLERANCE:
            return after / after.sum()
        found = after


def by_relevance(central: NDArray[np.float64], alike: Matrix, diversity: float) -> list[int]:
    """All places, the best first, by maximal marginal relevance."""
    relevance = central / max(float(central.max()), 1e-12)
    nearest, left, order = np.zeros(len(central)), np.ones(len(central), bool), list[int]()
    while left.any():
        gain = np.where(left, (1 - diversity) * relevance - diversity * nearest, -np.inf)
        best = int(gain.argmax())
        order.append(best)
        left[best] = False
        nearest = np.maximum(nearest, alike[best])
    return order


def within(order: Sequence[int], sentences: Sequence[str], config: SummaryConfig) -> list[int]:
    """The first of an order that make a summary of the wanted length; a sentence too long is passed
    over."""
    if config.words is None:
        return list(order[: config.sentences or 3])
    chosen, left = list[int](), config.words
    for place in order:
        size = len(sentences[place].split())
        if size <= left:
            chosen.append(place)
            left -= size
    return chosen or list(order[:1])


def lead(sentences: Sequence[str], config: SummaryConfig) -> list[int]:
    """The rival that takes the first sentences."""
    return within(range(len(sentences)), sentences, config)


def text_rank(sentences: Sequence[str], config: SummaryConfig) -> list[int]:
    """TextRank (Mihalcea and Tarau 2004): the walk over common words, divided by the logarithms of
    both lengths, without regard to redundancy."""
    words = [set(words_of(sentence)) for sentence in sentences]
    sizes = [max(len(words_of(sentence)), 2) for sentence in sentences]
    alike = np.array(
        [
            [0.0 if one == other else len(words[one] & words[other]) / (math.log(sizes[one]) + math.log(sizes[other]))
             for other in range(len(words))]
            for one in range(len(words))
        ]
    )  # fmt: skip
    return sorted(within(np.argsort(-centrality(alike), kind="stable").tolist(), sentences, config))


def words_of(text: str) -> list[str]:
    """The words of a text, without case.

    >>> words_of("It's late: 9 p.m.!")
    ["it's", 'late', '9', 'p', 'm']
    """
    return [fold(text[start:end]) for start, end, run in runs(text) if run.is_word]
