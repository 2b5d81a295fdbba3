"""Log-probabilities of texts: per line, per token, or for a whole evaluation text.

Memory does not grow with the text: lines stream in, tokens are scored in chunks, and batches are
gathered in a bounded window. An unknown word costs the prediction of `<unk>` plus its spelling.
"""

import dataclasses
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Literal, NamedTuple, cast, get_args

import numpy as np
from numpy.typing import NDArray

from elman.data.oov import Unknown, unknown_tokens
from elman.decode.line_nats import LineNats
from elman.decode.rows import row_score
from elman.errors import UsageError
from elman.metrics.language import Tally
from elman.models.protocol import LanguageModel, State
from elman.notation import LogProbs, TokenIds
from elman.progress import Progress
from elman.text.normalise import normalise_line
from elman.text.speller import Speller
from elman.text.tokenizer import EOS_ID, UNK_ID, Tokenizer

Context = Literal["carry", "document", "independent"]
"""The context of a prediction: all text before the token, its document so far, or its line so
far."""

Documents = Iterable[Iterable[str]] | Iterable[tuple[str, bool]]
"""Documents as lists of lines, or one stream of lines, each with whether it starts a document."""

_WINDOW_TOKENS = 1 << 16
_WINDOW_CHARS = 1 << 20
_WINDOW_LINES = 1024
_ROWS = 64


@dataclasses.dataclass(frozen=True, eq=False)
class LineScore:
    """The log-probability of one line on its own."""

    text: str
    """The line in normal form."""
    log_prob: float
    """Sum over all tokens (nats), with `</s>` and the spelling of unknown words."""
    tokens: int
    """How many tokens, `</s>` included."""
    oov: int
    """How many of them were unknown words."""
    token_texts: Sequence[bytes]
    """The text of each token with leading spaces; the last one is the line feed of `</s>`."""
    token_log_probs: NDArray[np.float64]
    """One figure per token, spelling included; they add up to ``log_prob``."""

    @cached_property
    def per_token(self) -> list[tuple[str, float]]:
        """Each token's text and log-probability (nats)."""
        return list(zip(map(shown_bytes, self.token_texts), self.token_log_probs.tolist(), strict=True))


def shown_bytes(data: bytes) -> str:
    """A token's bytes as readable text; bytes that are not whole characters are escaped as OpenAI
    does.

    >>> shown_bytes("né".encode()), shown_bytes(b"\\xc3")
    ('né', 'bytes:\\\\xc3')
    """
    try:
        return data.decode()
    except UnicodeDecodeError:
        return "bytes:" + "".join(f"\\x{byte:02x}" for byte in data)


def score_lines(model: LanguageModel, speller: Speller, lines: Iterable[str]) -> Iterator[LineScore]:
    """Score lines one by one as if each were a document, in the order they come.

    Lines are read ahead within a window, in which lines of similar length are scored together.

    Raises:
        UsageError: a line with a line end inside.
    """
    tokenizer = model.tokenizer
    for window in _windows(map(_one_line, lines)):
        encoded = _encode(tokenizer, window)
        for line, scores in zip(encoded, score_alone(model, [line.ids for line in encoded]), strict=True):
            yield _line_score(tokenizer, speller, line, scores)


def follow_lines(
    model: LanguageModel, speller: Speller, lines: Iterable[str], state: State
) -> Iterator[tuple[LineScore, State]]:
    """Score lines as one text that continues ``state``, each with the state after it.

    Raises:
        UsageError: a line with a line end inside.
    """
    for line in lines:
        (encoded,) = _encode(model.tokenizer, [_one_line(line)])
        (scores,), state = row_score(model, [encoded.ids], state)
        yield _line_score(model.tokenizer, speller, encoded, scores), state


