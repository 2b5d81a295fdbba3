"""Scores of many independent lines, in arrays instead of an object per line."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.decode.continuations import continuations
from elman.decode.line_ids import LineIds, line_ids
from elman.decode.rows import score_apart, states_after
from elman.errors import UsageError
from elman.models.protocol import LanguageModel
from elman.notation import LogProbs
from elman.progress import counted
from elman.text.speller import Speller
from elman.text.tokenizer import EOS_ID, Tokenizer

_PIECE = 4096
"""Lines scored together."""


@dataclass(frozen=True, eq=False)
class Scores:
    """How likely lines are, each on its own."""

    token_log_probs: NDArray[np.float64]
    """Log-probabilities of all tokens of all lines in turn (nats)."""
    ends: NDArray[np.int64]
    """The end of each line in them, ``[lines]``."""
    oov: int
    """The number of unknown words."""

    @property
    def log_probs(self) -> NDArray[np.float64]:
        """The log-probability of each line (nats)."""
        return line_sums(self.token_log_probs, self.ends)

    @property
    def tokens(self) -> int:
        """The number of tokens."""
        return len(self.token_log_probs)


def score_texts(
    model: LanguageModel,
    speller: Speller,
    lines: Sequence[str],
    *,
    prefix: str | Sequence[str] = "",
    spelling: bool = True,
    eos: bool = True,
) -> Scores:
    """The same scores as ``score_lines``, for a list of lines.

    Raises:
        UsageError: a line with a line end inside, something else than texts, or prefixes that are
            not as many as the lines.
    """
    if isinstance(lines, (str, bytes)) or not isinstance(lines, Sequence):
        raise UsageError(f"score_texts takes a list of lines, not a {type(lines).__name__}; for one line use score")
    wrong = next((line for line in lines if not isinstance(line, str)), None)
    if wrong is not None or None in lines:
        raise UsageError(f"score_texts takes lines of text; one of them is a {type(wrong).__name__}")
    if not isinstance(prefix, str) and len(prefix) != len(lines):
        raise prefixes_differ(len(prefix), len(lines))
    scores, lengths, oov = [np.empty(0)], [np.empty(0, np.int64)], 0
    for start in range(0, len(lines), _PIECE):
        piece = _normal(model.tokenizer, lines[start : start + _PIECE])
        own = prefix if isinstance(prefix, str) else prefix[start : start + _PIECE]
        found = score_window(model, speller, piece, prefix=own, spelling=spelling, eos=eos)
        scores.append(found.log_probs)
        lengths.append(np.diff(found.ends, prepend=0))
        oov += sum(map(len, found.encoded.unknown.values()))
    return Scores(np.concatenate(scores), np.cumsum(np.concatenate(lengths)), oov)


class Window(NamedTuple):
    """Some lines that were scored together."""

    ids: NDArray[np.int64]
    """The tokens of all lines in turn."""
    log_probs: NDArray[np.float64]
    """Their log-probabilities (nats)."""
    ends: NDArray[np.int64]
    """The end of each line in both, ``[lines]``."""
    encoded: LineIds
    """The lines as tokens, each with its end, and their unknown words."""


def score_window(
    model: LanguageModel,
    speller: Speller,
    lines: Sequence[str],
    *,
    prefix: str | Sequence[str],
    spelling: bool,
    eos: bool,
) -> Window:
    """Score lines in normal form, each by itself; the arguments are those of ``score_lines``."""
    if not spelling:
        lines = [*map(model.tokenizer.spelling.with_usual_apostrophes, lines)]
    if prefix:
        prefixes = [prefix] * len(lines) if isinstance(prefix, str) else prefix
        encoded, before, which = continuations(model.tokenizer, prefixes, lines)
        begun = states_after(model, before)
        scores = np.concatenate([_NOTHING, *score_apart(model, _rows(encoded, eos), begun, which)])
    else:
        encoded = line_ids(model.tokenizer, lines)
        if model.forgets_lines:
            stream = encoded.ids
            scores = model.score(stream[None], np.array([len(stream)]), model.start())[0][0]
            scores = scores if eos else scores[stream != EOS_ID]
        else:
            scores = np.concatenate([_NOTHING, *score_apart(model, _rows(encoded, eos))])
    ids, ends, unknown, _ = encoded
    log_probs = scores.astype(np.float64)
    nats = encoded.spelling_nats(model.tokenizer, speller) if spelling else None
    if not eos:
        words = ids != EOS_ID
        ids, ends, nats = ids[words], ends - np.arange(1, len(ends) + 1), None if nats is None else nats[words]
    if nats is not None:
        log_probs -= nats
    return Window(ids, log_probs, ends, encoded)


def line_sums(values: NDArray[np.float64], ends: NDArray[np.int64]) -> NDArray[np.float64]:
    """The sum of each line's values; that of a line never depends on the others.

    >>> line_sums(np.array([1.0, 2.0, 4.0]), np.array([2, 2, 3])).tolist()
    [3.0, 0.0, 4.0]
    """
    starts = np.concatenate([[0], ends])[:-1]
    some = np.flatnonzero(ends > starts)
    sums = np.zeros(len(ends))
    if len(some):
        sums[some] = np.add.reduceat(values, starts[some])
    return sums


def prefixes_differ(prefixes: int, lines: int) -> UsageError:
    """The error of a list of prefixes that is not as long as that of the lines."""
    return UsageError(
        f"{prefixes} prefixes came with {counted(lines, 'line')}; give one prefix for each line, or one for all"
    )


_NOTHING: LogProbs = np.empty(0, np.float32)


def _rows(encoded: LineIds, eos: bool) -> list[NDArray[np.int64]]:
    return encoded.split() if eos else [ids[:-1] for ids in encoded.split()]


def _normal(tokenizer: Tokenizer, lines: Sequence[str]) -> Sequence[str]:
    joined = "\n".join(lines)
    if joined.count("\n") != len(lines) - 1 or "\r" in joined:
        line = next(line for line in lines if "\n" in line or "\r" in line)
        raise UsageError(f"a line to score has a line end inside ({line[:40]!r}); give its lines one by one")
    if joined.isascii() and not any(line[-1:].isspace() for line in lines):
        return lines
    return [tokenizer.normal_form(line) for line in lines]
