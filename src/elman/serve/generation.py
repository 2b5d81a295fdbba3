"""Generates several texts at once: which tokens are drawn, and when they may be shown.

Each text has its own random generator, so that it does not depend on other requests.
"""

import asyncio
import codecs
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from elman.decode.largest import largest
from elman.decode.masking import Mask
from elman.decode.pieces import piece_index
from elman.decode.sampling import Sampler, forbidden, penalise_repetition
from elman.models.protocol import State
from elman.notation import LogProbs, TokenIds
from elman.serve.batching import Batcher
from elman.serve.prompts import Prompt, shown_token
from elman.text.token_writer import Writer
from elman.text.tokenizer import EOS_ID, Tokenizer

_LEAST = -9999.0
"""Stands for the logarithm of 0, which JSON does not have; OpenAI's value."""


class Token(NamedTuple):
    """One token of an answer."""

    shown: str
    offset: int
    """Where it begins in the answer's text, in characters."""
    log_prob: float | None
    """Nats; None for the first token of a prompt."""
    top: dict[str, float] | None
    """The likeliest tokens there and itself, with their log-probabilities."""


class Piece(NamedTuple):
    """A piece of one of the texts that may be shown."""

    index: int
    text: str
    tokens: list[Token]
    finish: str | None
    """``stop`` before a stop string, ``length`` after the last token asked for, None while it
    continues."""


@dataclass(frozen=True, eq=False)
class Wish:
    """How to generate the texts."""

    sampler: Sampler
    max_tokens: int
    stop: Sequence[str] = ()
    tops: int | None = None
    """How many likely tokens to list at each position; None: no log-probabilities at all."""
    repetition_penalty: float = 1.0
    """For every token of the prompt and of the text so far."""
    presence_penalty: float = 0.0
    """Taken from the log-probability of every token that the text has already."""
    frequency_penalty: float = 0.0
    """The same, multiplied by how often the text has it."""
    bias: Mapping[int, float] = field(default_factory=dict)
    """Added to log-probabilities, by token id."""
    mask: Mask | None = None
    """What keeps hidden words out."""


class Picked(NamedTuple):
    """A token, and the likely ones at its position."""

    token: int
    log_prob: float
    top: list[tuple[int, float]]


def pick(log_probs: LogProbs, token: int, tops: int | None, mask: Mask | None = None) -> Picked:
    """A token's figures from the log-probabilities at its position, ``[V]``."""
    if tops is None:
        return Picked(token, 0.0, [])
    top = [(each, finite(log_probs.item(each))) for each in shown_tops(log_probs, tops, mask)]
    return Picked(token, finite(log_probs.item(token)), top)


def shown_tops(log_probs: LogProbs, count: int, mask: Mask | None) -> list[int]:
    """The likeliest tokens of a place, ``[V]``, without those that are always hidden."""
    if mask is not None and len(mask.always):
        log_probs = log_probs.copy()
        log_probs[mask.always] = -np.inf
    return [token for token in largest(log_probs, count).tolist() if log_probs[token] > -np.inf or mask is None]


def finite(log_prob: float) -> float:
    """A log-probability that JSON can hold."""
    return max(log_prob, _LEAST)


def name_tops(tokenizer: Tokenizer, picked: Picked, shown: str, *, line_start: bool) -> dict[str, float]:
    """The likely tokens by their text, always including the token itself."""
    named = {}
    for token, log_prob in picked.top:
        if token == picked.token:  # its own figure may count the spelling of an unknown word
            continue
        name = shown_token(tokenizer, token, None, line_start=line_start)
        if name == shown or name in named:
            name = shown_token(tokenizer, token, None)  # with its leading space it differs from all others
        named[name] = max(log_prob, named.get(name, _LEAST))
    return {**named, shown: picked.log_prob}


class Showing:
    """One text being sent: whole characters only, and nothing that may be the beginning of a stop
    string."""

    def __init__(self, index: int, stop: Sequence[str], *, begin: int = 0) -> None:
        self.index = index
        self.finish: str | None = None
        self._stop = stop
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._held = ""
        self._tokens: list[Token] = []
        self._shown = begin
        self._mask: Mask | None = None
        self._given, self._written = "", ""
        self.read = begin
        """Characters that are whole, shown or not."""

    def hide_with(self, mask: Mask, line: str) -> None:
        """Hold back a hidden word at the end of the text; ``line`` is the open line of the
        prompt."""
        self._mask, self._given = mask, line

    def _hidden(self) -> int:
        """How much at the end of what is held must not be shown."""
        if self._mask is None:
            return 0
        *lines, last = self._written.split("\n")
        line, given = (last, 0) if lines else (self._given + last, len(self._given))
        return min(self._mask.hidden_end(line, given), len(self._held))

    def add(self, data: bytes, token: Token | None) -> Piece:
        """One more token; what may be shown now."""
        text = self._decoder.decode(data)
        self.read += len(text)
        self._held, self._written = self._held + text, self._written + text
        if token is not None:
            self._tokens.append(token)
        places = [place for place in map(self._held.find, self._stop) if place >= 0]
        if places:
            self.finish = "stop"
            rest = len(self._held) - min(places)
            self._held, self._written = self._held[: min(places)], self._written[:-rest]
            return self._show(len(self._held) - self._hidden())
        keep = max((_overlap(self._held, stop) for stop in self._stop), default=0)
        return self._show(len(self._held) - max(keep, self._hidden()))

    def end(self) -> Piece:
        """No more tokens: the text that was held back, without an incomplete character."""
        self.finish = "length"
        piece = self._show(len(self._held) - self._hidden())
        tokens, self._tokens = self._tokens, []
        return piece._replace(tokens=piece.tokens + tokens)

    def _show(self, size: int) -> Piece:
        text, self._held = self._held[:size], self._held[size:]
        self._shown += size
        ready = [token for token in self._tokens if token.offset < self._shown]
        self._tokens = self._tokens[len(ready) :]
        return Piece(self.index, text, ready, self.finish)


