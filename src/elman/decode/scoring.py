"""Log-probabilities of texts: per line, per token, or for a whole evaluation text.

Memory does not grow with the text: lines stream in, tokens are scored in chunks, and batches are
gathered in a bounded window. An unknown word costs the prediction of `<unk>` plus its spelling.
"""

import dataclasses
import math
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import islice
from typing import Literal, get_args, overload

import numpy as np
from numpy.typing import NDArray

from elman.data.oov import Unknown
from elman.decode.bulk import line_sums, prefixes_differ, score_window
from elman.decode.line_ids import line_ids
from elman.decode.line_nats import LineNats
from elman.decode.rows import row_score, score_apart
from elman.errors import UsageError
from elman.metrics.language import Tally
from elman.models.protocol import LanguageModel, State
from elman.notation import LogProbs, TokenIds
from elman.progress import Progress
from elman.text.apostrophes import with_signs
from elman.text.speller import Speller
from elman.text.tokenizer import Tokenizer

Context = Literal["carry", "document", "independent"]
"""The context of a prediction: all text before the token, its document so far, or its line so
far."""

Documents = Iterable[Iterable[str]] | Iterable[tuple[str, bool]]
"""Documents as lists of lines, or one stream of lines, each with whether it starts a document."""

_WINDOW_TOKENS = 1 << 16
_WINDOW_CHARS = 1 << 20
_WINDOW_LINES = 1 << 15


@dataclasses.dataclass(frozen=True, eq=False)
class LineScore:
    """The log-probability of one line, by default with `</s>` and the spelling of unknown words."""

    text: str
    """The line in normal form."""
    log_prob: float
    """Sum over all tokens (nats)."""
    tokens: int
    """How many tokens."""
    oov: int
    """How many of them were unknown words."""
    token_texts: Sequence[bytes]
    """The text of each token with leading spaces; that of `</s>` is a line feed."""
    token_log_probs: NDArray[np.float64]
    """One figure per token (nats); they add up to ``log_prob``."""

    @property
    def log10_prob(self) -> float:
        """``log_prob`` as a logarithm to base 10, as in ARPA files."""
        return self.log_prob / math.log(10)

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


def score_lines(
    model: LanguageModel,
    speller: Speller,
    lines: Iterable[str],
    *,
    prefix: str | Iterable[str] = "",
    spelling: bool = True,
    eos: bool = True,
) -> Iterator[LineScore]:
    """Score lines one by one as if each were a document, in the order they come.

    Lines are read ahead within a window, in which lines of similar length are scored together.

    Args:
        prefix: what the model has read before a line, which is scored as its continuation
            (``decode.continuations``); one for all lines, or one for each.
        spelling: whether an unknown word costs its spelling beside the prediction of `<unk>`, and
            an apostrophe its sign.
        eos: whether a line's end is scored.

    Raises:
        UsageError: a line with a line end inside, or prefixes that are not as many as the lines.
    """
    prefixes = None if isinstance(prefix, str) else iter(prefix)
    for window in _windows(one_line(model.tokenizer, line) for line in lines):
        own = prefix if isinstance(prefix, str) else [*islice(prefixes or (), len(window))]
        if not isinstance(own, str) and len(own) < len(window):
            raise prefixes_differ(len(own), len(window))
        found = score_window(model, speller, window, prefix=own, spelling=spelling, eos=eos)
        sums, start = line_sums(found.log_probs, found.ends).tolist(), 0
        for row, (line, end) in enumerate(zip(window, found.ends.tolist(), strict=True)):
            unknown, signs = found.encoded.unknown.get(row, []), found.encoded.signs[row : row + 1]
            texts = _TokenTexts(model.tokenizer, found.ids[start:end], unknown, "".join(signs))
            yield LineScore(line, sums[row], end - start, len(unknown), texts, found.log_probs[start:end])
            start = end
    if prefixes is not None and next(prefixes, None) is not None:
        raise UsageError("more prefixes came than lines; give one prefix for each line, or one for all")


