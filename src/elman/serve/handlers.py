"""The handlers of /v1/complete and /v1/score, each in a thread of its own."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from elman.data.oov import unknown_tokens
from elman.decode.prompt_state import whole_words
from elman.decode.scoring import score_lines
from elman.models.protocol import LanguageModel, State
from elman.notation import Lengths, LogProbs, TokenIds
from elman.serve.abilities import ContinuesText
from elman.serve.batching import Batched, Patience
from elman.serve.generation import finite, shown_tops
from elman.serve.hidden import Hidden
from elman.serve.keyboards import Keyboards, readers
from elman.serve.prompts import shown_token
from elman.serve.request_context import RequestContext
from elman.serve.schemas import CompleteBody, ScoreBody
from elman.serve.sessions import Sessions, too_long
from elman.text.normalise import split_lines
from elman.text.tokenizer import EOS_ID


class TypingContext(NamedTuple):
    """What completing needs besides models and keyboards."""

    sessions: Sessions
    hidden: Hidden


_PROBS = 1 << 22
"""Most probabilities in memory at a time."""
_SHORT = 2000
_FEW = 100


def complete_answer(
    body: CompleteBody,
    served: Sequence[ContinuesText],
    keyboards: Keyboards,
    context: TypingContext,
    patience: Patience,
) -> dict[str, Any]:
    """The likeliest next words: those of ``Model.complete``, without what the server hides."""
    models = [Batched(each.batcher, patience) for each in served]
    with readers(models, served, context.sessions, body.session, wait=True) as read:
        assert read is not None
        return _completed(body, served, keyboards, context.hidden, read, models)


def remembered_answer(
    body: CompleteBody, served: Sequence[ContinuesText], keyboards: Keyboards, context: TypingContext
) -> dict[str, Any] | None:
    """The same if the session has everything it needs, so that no thread has to wait for the model;
    otherwise None."""
    short = len(body.prompt) <= _SHORT and body.n <= _FEW and len(body.block) <= _FEW
    if body.session is None or not short or not whole_words(served[0].model.lm.tokenizer):
        return None
    silent = [_Silent(each.batcher, Patience(0)) for each in served]
    with readers(silent, served, context.sessions, body.session, wait=False) as read:
        if read is None:
            return None
        try:
            return _completed(body, served, keyboards, context.hidden, read, silent)
        except _Asked:
            return None


class _Asked(Exception):
    """The model is needed after all."""


class _Silent(Batched):
    """A model that must not be called."""

    def step(self, state: State, ids: TokenIds | None = None) -> tuple[State, LogProbs]:
        raise _Asked

    def advance(self, ids: TokenIds, state: State) -> State:
        raise _Asked

    def score(self, ids: TokenIds, lengths: Lengths, state: State) -> tuple[LogProbs, State]:
        raise _Asked


def _completed(
    body: CompleteBody,
    served: Sequence[ContinuesText],
    keyboards: Keyboards,
    hidden: Hidden,
    read: Sequence[LanguageModel],
    scoring: Sequence[LanguageModel],
) -> dict[str, Any]:
    offers = hidden.offers(read[0].tokenizer, body.block, secrets=body.secrets)
    rules = {"block": offers.block, "secrets": offers.secrets, "punctuation": body.punctuation, "repeats": body.repeats}
    keyboard = keyboards.keyboard(served, body.session, typos=body.typos).through(read, scoring=scoring)
    found = keyboard.complete(body.prompt, n=body.n, partial=body.partial, **rules)
    about = {"partial": found.partial, "words": found.pairs, "oov": found.oov, "read_as": dict(found.read_as)}
    unknown = keyboard.unknown(found) if whole_words(read[0].tokenizer) else 0.0
    return {"model": served[0].name, "prompt": body.prompt, **about, "typed": found.typed, "unknown": unknown}


def score_answer(body: ScoreBody, served: ContinuesText, context: RequestContext) -> dict[str, Any]:
    """Bits of each token of each line, every line by itself, as ``Model.score`` (which counts in
    nats)."""
    tokenizer, (limits, hidden, patience, _) = served.model.lm.tokenizer, context
    lines = [tokenizer.normal_form(line) for line in split_lines(body.text)]
    if sum(len(ids) + 1 for ids in tokenizer.encode_lines(lines)) > limits.max_prompt_tokens:
        raise too_long(limits.max_prompt_tokens, param="text")
    found = []
    for line in score_lines(Batched(served.batcher, patience), served.model.speller, lines):
        per_token: list[dict[str, Any]] = [{"text": text, "bits": _bits(nats)} for text, nats in line.per_token]
        for unknown in unknown_tokens(tokenizer, line.text, tokenizer.encode(line.text)):
            per_token[unknown.place]["unknown"] = True
        if body.top:
            for token, top in zip(per_token, likely_tokens(line.text, body.top, served, hidden, patience), strict=True):
                token["top"] = top
        found.append(
            {
                "text": line.text,
                "bits": _bits(line.log_prob),
                "tokens": line.tokens,
                "oov": line.oov,
                "per_token": per_token,
            }
        )
    totals = {name: sum(line[name] for line in found) for name in ("bits", "tokens", "oov")}
    return {"model": served.name, **totals, "lines": found}


def _bits(log_prob: float) -> float:
    """Of one token or of a sum of many: only values that JSON lacks are bounded."""
    return -(log_prob if math.isfinite(log_prob) else finite(log_prob)) / math.log(2)


def likely_tokens(
    line: str, count: int, served: ContinuesText, hidden: Hidden, patience: Patience
) -> list[list[dict[str, Any]]]:
    """The likeliest tokens at each position of a single line, including its end, with their
    bits."""
    tokenizer = served.model.lm.tokenizer
    ids = np.append(tokenizer.encode(line).ids, EOS_ID).astype(np.int64)
    most = max(_PROBS // tokenizer.size, 1)
    state, found, mask = served.batcher.first, [], hidden.mask(tokenizer)

    def use(log_probs: LogProbs) -> list[list[tuple[int, float]]]:
        return [[(int(token), float(row[token])) for token in shown_tops(row, count, mask)] for row in log_probs]

    for start in range(0, len(ids), most):
        some, state = patience.wait(served.batcher.trace(ids[start : start + most], state, use))
        found += some
    return [
        [
            {"text": shown_token(tokenizer, token, None, line_start=place == 0), "bits": _bits(log_prob)}
            for token, log_prob in row
        ]
        for place, row in enumerate(found)
    ]
