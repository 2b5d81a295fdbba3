"""Figures of a chooser of replies: recall among candidates drawn at random, next to its rivals."""

import dataclasses
import importlib.util
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.evaluation.results import Results
from elman.evaluation.rivals import INSTALL
from elman.evaluation.verdict import verdict
from elman.metrics.intervals import Interval, bootstrap_intervals
from elman.metrics.recall import ranks_of, recall_of_ranks
from elman.progress import counted

CANDIDATES = (10, 100)
"""Candidates among which replies are sought: the reply that came, and others at random."""
RECALLS = tuple((k, among) for among in CANDIDATES for k in (1, 3, 10) if k < among)
TFIDF, MOST_FREQUENT = "TF-IDF", "the most frequent replies"

Scores = NDArray[Any]
"""Of each message with each reply ``[n, n]``; the reply that came has the number of its message."""


def recall_among(scores: Scores, replies: Sequence[str], *, k: int, among: int) -> NDArray[np.float64]:
    """The recall of each message ``[n]`` in the mean over draws of candidates; replies that say the
    same as the right one are no candidates.

    >>> recall_among(np.eye(3), ["yes", "no", "fine"], k=1, among=2).tolist()
    [1.0, 1.0, 1.0]
    """
    _, said = np.unique(np.array(replies), return_inverse=True)
    return recall_of_ranks(*ranks_of(scores, said[:, None] == said), k=k, among=among)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReplyReport(Results):
    """The results of ``evaluate_replies``."""

    pairs: int
    figures: Mapping[str, Mapping[str, Interval]]
    """By name of the system, then by name of the figure, such as ``recall@1/10``."""
    differences: Mapping[str, Interval]
    """The first system's recall at 1 of 10 less each rival's."""
    verdict: str
    notes: tuple[str, ...]


def evaluate_replies(
    systems: Mapping[str, Scores],
    rivals: Mapping[str, Scores],
    replies: Sequence[str],
    *,
    groups: Sequence[int],
    notes: Sequence[str] = (),
) -> ReplyReport:
    """Recalls with intervals of 95%.

    Args:
        systems: scores by name, those of one model on different input; the first is compared with
            the rivals.
        rivals: those of others.
        replies: what was replied to each message.
        groups: the dialogue of each message. Dialogues are drawn anew for the intervals, for what
            is said in one is alike.
    """
    _, of_group = np.unique(np.array(groups), return_inverse=True)
    sizes = np.bincount(of_group).astype(np.float64)
    sums: dict[tuple[str, str], NDArray[np.float64]] = {}
    for name, scores in (named := {**systems, **rivals}).items():
        for k, among in RECALLS:
            recalls = recall_among(scores, replies, k=k, among=among)
            sums[name, f"recall@{k}/{among}"] = np.bincount(of_group, weights=recalls).astype(np.float64)
    own = next(iter(systems))
    headline = f"recall@1/{CANDIDATES[0]}"
    gaps = {name: sums[own, headline] - sums[name, headline] for name in rivals}

    def mean(values: NDArray[np.float64]) -> Any:
        return lambda counts: counts @ values / np.maximum(counts @ sizes, 1)

    figures = {repr(name): mean(values) for name, values in (sums | gaps).items()}
    intervals = bootstrap_intervals(figures, np.ones(len(sizes), np.int64))
    table = {
        name: {figure: intervals[repr((name, figure))] for system, figure in sums if system == name} for name in named
    }
    differences = {name: intervals[repr(name)] for name in rivals}
    best = min(differences, key=lambda name: differences[name].value, default=None)
    words = (
        ""
        if best is None
        else verdict(
            best, differences[best], figure=f"recall at 1 of {CANDIDATES[0]}", units=counted(len(replies), "message")
        )
    )
    return ReplyReport(pairs=len(replies), figures=table, differences=differences, verdict=words, notes=tuple(notes))


def frequent_scores(replies: Sequence[str], counts: Mapping[str, int]) -> Scores:
    """How often training has each reply, whatever the message."""
    return np.tile(np.array([counts.get(reply, 0) for reply in replies], np.float64), (len(replies), 1))


def tfidf_scores(messages: Sequence[str], replies: Sequence[str]) -> tuple[Scores | None, str]:
    """Cosines by the words that message and reply share, with scikit-learn's defaults; the weights
    of words follow from the very texts.

    Returns:
        The scores and an empty note; or None, and why.
    """
    if importlib.util.find_spec("sklearn") is None:
        return None, f"{TFIDF} was not compared: scikit-learn is not installed; run: {INSTALL}"
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer()
    try:
        vectorizer.fit([*messages, *replies])
    except ValueError:  # no words
        return None, f"{TFIDF} was not compared: there are no words"
    texts: tuple[Any, Any] = vectorizer.transform(messages), vectorizer.transform(replies)
    return (texts[0] @ texts[1].T).toarray(), ""


def replies_table(values: Mapping[str, Any]) -> str:
    """``ReplyReport.to_json`` as a table for people."""
    names = [f"recall@{k}/{among}" for k, among in RECALLS]
    heads = [f"{k} of {among}" for k, among in RECALLS]
    width = max(map(len, values["figures"]))
    lines = [f"{'recall':{width}}  " + "  ".join(f"{head:>22}" for head in heads)]
    for system, own in values["figures"].items():
        cells = (
            f"{100 * own[name]['value']:.1f}% ({100 * own[name]['low']:.1f} to {100 * own[name]['high']:.1f})"
            for name in names
        )
        lines.append(f"{system:{width}}  " + "  ".join(f"{cell:>22}" for cell in cells))
    lines.append(f"{values['pairs']:,} messages; the reply that came, among others of the same data at random")
    return "\n".join([*lines, *filter(None, [values["verdict"], *values["notes"]])])
