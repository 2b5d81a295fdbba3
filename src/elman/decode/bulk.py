"""Scores of many independent lines, in two arrays instead of an object per line."""

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
"""Lines scored together."""


@dataclass(frozen=True, eq=False)
class Scores:
    """How likely lines are, each on its own."""

    token_log_probs: NDArray[np.float64]
    """Log-probabilities of all tokens of all lines in turn (nats), with `</s>` and the spelling of
    unknown words."""
    ends: NDArray[np.int64]
    """The end of each line in them, ``[lines]``."""
    oov: int
    """The number of unknown words."""

    @property
    def log_probs(self) -> NDArray[np.float64]:
        """The log-probability of each line (nats)."""
        if not len(self.ends):
            return np.empty(0)
        return np.add.reduceat(self.token_log_probs, np.concatenate([[0], self.ends[:-1]]))

    @property
    def tokens(self) -> int:
        """The number of tokens, `</s>` included."""
        return len(self.token_log_probs)


def score_texts(model: LanguageModel, speller: Speller, lines: Sequence[str]) -> Scores:
    """The same scores as ``score_lines``, for a list of lines.

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
        piece_scores, ends, unknown = _score_piece(model, speller, _normal(lines[start : start + _PIECE]))
        scores.append(piece_scores)
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
        log_probs = model.score(stream[None], np.array([len(stream)]), model.start())[0][0]
    else:
        log_probs = np.concatenate(score_alone(model, np.split(stream, ends[:-1])))
    scores = log_probs.astype(np.float64)
    rows: list[int] = np.unique(np.searchsorted(ends, strangers, side="right")).tolist()
    for row in rows:
        first = int(ends[row - 1]) if row else 0
        line = lines[row]
        for position, spelled in unknown_tokens(tokenizer, line, tokenizer.encode(line)):
            scores[first + position] -= speller.nats(spelled)
    return scores, ends, len(strangers)


def _normal(lines: Sequence[str]) -> Sequence[str]:
    joined = "\n".join(lines)
    if joined.count("\n") != len(lines) - 1 or "\r" in joined:
        line = next(line for line in lines if "\n" in line or "\r" in line)
        raise UsageError(f"a line to score has a line end inside ({line[:40]!r}); give its lines one by one")
    if joined.isascii() and not any(line[-1:].isspace() for line in lines):
        return lines
    return [normalise_line(line) for line in lines]