def evaluate(
    model: LanguageModel,
    speller: Speller,
    documents: Documents,
    *,
    context: Context,
    progress: Progress | None = None,
    total_bytes: int | None = None,
    by_line: LineNats | None = None,
) -> Tally:
    """Score a text in normal form, of any size.

    ``carry`` never resets the state: one stream. ``document`` starts afresh at each document,
    ``independent`` at each line; both are batched where the model can be. ``total_bytes`` lets the
    progress estimate the time left. ``by_line`` collects the losses of lines.

    >>> from elman.models.ngram.query import fit_ngram
    >>> from elman.text.tokenizer import TokenizerConfig
    >>> words = Tokenizer.fit(["the cat sat"], config=TokenizerConfig(min_count=1))
    >>> ids = np.array([*words.encode("the cat sat").ids, EOS_ID] * 9)
    >>> model = fit_ngram(ids, np.array([0, len(ids)]), words)
    >>> tally = evaluate(model, Speller.fit({}), [["the cat sat"], ["the dog"]], context="document")
    >>> tally.tokens, tally.oov, tally.bytes
    (7, 1, 20)

    Raises:
        UsageError: an unknown context.
    """
    meter = Meter(model.tokenizer, speller, by_line)
    nats = 0.0
    with (progress or Progress()).stage("evaluating", total=total_bytes, unit="bytes") as advance:
        shown = 0
        for log_probs in token_log_probs(model, meter.stream(documents, context=context)):
            nats -= float(log_probs.sum(dtype=np.float64))
            if by_line is not None:
                by_line.add(log_probs)
            advance(meter.tally.bytes - shown)
            shown = meter.tally.bytes
    return meter.tally + Tally(nats=nats)


def check_context(context: str) -> None:
    """Check the name of a context.

    Raises:
        UsageError: it is none of ``Context``.
    """
    if context not in get_args(Context):
        raise UsageError(f"context is {context!r}; it must be one of: {', '.join(get_args(Context))}")


def token_stream(tokenizer: Tokenizer, documents: Documents, *, context: Context) -> Iterator[tuple[TokenIds, bool]]:
    """The input of ``token_log_probs``: each line's ids with `</s>`, and whether the state is reset
    before it.

    Raises:
        UsageError: an unknown context.
    """
    return Meter(tokenizer, None).stream(documents, context=context)


def token_log_probs(model: LanguageModel, stream: Iterable[tuple[TokenIds, bool]]) -> Iterator[LogProbs]:
    """The log-probability of every token of a stream, in order, in arrays of bounded length.

    The cuts depend on the stream alone, so two models give arrays of equal lengths for the same
    stream.
    """
    whole: list[TokenIds] = []
    parts: list[TokenIds] = []
    begun: State | None = None
    waiting = 0
    for ids, starts in stream:
        if starts and begun is not None:
            if parts:
                yield row_score(model, [np.concatenate(parts)], begun)[0][0]
            begun, parts, waiting = None, [], 0
        elif starts and parts:
            whole.append(np.concatenate(parts))
            parts = []
        parts.append(ids)
        waiting += len(ids)
        if waiting >= _WINDOW_TOKENS:
            # Whole documents are batched; the open one comes last, alone, and its state is kept.
            (last,), begun = row_score(model, [np.concatenate(parts)], begun or model.start())
            yield np.concatenate([*score_alone(model, whole), last])
            whole, parts, waiting = [], [], 0
    if begun is not None and parts:
        yield row_score(model, [np.concatenate(parts)], begun)[0][0]
    elif parts:
        yield np.concatenate(score_alone(model, [*whole, np.concatenate(parts)]))


class _Line(NamedTuple):
    text: str
    ids: TokenIds
    """With `</s>`."""
    unknown: list[Unknown]


def _line_score(tokenizer: Tokenizer, speller: Speller, line: _Line, scores: LogProbs) -> LineScore:
    log_probs = scores.astype(np.float64)
    pieces, tokens = tokenizer.pieces, tokenizer.tokens
    texts = [(pieces[token] or tokens[token].encode()) if token else b" <unk>" for token in line.ids.tolist()]
    for position, spelled in line.unknown:
        log_probs[position] -= speller.nats(spelled)
        texts[position] = spelled.encode()
    return LineScore(line.text, float(log_probs.sum()), len(line.ids), len(line.unknown), texts, log_probs)


