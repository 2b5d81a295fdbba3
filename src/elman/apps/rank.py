"""Documents ranked for a query: by the words they share, by what the first ones are about, by
models, and by all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.apps.ranking.fusion import standardised
from elman.apps.ranking.index import Index
from elman.apps.ranking.rerankers import Reranker
from elman.apps.ranking.scoring import METHODS, ScoringConfig, idf, query_of, top
from elman.apps.ranking.snippets import Snippet, snippet
from elman.errors import UsageError

FUSION = "fusion"
"""The name of the weighted sum of all scores."""


@dataclass(frozen=True, kw_only=True)
class RankConfig(ScoringConfig):
    """How documents are ranked."""

    depth: int = 1000
    """Documents of a ranking at most."""
    rerank: int = 100
    """How many of the first documents language models and word vectors read."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, most in (("depth", 100_000), ("rerank", 10_000)):
            self.require(name, 1 <= getattr(self, name) <= most, f"1 to {most:,}")


class Candidates(NamedTuple):
    """The documents that any method found for a query, and their scores."""

    documents: NDArray[np.int64]
    """Their numbers ``[K]``, rising."""
    scores: dict[str, NDArray[np.float64]]
    """By method ``[K]``; -inf where it did not find one."""

    def standardised(self) -> NDArray[np.float64]:
        """All scores on one scale ``[K, D]``, in the order of the methods."""
        return np.stack([standardised(each) for each in self.scores.values()], axis=1)

    def fused(self, weights: Mapping[str, float]) -> NDArray[np.float64]:
        """The weighted sum of the scores ``[K]``."""
        return self.standardised() @ np.array([weights.get(method, 0.0) for method in self.scores])


class Hit(NamedTuple):
    """A document that was found."""

    number: int
    """Its place among all documents."""
    id: str
    score: float
    scores: dict[str, float]
    """Each method's score; a method that did not find it is left out."""
    text: str
    snippet: Snippet

    def to_json(self) -> dict[str, Any]:
        """As JSON; marks are offsets in the characters of the snippet."""
        part = {"text": self.snippet.text, "marks": [list(each) for each in self.snippet.marks]}
        return {"id": self.id, "score": self.score, "scores": self.scores, "snippet": part, "text": self.text}


class Ranker:
    """Ranks the documents of an index.

    >>> from elman.apps.ranking.build import IndexedDocument, temporary_index
    >>> texts = ["a cat sleeps", "a dog barks", "my cat and your cat"]
    >>> with temporary_index(IndexedDocument(str(n), text) for n, text in enumerate(texts)) as index:
    ...     [(hit.id, round(hit.score, 3), hit.snippet.marked()) for hit in Ranker(index).rank("cats or cat")]
    [('2', 0.24, 'my **cat** and your **cat**'), ('0', 0.205, 'a **cat** sleeps')]
    """

    def __init__(
        self,
        index: Index,
        *,
        methods: Sequence[str] = ("bm25",),
        rerankers: Mapping[str, Reranker] | None = None,
        weights: Mapping[str, float] | None = None,
        config: RankConfig | None = None,
    ) -> None:
        """Prepare a ranker.

        Args:
            methods: names of ``scoring.METHODS``.
            rerankers: more scores, of the first documents only.
            weights: of the scores in their sum; equal by default.

        Raises:
            UsageError: an unknown method, or a weight of one.
        """
        self.index, self.config, self.rerankers = index, config or RankConfig(), dict(rerankers or {})
        self.methods = tuple(dict.fromkeys(methods))
        for name in self.methods:
            if name not in METHODS:
                raise UsageError.of("method", name, f"one of: {', '.join(METHODS)}")
        if not self.methods:
            raise UsageError(f"no method is given; name at least one of: {', '.join(METHODS)}")
        names = [*self.methods, *self.rerankers]
        unknown = set(weights or {}) - set(names)
        if unknown:
            raise UsageError(
                f"there is a weight of {min(unknown)!r}, which is not asked for; the scores are: {', '.join(names)}"
            )
        self.weights: dict[str, float] = {name: 1 / len(names) for name in names} if weights is None else dict(weights)

    def candidates(self, query: str) -> Candidates:
        """The documents that the methods found, with all their scores; none if no word of the query
        is known."""
        terms = query_of(self.index, query)
        if not terms:
            return Candidates(np.empty(0, np.int64), {name: np.empty(0) for name in (*self.methods, *self.rerankers)})
        scores = {name: METHODS[name](self.index, terms, self.config) for name in self.methods}
        best = [top(each, self.config.depth) for each in scores.values()]
        documents = np.unique(np.concatenate(best))
        found = Candidates(documents, {name: each[documents] for name, each in scores.items()})
        if not self.rerankers or not len(documents):
            return found
        first = np.argsort(-found.standardised().mean(axis=1), kind="stable")[: self.config.rerank]
        texts = [self.index.texts[number] for number in documents[first].tolist()]
        for name, reranker in self.rerankers.items():
            own = np.full(len(documents), -np.inf)
            own[first] = reranker(query, texts)
            found.scores[name] = own
        return found

    def rank(self, query: str, n: int = 10) -> list[Hit]:
        """The first documents for a query.

        Raises:
            UsageError: n is below 1.
        """
        if n < 1:
            raise UsageError.of("n", n, "at least 1")
        found = self.candidates(query)
        single = len(found.scores) == 1
        totals = next(iter(found.scores.values())) if single else found.fused(self.weights)
        weights = self._idf(query)
        return [self._hit(found, place, float(totals[place]), weights) for place in top(totals, n).tolist()]

    def _hit(self, found: Candidates, place: int, score: float, weights: Mapping[str, float]) -> Hit:
        number = int(found.documents[place])
        text = self.index.texts[number]
        own = {name: float(each[place]) for name, each in found.scores.items() if np.isfinite(each[place])}
        return Hit(number, self.index.ids[number], score, own, text, snippet(text, weights, self.index.analyzer))

    def _idf(self, query: str) -> dict[str, float]:
        terms = dict.fromkeys(self.index.analyzer.terms(query))
        numbers = {term: self.index.number(term) for term in terms}
        return {term: idf(self.index, number) for term, number in numbers.items() if number is not None}

    def ordered(self, found: Candidates, scores: NDArray[np.float64]) -> dict[str, float]:
        """A ranking as a run has it: scores by the documents' names, the best first."""
        places = top(scores, self.config.depth).tolist()
        return {self.index.ids[int(found.documents[place])]: float(scores[place]) for place in places}
