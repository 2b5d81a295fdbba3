"""Whether a review is positive, negative or neutral, from any classifier of sentiment."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from elman.errors import UsageError
from elman.tasks.classify.model import TextClassifier

Rating = Literal["Positive", "Negative", "Neutral"]

_POSITIVE, _NEGATIVE, _NEUTRAL = range(3)
_WORDS = {
    "positive": _POSITIVE, "pos": _POSITIVE, "negative": _NEGATIVE, "neg": _NEGATIVE, "neutral": _NEUTRAL,
    "neu": _NEUTRAL,
}  # fmt: skip
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
_BY_RANK = {
    2: (_NEGATIVE, _POSITIVE),
    3: (_NEGATIVE, _NEUTRAL, _POSITIVE),
    5: (_NEGATIVE, _NEGATIVE, _NEUTRAL, _POSITIVE, _POSITIVE),
}
"""The ratings for this many classes, the lowest class first."""
_UNDECIDED = (0.4, 0.6)
"""Probabilities of Positive that mean Neutral, if no label does."""


def review_rating(text: str, *, model: TextClassifier | str | Path) -> Rating:
    """Whether a review is positive, negative or neutral.

    The rating depends on the labels of the classifier:

    - Words: Positive, Negative and Neutral, or pos, neg and neu, in any case.
    - Two numbers: the greater one is Positive. Three numbers: their order. Five numbers, such as
      0 to 4 or stars 1 to 5: the lower two are Negative, the middle one is Neutral, the upper two
      are Positive, and their probabilities are added.

    The rating with the highest probability is returned. Where no label is Neutral, a text is
    Neutral if Positive has a probability from 0.4 to 0.6.

    Args:
        model: what ``elman.load`` or ``elman.train`` returns, or its folder, which is then read at
            each call.

    Raises:
        UsageError: other labels, or ``model`` is not a text classifier.

    >>> import elman
    >>> model = elman.load("reviews-model")  # doctest: +SKIP
    >>> elman.review_rating("a waste of time", model=model)  # doctest: +SKIP
    'Negative'
    """
    classifier = TextClassifier.load(Path(model)) if isinstance(model, (str, Path)) else model
    if not isinstance(classifier, TextClassifier):
        raise UsageError(f"model is a {type(classifier).__name__}; give a text classifier or its folder", field="model")
    ratings = _ratings(classifier)
    (probabilities,) = classifier.predict_proba([text])
    return _rating(probabilities, ratings)


def _ratings(classifier: TextClassifier) -> tuple[int, ...]:
    """The rating of each label."""
    labels = classifier.labels
    if not classifier.config.multi_label:
        words = tuple(_WORDS.get(label.casefold(), -1) for label in labels)
        if len({*words}) == len(words) and {_POSITIVE, _NEGATIVE} <= {*words} and -1 not in words:
            return words
        # Numeric labels are sorted by their value.
        if all(_NUMBER.fullmatch(label) for label in labels) and len(labels) in _BY_RANK:
            return _BY_RANK[len(labels)]
    shown = ", ".join(labels[:8]) + (", ..." if len(labels) > 8 else "")
    several = ", several per text" if classifier.config.multi_label else ""
    raise UsageError(
        f"the model's labels are {shown}{several}; a review's are positive, negative and neutral (or pos, neg, neu), "
        "or 2, 3 or 5 numbers: train a classifier on labels like that"
    )


def _rating(probabilities: NDArray[np.float64], ratings: Sequence[int]) -> Rating:
    sums = np.bincount(ratings, weights=probabilities, minlength=3)
    if _NEUTRAL not in ratings and _UNDECIDED[0] <= sums[_POSITIVE] <= _UNDECIDED[1]:
        return "Neutral"
    return get_args(Rating)[sums.argmax()]