class Meter:
    """Encodes documents into a stream and counts them."""

    def __init__(self, tokenizer: Tokenizer, speller: Speller | None, by_line: LineNats | None = None) -> None:
        self._tokenizer = tokenizer
        self._speller = speller
        self._by_line = by_line
        self.tally = Tally()
        """Everything counted except ``nats``."""

    def stream(self, documents: Documents, *, context: Context) -> Iterator[tuple[TokenIds, bool]]:
        check_context(context)
        return self._stream(_marked_lines(documents), context)

    def _stream(self, lines: Iterator[tuple[str, bool]], context: Context) -> Iterator[tuple[TokenIds, bool]]:
        first = True
        marks: deque[bool] = deque()
        for window in _windows(_set_aside(lines, marks)):
            for line in _encode(self._tokenizer, window):
                starts = marks.popleft()
                facts = self._facts(line)
                self.tally += facts
                if self._by_line is not None:
                    self._by_line.expect(tokens=facts.tokens, spelling=facts.spelling_nats)
                yield line.ids, first or context == "independent" or (starts and context == "document")
                first = False

    def _facts(self, line: _Line) -> Tally:
        return Tally(
            spelling_nats=sum(self._speller.nats(unknown.spelled) for unknown in line.unknown)
            if self._speller
            else 0.0,
            tokens=len(line.ids),
            oov=len(line.unknown),
            bytes=len(line.text.encode()) + 1,
            chars=len(line.text) + 1,
            lines=1,
        )


def _marked_lines(documents: Documents) -> Iterator[tuple[str, bool]]:
    for item in documents:
        if isinstance(item, str):
            raise UsageError("documents came as plain strings; give each as a list of its lines")
        if isinstance(item, tuple) and len(item) == 2 and isinstance(item[1], bool):
            yield cast("tuple[str, bool]", item)
        else:
            for line_number, line in enumerate(cast("Iterable[str]", item)):
                yield line, line_number == 0


def _set_aside(lines: Iterable[tuple[str, bool]], marks: deque[bool]) -> Iterator[str]:
    for line, mark in lines:
        marks.append(mark)
        yield line


def _windows(lines: Iterable[str]) -> Iterator[list[str]]:
    """Lists of lines, bounded in number and total length; a long line comes alone or last."""
    window: list[str] = []
    chars = 0
    for line in lines:
        window.append(line)
        chars += len(line)
        if chars >= _WINDOW_CHARS or len(window) >= _WINDOW_LINES:
            yield window
            window, chars = [], 0
    if window:
        yield window


def _one_line(text: str) -> str:
    line = normalise_line(text)
    if "\n" in line or "\r" in line:
        raise UsageError(f"a line to score has a line end inside ({line[:40]!r}); give its lines one by one")
    return line


def _encode(tokenizer: Tokenizer, lines: Sequence[str]) -> list[_Line]:
    encoded_lines = []
    for line, ids in zip(lines, tokenizer.encode_lines(lines), strict=True):
        # Positions cost more than ids, and only unknown tokens need them.
        unknown = unknown_tokens(tokenizer, line, tokenizer.encode(line)) if (ids == UNK_ID).any() else []
        encoded_lines.append(_Line(line, np.append(ids, EOS_ID), unknown))
    return encoded_lines


def score_alone(model: LanguageModel, rows: Sequence[TokenIds]) -> list[LogProbs]:
    """The log-probabilities of each row from a document start; rows of similar length are scored
    together.
    """
    scores: list[LogProbs] = [np.empty(0, dtype=np.float32)] * len(rows)
    most = _ROWS if model.batchable else 1
    longest_first = sorted(range(len(rows)), key=lambda row: -len(rows[row]))
    begin = 0
    while begin < len(rows):
        least = len(rows[longest_first[begin]]) // 2
        group = [row for row in longest_first[begin : begin + most] if len(rows[row]) >= least]
        group_scores, _ = row_score(model, [rows[row] for row in group], model.start(len(group)))
        for row, row_scores in zip(group, group_scores, strict=True):
            scores[row] = row_scores
        begin += len(group)
    return scores