def _overlap(text: str, stop: str) -> int:
    longest = min(len(text), len(stop) - 1)
    return next((size for size in range(longest, 0, -1) if text.endswith(stop[:size])), 0)


class WrittenText:
    """One of the texts being written."""

    def __init__(self, prompt: Prompt, showing: Showing, rng: np.random.Generator) -> None:
        self.showing, self.rng = showing, rng
        self.typed, self.line_start = prompt.typed, prompt.line_start
        self.line = prompt.line.encode() + prompt.typed
        """The open line so far."""
        self.given = len(self.line)
        """How many bytes of it are the prompt's."""
        self._after = prompt.line
        self._writer: Writer | None = None
        self.written: Counter[int] = Counter()
        self.seen = set(prompt.ids.tolist())
        """Tokens of the prompt and of the text so far."""

    def take(self, tokenizer: Tokenizer, picked: Picked, *, told: bool) -> Piece:
        """One more token."""
        # A typed space is on the page already, and so is the one before each line's first token.
        line_start = self.line_start or bool(self.typed)
        if self._writer is None:
            self._writer = tokenizer.writer(line_start=line_start, after=self._after)
        data = self._writer.write(picked.token)
        token = None
        if told:
            shown = shown_token(tokenizer, picked.token, None, line_start=line_start)
            top = name_tops(tokenizer, picked, shown, line_start=line_start)
            token = Token(shown, self.showing.read, picked.log_prob, top)
        self.typed, self.line_start = b"", picked.token == EOS_ID
        self.line, self.given = (b"", 0) if self.line_start else (self.line + data, self.given)
        self.written[picked.token] += 1
        self.seen.add(picked.token)
        return self.showing.add(data, token)


def choose(tokenizer: Tokenizer, wish: Wish, texts: Sequence[WrittenText]) -> Callable[[LogProbs], list[Picked]]:
    """Draws the next token of each text, given the log-probabilities ``[texts, V]``."""

    def draw(log_probs: LogProbs) -> list[Picked]:
        found = []
        for row, text in enumerate(texts):
            scores = penalise_repetition(log_probs[row : row + 1], text.seen, wish.repetition_penalty).copy()
            for token, bias in wish.bias.items():
                scores[0, token] += bias
            if wish.presence_penalty or wish.frequency_penalty:
                for token, count in text.written.items():
                    scores[0, token] -= wish.presence_penalty + wish.frequency_penalty * count
            if text.typed:
                begun = piece_index(tokenizer).starting_with(text.typed)
                fitting = np.full_like(scores, -np.inf)
                fitting[:, begun] = scores[:, begun]
                scores = fitting
            if wish.mask is not None:
                scores = forbidden(scores, wish.mask.banned(text.line, text.given))
            token = int(wish.sampler(scores, text.rng)[0])
            found.append(pick(log_probs[row], token, wish.tops, wish.mask))
        return found

    return draw


async def write(
    batcher: Batcher, wish: Wish, texts: Sequence[WrittenText], state: State
) -> AsyncIterator[tuple[int, Piece]]:
    """Continue from the rows of a state; each piece comes with the number of tokens drawn for
    it."""
    tokenizer = batcher.model.tokenizer
    live = list(texts)
    ids: TokenIds | None = None
    for place in range(wish.max_tokens):
        picked, state = await _draw(batcher, wish, live, state, ids)
        for text, each in zip(live, picked, strict=True):
            piece = text.take(tokenizer, each, told=wish.tops is not None)
            if piece.finish is None and place == wish.max_tokens - 1:
                rest = text.showing.end()
                piece = rest._replace(text=piece.text + rest.text, tokens=piece.tokens + rest.tokens)
            yield 1, piece
        going = [row for row, text in enumerate(live) if text.showing.finish is None]
        if not going:
            return
        if len(going) < len(live):
            live, state = [live[row] for row in going], state.take(going)
        ids = np.array([picked[row].token for row in going], dtype=np.int64)
    for text in live:
        yield 0, text.showing.end()


async def _draw(
    batcher: Batcher, wish: Wish, texts: Sequence[WrittenText], state: State, ids: TokenIds | None
) -> tuple[list[Picked], State]:
    """One step of all texts, in parts of as many rows as the batcher takes."""
    tokenizer, most = batcher.model.tokenizer, batcher.most
    if len(texts) <= most:
        state, picked = await asyncio.wrap_future(batcher.step(state, ids, choose(tokenizer, wish, texts)))
        assert picked is not None
        return picked, state
    parts = [range(begin, min(begin + most, len(texts))) for begin in range(0, len(texts), most)]
    found = await asyncio.gather(
        *(
            _draw(batcher, wish, [texts[row] for row in part], state.take(part), None if ids is None else ids[part])
            for part in parts
        )
    )
    return [each for picked, _ in found for each in picked], State.stack([after for _, after in found])
