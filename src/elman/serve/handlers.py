"""The handler of /v1/score, in a thread of its own."""

import math
from typing import Any

import numpy as np

from elman.data.oov import unknown_tokens
from elman.decode.scoring import score_lines
from elman.notation import LogProbs
from elman.serve.abilities import ContinuesText
from elman.serve.batching import Batched, Patience
from elman.serve.generation import finite, shown_tops
from elman.serve.hidden import Hidden
from elman.serve.prompts import shown_token
from elman.serve.request_context import RequestContext
from elman.serve.schemas import ScoreBody
from elman.serve.sessions import too_long
from elman.text.normalise import split_lines
from elman.text.tokenizer import EOS_ID

_PROBS = 1 << 22
"""Most probabilities in memory at a time."""


def score_answer(body: ScoreBody, served: ContinuesText, context: RequestContext) -> dict[str, Any]:
    """Bits of each token of each line, every line by itself, as ``Model.score`` (which counts in
    nats)."""
    tokenizer, (limits, hidden, patience, _) = served.model.lm.tokenizer, context
    lines = [tokenizer.normal_form(line) for line in split_lines(body.text)]
    if sum(len(ids) + 1 for ids in tokenizer.encode_lines(lines)) > limits.max_prompt_tokens:
        raise too_long(limits.max_prompt_tokens, param="text")
    found: list[dict[str, Any]] = []
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