def follow_lines(
    model: LanguageModel,
    speller: Speller,
    lines: Iterable[str],
    state: State,
    *,
    spelling: bool = True,
    eos: bool = True,
) -> Iterator[tuple[LineScore, State]]:
    """Score lines as one text that continues ``state``, each with the state after it.

    Args:
        spelling, eos: as for ``score_lines``; the state has read the line's end in any case.

    Raises:
        UsageError: a line with a line end inside.
    """
    tokenizer = model.tokenizer
    for line in (one_line(tokenizer, line) for line in lines):
        encoded = line_ids(tokenizer, [line if spelling else tokenizer.spelling.with_usual_apostrophes(line)])
        ids, unknown = encoded.ids, encoded.unknown.get(0, [])
        (scores,), state = row_score(model, [ids], state)
        log_probs = scores.astype(np.float64)
        if spelling:
            log_probs -= encoded.spelling_nats(tokenizer, speller)
        ids, log_probs = (ids, log_probs) if eos else (ids[:-1], log_probs[:-1])
        total = float(line_sums(log_probs, np.array([len(ids)]))[0])
        texts = _TokenTexts(tokenizer, ids, unknown, "".join(encoded.signs))
        yield LineScore(line, total, len(ids), len(unknown), texts, log_probs), state


class _TokenTexts(Sequence[bytes]):
    """The texts of a line's tokens, looked up when they are asked for."""

    def __init__(self, tokenizer: Tokenizer, ids: TokenIds, unknown: Sequence[Unknown], signs: str) -> None:
        self._tokenizer, self._ids, self._unknown, self._signs = tokenizer, ids, unknown, signs

    def __len__(self) -> int:
        return len(self._ids)

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: slice) -> list[bytes]: ...
    def __getitem__(self, index: int | slice) -> bytes | list[bytes]:
        return self._texts[index]

    @cached_property
    def _texts(self) -> list[bytes]:
        return token_texts(self._tokenizer, self._ids, self._unknown, self._signs)


def token_texts(tokenizer: Tokenizer, ids: TokenIds, unknown: Sequence[Unknown], signs: str) -> list[bytes]:
    """The texts of tokens with their apostrophes (``signs``), as ``LineScore.token_texts`` has
    them; a marker is its own name.
    """
    pieces, tokens = tokenizer.pieces, tokenizer.tokens
    texts = [(pieces[token] or tokens[token].encode()) if token else b" <unk>" for token in ids.tolist()]
    for place, spelled in unknown:
        texts[place] = spelled.encode()
    usual = tokenizer.config.apostrophe
    if signs and signs != usual * len(signs):
        for place, text in enumerate(texts):
            if count := text.count(usual.encode()):
                texts[place], signs = with_signs(text.decode(), usual, signs[:count]).encode(), signs[count:]
    return texts


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
    >>> from elman.text.tokenizer import EOS_ID, TokenizerConfig
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
        raise UsageError.of("context", context, f"one of: {', '.join(get_args(Context))}")


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
            yield np.concatenate([*score_apart(model, whole), last])
            whole, parts, waiting = [], [], 0
    if begun is not None and parts:
        yield row_score(model, [np.concatenate(parts)], begun)[0][0]
    elif parts:
        yield np.concatenate(score_apart(model, [*whole, np.concatenate(parts)]))


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
            encoded = line_ids(self._tokenizer, window)
            nats = (
                encoded.spelling_nats(self._tokenizer, self._speller) if self._speller else np.zeros(len(encoded.ids))
            )
            spelling = line_sums(nats, encoded.ends).tolist()
            for row, (line, ids) in enumerate(zip(window, encoded.split(), strict=True)):
                starts = marks.popleft()
                facts = self._facts(line, len(ids), spelling[row], oov=len(encoded.unknown.get(row, ())))
                self.tally += facts
                if self._by_line is not None:
                    self._by_line.expect(tokens=facts.tokens, spelling=facts.spelling_nats)
                yield ids, first or context == "independent" or (starts and context == "document")
                first = False

    def _facts(self, line: str, tokens: int, spelling_nats: float, *, oov: int) -> Tally:
        return Tally(
            spelling_nats=spelling_nats,
            tokens=tokens,
            oov=oov,
            bytes=len(line.encode()) + 1,
            chars=len(line) + 1,
            lines=1,
        )


def _marked_lines(documents: Documents) -> Iterator[tuple[str, bool]]:
    for item in documents:
        if isinstance(item, str):
            raise UsageError("documents came as plain strings; give each as a list of its lines")
        if isinstance(item, tuple) and len(item) == 2 and isinstance(item[1], bool):
            yield item
        else:
            for line_number, line in enumerate(item):
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


def one_line(tokenizer: Tokenizer, text: str) -> str:
    """A line in the normal form of a tokenizer.

    Raises:
        UsageError: it has a line end inside.
    """
    line = tokenizer.normal_form(text)
    if "\n" in line or "\r" in line:
        raise UsageError(f"a line to score has a line end inside ({line[:40]!r}); give its lines one by one")
    return line
