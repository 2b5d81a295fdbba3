"""Why a classifier gives a label: what each word contributes, and what each prefix predicts.

A word's contribution is the change of the label's log-odds when the word is left out (occlusion;
Li et al. 2016, "Understanding neural networks through representation erasure"). It needs only
predictions, so it explains networks and their rivals alike. If two words say the same, each seems
to contribute little, since the other one remains.
"""

import dataclasses
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.errors import UsageError

MOST_WORDS = 400
"""A longer text is cut into this many runs of words."""
_WORD = re.compile(r"[\w'’-]+|[^\w\s]")
_SMALLEST = 1e-7
"""Limits of a probability in log-odds; float32 has no larger one below 1."""
_BAR = 10

Span = tuple[int, int]
"""Where a word begins and ends in the text, in characters."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Word:
    """A word of the text, and its contribution."""

    text: str
    start: int
    """Characters before it."""
    end: int
    contribution: float
    """Log-odds of the label with the word minus those without it (nats): above 0, the word supports
    the label.
    """
    probability: float
    """Of the label without the word."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Explanation:
    """The contributions of a text's words to a label."""

    text: str
    label: str
    probability: float
    """Of the label, given the whole text."""
    words: tuple[Word, ...]
    names: tuple[str, ...]
    """Of all K labels."""
    prefixes: tuple[tuple[float, ...], ...]
    """Probabilities of all labels after 0, 1, .. words, up to the whole text ``[words + 1, K]``."""

    def __str__(self) -> str:
        """A line for each word: its contribution in nats, a bar of signs, and the word."""
        largest = max((abs(word.contribution) for word in self.words), default=0.0)
        lines = [f"{_printable(self.label)}: {100 * self.probability:.1f}%"]
        for word in self.words:
            length = round(_BAR * abs(word.contribution) / largest) if largest else 0
            bar = ("+" if word.contribution > 0 else "-") * length
            nats = round(word.contribution, 2) + 0.0  # not "-0.00"
            lines.append(f"{nats:+7.2f}  {bar:<{_BAR}}  {_printable(word.text)}")
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """The same as JSON; ``elman.report.explanation_page`` shows it."""
        return dataclasses.asdict(self)


def explain_text(
    predict: Callable[[list[str]], NDArray[Any]],
    text: str,
    *,
    names: Sequence[str],
    spans: Sequence[Span] | None = None,
    label: int | None = None,
) -> Explanation:
    """What each word of a text contributes, for a classifier of texts.

    Args:
        predict: probabilities ``[N, K]`` of N texts. It is called once.
        names: of the K labels.
        spans: of the words; by default runs of letters and digits, and single punctuation marks.
        label: the label to explain; by default the most probable one.

    Raises:
        UsageError: the text has no words, or there is no such label.

    >>> def predict(texts):
    ...     likely = np.array([0.8 if "good" in text else 0.5 for text in texts])
    ...     return np.stack([1 - likely, likely], axis=1)
    >>> print(explain_text(predict, "A good film.", names=["bad", "good"]))
    good: 80.0%
      +0.00              A
      +1.39  ++++++++++  good
      +0.00              film
      +0.00              .
    """
    where = _merged(words_of(text) if spans is None else spans)
    ends = [0, *(end for _, end in where)]

    def variant(kept: range | list[int]) -> str:
        if len(kept) == len(where):
            return text
        # A word is left out together with the blanks before it.
        parts = [text[ends[index] : ends[index + 1]] for index in kept]
        tail = text[ends[-1] :] if kept and kept[-1] == len(where) - 1 else ""
        joined = "".join(parts) + tail
        return joined if kept and kept[0] == 0 else joined.lstrip()

    return _explain(predict, variant, text=text, spans=where, names=names, label=label)


def explain_ids(
    predict: Callable[[list[list[int]]], NDArray[Any]],
    ids: Sequence[Sequence[int]],
    *,
    text: str,
    spans: Sequence[Span],
    names: Sequence[str],
    label: int | None = None,
) -> Explanation:
    """What each word of a text contributes, for a classifier of token ids.

    Args:
        predict: probabilities ``[N, K]`` of N sequences of ids, empty ones too. It is called once.
        ids: the token ids of each word.
        text: as shown.
        spans: of the words in it.
        names: of the K labels.
        label: the label to explain; by default the most probable one.

    Raises:
        UsageError: the text has no words, or there is no such label.
    """
    assert len(ids) == len(spans)
    runs = _runs(len(spans))
    joined = [[token for word in ids[first:last] for token in word] for first, last in runs]

    def variant(kept: range | list[int]) -> list[int]:
        return [token for index in kept for token in joined[index]]

    return _explain(predict, variant, text=text, spans=_merged(spans), names=names, label=label)


def words_of(text: str) -> list[Span]:
    """The words of a text: runs of letters, digits, apostrophes and hyphens; other marks alone.

    >>> words_of("It's well-made!")
    [(0, 4), (5, 14), (14, 15)]
    """
    return [match.span() for match in _WORD.finditer(text)]


def _explain(
    predict: Callable[[list[Any]], NDArray[Any]],
    variant: Callable[[range | list[int]], Any],
    *,
    text: str,
    spans: Sequence[Span],
    names: Sequence[str],
    label: int | None,
) -> Explanation:
    count = len(spans)
    if not count:
        raise UsageError("the text has no words; give one with at least one word")
    if label is not None and not 0 <= label < len(names):
        raise UsageError(f"there is no label {label}; choose one from 0 to {len(names) - 1}")
    without = [variant([index for index in range(count) if index != left_out]) for left_out in range(count)]
    prefixes = [variant(range(length)) for length in range(count + 1)]
    probabilities = np.asarray(predict([*without, *prefixes]), np.float64)
    assert probabilities.shape == (2 * count + 1, len(names))
    chosen = int(probabilities[-1].argmax()) if label is None else label
    odds = _log_odds(probabilities[:, chosen])
    words = [
        Word(
            text=text[start:end],
            start=start,
            end=end,
            contribution=float(odds[-1] - odds[index]),
            probability=float(probabilities[index, chosen]),
        )
        for index, (start, end) in enumerate(spans)
    ]
    return Explanation(
        text=text,
        label=names[chosen],
        probability=float(probabilities[-1, chosen]),
        words=tuple(words),
        names=tuple(names),
        prefixes=tuple(map(tuple, probabilities[count:].tolist())),
    )


def _runs(words: int) -> list[Span]:
    """Words in at most ``MOST_WORDS`` runs, each as its first word and the one after its last."""
    length = -(-words // MOST_WORDS)
    return [(first, min(first + length, words)) for first in range(0, words, max(length, 1))]


def _merged(spans: Sequence[Span]) -> list[Span]:
    return [(spans[first][0], spans[last - 1][1]) for first, last in _runs(len(spans))]


def _log_odds(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    kept = np.clip(probabilities, _SMALLEST, 1 - _SMALLEST)
    return np.log(kept) - np.log1p(-kept)


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "�" for character in text)
