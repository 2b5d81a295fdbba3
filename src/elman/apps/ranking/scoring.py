"""Scores of documents for a query: BM25, query likelihood with two smoothings, and relevance
feedback.

A query is a weight for each of its terms; terms that no document has are left out. c is how often a
document has a term, d its length, p the share of the term among the words of all documents, n how
many of the N documents have it. Scores come for all documents ``[N]``; of documents that are not
found they are -inf. They sum over the terms that query and document share, so that only the
postings of the query's terms are read; what remains depends on the document's length alone.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elman.apps.ranking.index import Index, Postings
from elman.config import Config
from elman.errors import UsageError

Query = Mapping[int, float]
"""The weight of each term, by its number."""
Scores = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class ScoringConfig(Config):
    """Parameters of the scores."""

    k1: float = 1.5
    """BM25: how soon more occurrences of a word stop to count."""
    b: float = 0.75
    """BM25: how far long documents are discounted, from 0 to 1."""
    mu: float = 250.0
    """Dirichlet smoothing: words of the collection that are added to each document; for long
    documents 1000 to 2500."""
    smoothing: float = 0.7
    """Jelinek-Mercer smoothing: the weight of the collection, above 0 and below 1."""
    feedback_documents: int = 10
    """Relevance feedback: how many of the first documents are taken for relevant."""
    feedback_terms: int = 100
    """Relevance feedback: how many of their terms are asked for."""
    feedback_weight: float = 0.8
    """Relevance feedback: the weight of these terms, that of the query being the rest."""
    neighbours: int = 5
    """Neighbours: how many similar documents speak for a document."""
    neighbours_weight: float = 0.7
    """Neighbours: the weight of their scores, that of its own being the rest."""
    pool: int = 200
    """Neighbours: how many of the first documents are compared."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, least, most in (
            ("k1", 0, 1000), ("b", 0, 1), ("mu", 1e-6, 1e9), ("smoothing", 1e-6, 1 - 1e-6),
            ("feedback_documents", 1, 1000), ("feedback_terms", 1, 10_000), ("feedback_weight", 0, 1),
            ("neighbours", 1, 1000), ("neighbours_weight", 0, 1), ("pool", 2, 2000),
        ):  # fmt: skip
            value = getattr(self, name)
            if not least <= value <= most:
                raise UsageError.of(name, value, f"{least:g} to {most:g}")


def query_of(index: Index, text: str) -> Query:
    """The terms of a text that documents have, each weighing as often as it comes."""
    numbers = map(index.number, index.analyzer.terms(text))
    return {term: float(count) for term, count in Counter(numbers).items() if term is not None}


def idf(index: Index, term: int) -> float:
    """ln(1 + (N - n + 1/2) / (n + 1/2)), which is never negative."""
    frequency = index.frequency(term)
    return math.log1p((len(index) - frequency + 0.5) / (frequency + 0.5))


def bm25(index: Index, query: Query, config: ScoringConfig) -> Scores:
    """The sum of idf c / (c + k1 (1 - b + b d / mean d)) (Robertson and others 1994; this form is
    Lucene's)."""
    k1, b = config.k1, config.b

    def matched(term: int, found: Postings) -> Scores:
        lengths = index.lengths[found.documents]
        return idf(index, term) * found.counts / (found.counts + k1 * (1 - b + b / index.mean_length * lengths))

    return _summed(index, query, matched)


def dirichlet(index: Index, query: Query, config: ScoringConfig) -> Scores:
    """The log-probability of the query in a document's words with mu words of the collection: that
    of a term is ln (c + mu p) / (d + mu) (Zhai and Lafferty 2004), here without the constant sum of
    ln p."""

    def matched(term: int, found: Postings) -> Scores:
        return np.log1p(found.counts * (index.words / (config.mu * index.totals[term])))

    scores = _summed(index, query, matched)
    # Logarithms are slow, and many documents are equally long; but one may be very long.
    longest = int(index.lengths.max(initial=0))
    if longest <= max(len(index), 1000):
        scores -= math.fsum(query.values()) * np.log1p(np.arange(longest + 1) / config.mu)[index.lengths]
    else:
        scores -= math.fsum(query.values()) * np.log1p(index.lengths / config.mu)
    return scores


def jelinek_mercer(index: Index, query: Query, config: ScoringConfig) -> Scores:
    """The log-probability of the query in the mixture (1 - s) c / d + s p, here without the
    constant sum of ln s p (Zhai and Lafferty 2004)."""
    odds = (1 - config.smoothing) / config.smoothing

    def matched(term: int, found: Postings) -> Scores:
        share = found.counts / index.lengths[found.documents]
        return np.log1p(share * (odds * index.words / index.totals[term]))

    return _summed(index, query, matched)


