"""What rescoring gained: word error rates with an interval, and whether the lists are the limit."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.apps.list_scores import Comparable
from elman.apps.rescore import Rescored, list_errors
from elman.metrics.intervals import Interval, bootstrap_interval
from elman.metrics.word_errors import WordErrors, word_errors

LIMIT = "The list, not the model, is your limit: even the best choice from it leaves {oracle:.1%} WER."


def rescoring_figures(rescored: Rescored) -> dict[str, Any] | None:
    """All figures as JSON; None unless all references are known.

    ``difference`` is the word error rate after less that before, with a paired bootstrap interval
    over utterances: the gain is beyond chance where ``high`` is below 0.
    """
    lists = rescored.compared
    if any(each.reference is None for each in lists):
        return None
    errors = list_errors(lists)
    places = {
        "rescored": rescored.choices.tolist(),
        "first": [0] * len(lists),
        "oracle": [int(own.argmin()) for own in errors],
    }
    totals = {kind: _total(lists, chosen) for kind, chosen in places.items()}
    after, before = (
        np.array([own[place] for own, place in zip(errors, places[kind], strict=True)])
        for kind in ("rescored", "first")
    )
    difference = _difference(after - before, np.array([len(each.reference or ()) for each in lists]))
    return {
        **{kind: total.figures() for kind, total in totals.items()},
        "utterances": len(lists),
        "hypotheses": sum(len(each.hypotheses) for each in lists),
        "difference": difference._asdict(),
        "verdict": verdict(totals, difference),
        "weights": dict(rescored.weights.values),
        "fitted": rescored.fitted,
    }


def verdict(totals: Mapping[str, WordErrors], difference: Interval) -> str:
    """What the figures say, in a sentence or two."""
    after, best = totals["rescored"], totals["oracle"]
    if difference.high < 0:
        said = f"Rescoring lowers WER by {-difference.value * 100:.1f} points, beyond chance."
    elif difference.low > 0:
        said = "Rescoring makes it worse: keep the recogniser's choice."
    else:
        said = "No gain beyond chance can be shown."
    # More errors are out of any model's reach than a perfect one could still avoid.
    if best.errors > after.errors - best.errors:
        said += " " + LIMIT.format(oracle=best.wer)
    return said


def _total(lists: Sequence[Comparable], places: Sequence[int]) -> WordErrors:
    total = WordErrors()
    for each, place in zip(lists, places, strict=True):
        total += word_errors(each.reference or (), each.hypotheses[place])
    return total


def _difference(gained: NDArray[np.int64], words: NDArray[np.int64]) -> Interval:
    """The difference of all errors per word, with its interval over utterances."""
    return bootstrap_interval(
        lambda counts: (counts @ gained) / np.maximum(counts @ words, 1), np.ones(len(words), np.int64)
    )
