"""Many lines at once, each by itself: figures in two arrays instead of an object per line."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elman.data.oov import unknown_tokens
from elman.decode.scoring import score_alone
from elman.errors import UsageError
from elman.models.protocol import LanguageModel
from elman.text.normalise import normalise_line
from elman.text.speller import Speller
from elman.text.tokenizer import EOS_ID, UNK_ID

_PIECE = 4096
"""Lines that are worked on together."""


@dataclass(frozen=True, eq=False)
class Scores:
    """How likely lines are, each on its own."""

    token_log_probs: NDArray[np.float64]
    """Of all tokens of all lines in turn, `</s>` and the spelling of unknown words included
    (nats)."""
    ends: NDArray[np.int64]
    """Where each line ends in them, ``[lines]``."""
    oov: int
    """How many tokens were unknown words."""

    @property
    def log_probs(self) -> NDArray[np.float64]:
        """Of each line (nats)."""
        if not len(self.ends):
            return np.empty(0)
        return np.add.reduceat(self.token_log_probs, np.concatenate([[0], self.ends[:-1]]))

    @property
    def tokens(self) -> int:
        """How many, `</s>` included."""
        return len(self.token_log_probs)


def score_texts(model: LanguageModel, speller: Speller, lines: Sequence[str]) -> Scores:
    """The same figures as ``score_lines``, for lines that are all there at once.

    Raises:
        UsageError: a line with a line end inside, or something else than texts.
    """
    if isinstance(lines, (str, bytes)) or not isinstance(lines, Sequence):
        raise UsageError(f"score_texts takes a list of lines, not a {type(lines).__name__}; for one line use score")
    wrong = next((line for line in lines if not isinstance(line, str)), None)
    if wrong is not None or None in lines:
        raise UsageError(f"score_texts takes lines of text; one of them is a {type(wrong).__name__}")
    scores, lengths, oov = [np.empty(0)], [np.empty(0, np.int64)], 0
    for start in range(0, len(lines), _PIECE):
        found, ends, unknown = _score_piece(model, speller, _normal(lines[start : start + _PIECE]))
        scores.append(found)
        lengths.append(np.diff(ends, prepend=0))
        oov += unknown
    return Scores(np.concatenate(scores), np.cumsum(np.concatenate(lengths)), oov)


def _score_piece(
    model: LanguageModel, speller: Speller, lines: Sequence[str]
) -> tuple[NDArray[np.float64], NDArray[np.int64], int]:
    tokenizer = model.tokenizer
    stream = tokenizer.encode_stream(lines)
    ends = np.flatnonzero(stream == EOS_ID) + 1
    strangers = np.flatnonzero(stream < 0)
    stream[strangers] = UNK_ID
    if model.forgets_lines:
        found = model.score(stream[None], np.array([len(stream)]), model.start())[0][0]
    else:
        found = np.concatenate(score_alone(model, np.split(stream, ends[:-1])))
    scores = found.astype(np.float64)
    rows: list[int] = np.unique(np.searchsorted(ends, strangers, side="right")).tolist()
    for row in rows:
        first = int(ends[row - 1]) if row else 0
        line = lines[row]
        for place, spelled in unknown_tokens(tokenizer, line, tokenizer.encode(line)):
            scores[first + place] -= speller.nats(spelled)
    return scores, ends, len(strangers)


def _normal(lines: Sequence[str]) -> Sequence[str]:
    joined = "\n".join(lines)
    if joined.count("\n") != len(lines) - 1 or "\r" in joined:
        line = next(line for line in lines if "\n" in line or "\r" in line)
        raise UsageError(f"a line to score has a line end inside ({line[:40]!r}); give its lines one by one")
    if joined.isascii() and not any(line[-1:].isspace() for line in lines):
        return lines
    return [normalise_line(line) for line in lines]