def with_feedback(index: Index, query: Query, scores: Scores, config: ScoringConfig) -> Query:
    """The query with terms of the documents that score highest (RM3; Abdul-Jaleel and others 2004).

    Such a term weighs the mean of its share in these documents, each weighing exp(score).
    """
    best = top(scores, config.feedback_documents)
    total = math.fsum(query.values())
    if not len(best) or not total:
        return query
    weights = np.exp(scores[best] - scores[best].max())
    model: Counter[int] = Counter()
    for document, weight in zip(best.tolist(), (weights / weights.sum()).tolist(), strict=True):
        terms, counts = index.vector(document)
        shares = (weight / index.lengths[document] * counts).tolist()
        model.update(dict(zip(terms.tolist(), shares, strict=True)))
    chosen = sorted(model.items(), key=lambda each: (-each[1], each[0]))[: config.feedback_terms]
    mass = math.fsum(share for _, share in chosen)
    mixed = Counter({term: (1 - config.feedback_weight) * weight / total for term, weight in query.items()})
    mixed.update({term: config.feedback_weight * share / mass for term, share in chosen})
    return mixed


def feedback(index: Index, query: Query, config: ScoringConfig) -> Scores:
    """Jelinek-Mercer query likelihood of the query with terms of the first documents by BM25."""
    return jelinek_mercer(index, with_feedback(index, query, bm25(index, query, config), config), config)


def neighbours(index: Index, query: Query, config: ScoringConfig) -> Scores:
    """Scores of feedback, smoothed over similar documents (score regularisation; Diaz 2005).

    Of the first documents, a document's score becomes the mean of its own and those of its most
    similar ones, five times; similarity is the cosine of TF-IDF vectors. The others stay behind
    them, in their order.
    """
    scores = feedback(index, query, config)
    pool = top(scores, config.pool)
    if len(pool) < 2:
        return scores
    own = scores[pool]
    similar = _similarities(index, pool.tolist())
    np.fill_diagonal(similar, 0)
    if len(pool) > config.neighbours:
        least = np.partition(similar, -config.neighbours, axis=1)[:, -config.neighbours, None]
        similar[similar < least] = 0
    sums = similar.sum(axis=1, keepdims=True)
    # A document that is like no other keeps its score.
    weight = np.where(sums[:, 0] > 0, config.neighbours_weight, 0.0)
    similar /= np.where(sums > 0, sums, 1)
    smoothed = own
    for _ in range(_STEPS):
        smoothed = (1 - weight) * own + weight * (similar @ smoothed)
    # No smoothed score is below the lowest of the pool, which is above all others.
    scores[pool] = smoothed
    return scores


METHODS: dict[str, Callable[[Index, Query, ScoringConfig], Scores]] = {
    "bm25": bm25,
    "dirichlet": dirichlet,
    "jelinek-mercer": jelinek_mercer,
    "feedback": feedback,
    "neighbours": neighbours,
}
"""Scores by the names that users give."""


def top(scores: Scores, count: int) -> NDArray[np.int64]:
    """The documents that are found with the highest scores, the best first; of equal ones the
    first.

    >>> top(np.array([0.5, 2.0, 0.5, -np.inf]), 2).tolist()
    [1, 0]
    """
    found = np.flatnonzero(scores > -np.inf)
    values = scores[found]
    if count < len(found):
        least = np.partition(values, len(values) - count)[len(values) - count]
        above = np.flatnonzero(values > least)
        equal = np.flatnonzero(values == least)[: count - len(above)]
        chosen = np.concatenate([above, equal])
        found, values = found[chosen], values[chosen]
    return found[np.lexsort((found, -values))]


_STEPS = 5


def _summed(index: Index, query: Query, matched: Callable[[int, Postings], Scores]) -> Scores:
    scores = np.zeros(len(index))
    for term, weight in query.items():
        found = index.postings(term)
        scores[found.documents] += weight * matched(term, found)
    # What a shared term adds is above 0.
    scores[scores == 0] = -np.inf
    return scores


def _similarities(index: Index, documents: Iterable[int]) -> NDArray[np.float64]:
    """The cosines of documents' TF-IDF vectors, (1 + ln c) ln (N / n)."""
    vectors = [index.vector(document) for document in documents]
    columns, places = np.unique(np.concatenate([terms for terms, _ in vectors]), return_inverse=True)
    weights = np.log(len(index) / np.array([index.frequency(term) for term in columns.tolist()]))
    rows = np.repeat(np.arange(len(vectors)), [len(terms) for terms, _ in vectors])
    table = np.zeros((len(vectors), len(columns)))
    table[rows, places] = 1 + np.log(np.concatenate([counts for _, counts in vectors]))
    table *= weights
    table /= np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-12)
    return table @ table.T
