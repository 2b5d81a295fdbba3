"""OpenAI's /v1/completions: prompts in, generated texts out, complete or as a stream."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from elman.data.spelling_costs import spelling_nats
from elman.decode.rows import CHUNK
from elman.decode.sampling import check_repetition_penalty, make_sampler
from elman.models.protocol import State
from elman.notation import LogProbs, TokenIds
from elman.serve.abilities import ContinuesText
from elman.serve.batching import Batcher
from elman.serve.errors import Problem, json_bytes, shown
from elman.serve.generation import Picked, Piece, Showing, Token, Wish, WrittenText, finite, name_tops, pick, write
from elman.serve.hidden import Hidden
from elman.serve.limits import Limits
from elman.serve.prompts import Prompt, check_ids, prompt_from_ids, prompt_from_text
from elman.serve.schemas import CompletionBody
from elman.serve.sessions import too_long

_DEFAULT_TOKENS = 16
_STOP_CHARS = 200
_PROBS = 1 << 21
"""Most probabilities in memory at a time during the search for a prompt's likely tokens: 8 MB.
"""


@dataclass(frozen=True, eq=False)
class Order:
    """A request that has been checked."""

    served: ContinuesText
    prompts: list[Prompt]
    wish: Wish
    n: int
    seed: int
    echo: bool

    @property
    def prompt_tokens(self) -> int:
        """Tokens of all prompts."""
        return sum(len(prompt.ids) for prompt in self.prompts)


def check(body: CompletionBody, served: ContinuesText, limits: Limits, hidden: Hidden) -> Order:
    """The job that a body requests.

    Raises:
        Problem: too much of it, or something that the model does not have.
        UsageError: a value that sampling does not allow.
    """
    tokenizer = served.model.lm.tokenizer
    stop = [body.stop] if isinstance(body.stop, str) else body.stop or []
    if not all(stop):
        what = "stop is empty" if isinstance(body.stop, str) else "stop has an empty string"
        raise Problem(422, f"{what}; leave it out, or give the text to stop at", param="stop")
    longest = max(map(len, stop), default=0)
    if len(stop) > limits.max_stop or longest > _STOP_CHARS:
        raise Problem(
            422, f"stop has {len(stop)} strings, of up to {longest} characters; this server takes {limits.max_stop}, "
            f"of up to {_STOP_CHARS} characters each", param="stop",
        )  # fmt: skip
    tokens = _DEFAULT_TOKENS if body.max_tokens is None else body.max_tokens
    if tokens > limits.max_tokens:
        raise Problem(
            422, f"max_tokens is {tokens}; this server generates up to {limits.max_tokens}", param="max_tokens"
        )
    given = _listed(body.prompt)
    n = body.n or 1
    if n * len(given) > limits.max_choices:
        raise Problem(
            422, f"{len(given)} prompts, n {n}: {n * len(given)} texts; this server generates up to "
            f"{limits.max_choices} per request", param="n",
        )  # fmt: skip
    prompts = []
    for each in given:
        if not isinstance(each, str):
            check_ids(tokenizer, each, param="prompt")
        made = (
            prompt_from_text(tokenizer, each)
            if isinstance(each, str)
            else prompt_from_ids(tokenizer, np.array(each, dtype=np.int64))
        )
        if len(made.ids) > limits.max_prompt_tokens:
            raise too_long(limits.max_prompt_tokens)
        prompts.append(made)
    echoed = sum(len(prompt.ids) for prompt in prompts) if body.echo else 0
    # A stream's tokens are sent as they come; echoed ones are known before the first is sent.
    held = echoed if body.stream else n * (echoed + len(prompts) * tokens)
    answer = held * (1 + (body.logprobs or 0))
    if answer > limits.max_answer:
        raise Problem(
            422, f"the answer could have {answer} tokens, alternatives counted; this server gives up to "
            f"{limits.max_answer} at a time: ask for fewer (max_tokens, n, logprobs, echo) or for a stream",
            param="max_tokens",
        )  # fmt: skip
    sampler = make_sampler(
        temperature=1.0 if body.temperature is None else body.temperature, top_k=body.top_k, top_p=body.top_p,
        min_p=body.min_p,
    )  # fmt: skip
    repetition_penalty = 1.0 if body.repetition_penalty is None else body.repetition_penalty
    check_repetition_penalty(repetition_penalty)
    wish = Wish(
        sampler,
        max_tokens=tokens,
        stop=stop,
        tops=body.logprobs,
        repetition_penalty=repetition_penalty,
        presence_penalty=body.presence_penalty or 0.0,
        frequency_penalty=body.frequency_penalty or 0.0,
        bias=_bias(body.logit_bias or {}, tokenizer.size),
        mask=hidden.mask(tokenizer),
    )
    seed = secrets.randbits(32) if body.seed is None else body.seed % (1 << 64)
    return Order(served, prompts, wish, n, seed, bool(body.echo))


def _listed(prompt: Any) -> list[Any]:
    if prompt is None or isinstance(prompt, str):
        return [prompt or ""]
    return [prompt] if isinstance(prompt[0], int) else prompt


def _bias(given: dict[str, float], size: int) -> dict[int, float]:
    for token in given:
        if not token.isascii() or not token.isdigit() or len(token) > 10 or int(token) >= size:
            raise Problem(
                422, f"logit_bias has {shown(token)}; it must be token ids, for this model 0 to {size - 1}",
                param="logit_bias",
            )  # fmt: skip
    return {int(token): bias for token, bias in given.items()}


async def pieces(order: Order) -> AsyncIterator[tuple[int, Piece]]:
    """All generated pieces as they come, each with the number of tokens drawn for it."""
    batcher, wish = order.served.batcher, order.wish
    read = await asyncio.gather(*(_read(batcher, prompt, order) for prompt in order.prompts))
    texts = []
    for place, (prompt, (tokens, _)) in enumerate(zip(order.prompts, read, strict=True)):
        for copy in range(order.n):
            index = place * order.n + copy
            # The first text of a seed is the one that `Model.generate` gives.
            rng = np.random.default_rng([order.seed, copy] if copy else order.seed)
            text = WrittenText(prompt, Showing(index, wish.stop, begin=len(prompt.text) if order.echo else 0), rng)
            if wish.mask is not None:
                text.showing.hide_with(wish.mask, text.line.decode("utf-8", "ignore"))
            texts.append(text)
            if order.echo:
                yield 0, Piece(index, prompt.text, tokens, None)
    states = [state for _, state in read for _ in range(order.n)]
    async for drawn, piece in write(batcher, wish, texts, states[0] if len(states) == 1 else State.stack(states)):
        yield drawn, piece


async def _read(batcher: Batcher, prompt: Prompt, order: Order) -> tuple[list[Token], State]:
    """The state after a prompt and, if they are asked for, its tokens' figures."""
    state = batcher.first
    tops = order.wish.tops
    if tops is None or not order.echo:
        for begin in range(0, len(prompt.ids), CHUNK):
            _, state = await asyncio.wrap_future(batcher.score([prompt.ids[begin : begin + CHUNK]], state))
        return [], state
    tokenizer = batcher.model.tokenizer
    size = max(min(CHUNK, _PROBS // tokenizer.size), 1)
    picked: list[Picked] = []
    for begin in range(0, len(prompt.ids), size):
        ids = prompt.ids[begin : begin + size]

        def look(log_probs: LogProbs, ids: TokenIds = ids) -> list[Picked]:
            return [pick(row, token, tops) for row, token in zip(log_probs, ids.tolist(), strict=True)]

        found, state = await asyncio.wrap_future(batcher.trace(ids, state, look))
        picked += found
    tokens = []
    speller = order.served.model.speller
    nats = spelling_nats(tokenizer, speller, prompt.ids, prompt.unknown, prompt.signs).tolist()
    for place, each in enumerate(picked):
        name, offset = prompt.shown[place], prompt.offsets[place]
        if nats[place]:
            each = each._replace(log_prob=finite(each.log_prob - nats[place]))
        line_start = place == 0 or prompt.shown[place - 1] == "\n"
        top = name_tops(tokenizer, each, name, line_start=line_start) if place else None
        tokens.append(Token(name, offset, each.log_prob if place else None, top))
    return tokens, state


class Answer:
    """The fields that OpenAI's clients expect around the pieces."""

    def __init__(self, order: Order, *, with_usage: bool = False) -> None:
        self._order = order
        self._with_usage = with_usage
        self._head = {
            "id": f"cmpl-{secrets.token_hex(12)}",
            "object": "text_completion",
            "created": int(time.time()),
            "model": order.served.name,
            "system_fingerprint": order.served.model.lm.model_hash[:16],
        }
        self.written = 0

    async def whole(self) -> dict[str, Any]:
        """One object with all texts."""
        count = len(self._order.prompts) * self._order.n
        parts: list[list[str]] = [[] for _ in range(count)]
        tokens: list[list[Token]] = [[] for _ in range(count)]
        finish: list[str | None] = [None] * count
        async for drawn, piece in pieces(self._order):
            self.written += drawn
            parts[piece.index].append(piece.text)
            tokens[piece.index] += piece.tokens
            finish[piece.index] = piece.finish or finish[piece.index]
        choices = [self._choice(index, "".join(parts[index]), tokens[index], finish[index]) for index in range(count)]
        return {**self._head, "choices": choices, "usage": self._usage()}

    async def events(self) -> AsyncIterator[bytes]:
        """The same as server-sent events."""
        async for drawn, piece in pieces(self._order):
            self.written += drawn
            if piece.text or piece.tokens or piece.finish:
                choice = self._choice(piece.index, piece.text, piece.tokens, piece.finish)
                yield self._event({"choices": [choice], **({"usage": None} if self._with_usage else {})})
        if self._with_usage:
            yield self._event({"choices": [], "usage": self._usage()})
        yield b"data: [DONE]\n\n"

    def _event(self, rest: dict[str, Any]) -> bytes:
        return event({**self._head, **rest})

    def _choice(self, index: int, text: str, tokens: Sequence[Token], finish: str | None) -> dict[str, Any]:
        logprobs = None
        if self._order.wish.tops is not None:
            logprobs = {
                "tokens": [token.shown for token in tokens],
                "token_logprobs": [token.log_prob for token in tokens],
                "top_logprobs": [token.top for token in tokens],
                "text_offset": [token.offset for token in tokens],
            }
        return {"index": index, "text": text, "logprobs": logprobs, "finish_reason": finish}

    def _usage(self) -> dict[str, int]:
        read = self._order.prompt_tokens
        return {"prompt_tokens": read, "completion_tokens": self.written, "total_tokens": read + self.written}


def event(value: Any) -> bytes:
    """One server-sent event.

    Clients that split a stream at every line end of Unicode get whole events: those that JSON does
    not escape (U+0085, U+2028, U+2029) are escaped.

    >>> event({"text": "one\u2028two"})
    b'data: {"text":"one\\\\u2028two"}\\n\\n'
    """
    data = json_bytes(value)
    for char in ("\x85", "\u2028", "\u2029"):
        data = data.replace(char.encode(), f"\\u{ord(char):04x}".encode())
    return b"data: " + data + b"\n\n"
