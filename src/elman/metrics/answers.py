"""Exact match and F1 of answers to questions, by the definition of SQuAD (Rajpurkar and others
2016, 2018).

Answers are compared in lower case, without punctuation and English articles. A question without an
answer has the answer "", and an empty answer is right there only. Of several right answers the
nearest counts.
"""

import re
import string
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalised(answer: str) -> str:
    """An answer as it is compared.

    >>> normalised("The U.S.,  in an hour")
    'us in hour'
    """
    return " ".join(_ARTICLES.sub(" ", answer.lower().translate(_PUNCTUATION)).split())


def exact_match(answer: str, right: Sequence[str]) -> float:
    """Whether an answer is one of the right ones: 1 or 0.

    >>> exact_match("the Nile.", ["Nile", "river Nile"])
    1.0
    """
    return float(any(normalised(answer) == normalised(each) for each in right or [""]))


def f1(answer: str, right: Sequence[str]) -> float:
    """The harmonic mean of the shares of words that an answer has in common with the nearest right
    one.

    >>> f1("the river Nile in Egypt", ["Nile river", "Nile"])  # 2 of 4 and 2 of 2 words
    0.6666666666666666
    """
    return max(_f1(normalised(answer).split(), normalised(each).split()) for each in right or [""])


def answer_figures(answers: Mapping[str, str], right: Mapping[str, Sequence[str]]) -> dict[str, NDArray[np.float64]]:
    """Exact match and F1 of every question ``[Q]``, in the order of ``right``; a missing answer is
    empty."""
    pairs = [(answers.get(question, ""), each) for question, each in right.items()]
    return {
        "exact_match": np.array([exact_match(*each) for each in pairs]),
        "f1": np.array([f1(*each) for each in pairs]),
    }


def _f1(answer: list[str], right: list[str]) -> float:
    if not answer or not right:
        return float(answer == right)
    common = (Counter(answer) & Counter(right)).total()
    return 2 * common / (len(answer) + len(right))
