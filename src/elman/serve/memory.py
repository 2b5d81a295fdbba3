"""How much each earlier word still matters for a prediction: how the prediction changes without
that word.

The history of one position in a line is read again once for each of its words, each time without
that word, all in one batch. The probabilities of all types with and without it are compared: the
Kullback-Leibler divergence, in bits, and how many bits more the actual word costs. A word that an
n-gram no longer sees has exactly no effect.
"""

import math
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from elman.decode.prompt_state import whole_words
from elman.decode.states import divergence
from elman.models.protocol import LanguageModel, State
from elman.notation import LogProbs, TokenIds
from elman.progress import counted
from elman.serve.abilities import ContinuesText
from elman.serve.batching import Batched
from elman.serve.errors import Problem
from elman.serve.generation import finite, shown_tops
from elman.serve.prompts import shown_token
from elman.serve.request_context import RequestContext
from elman.serve.schemas import MemoryBody
from elman.text.tokenizer import Tokenizer

_NATS = math.log(2)


class MemoryPiece(NamedTuple):
    """A word of a line: its text, and which of the line's tokens it is."""

    text: str
    first: int
    end: int


def pieces_of(tokenizer: Tokenizer, line: str) -> list[MemoryPiece]:
    """The words of a line: its tokens, or, if a word is several tokens, the pieces between spaces.

    >>> from elman.text.tokenizer import TokenizerConfig
    >>> tokenizer = Tokenizer.fit(["ab c, d"], config=TokenizerConfig(level="char"))
    >>> pieces_of(tokenizer, "ab c, d")
    [MemoryPiece(text='ab', first=0, end=2), MemoryPiece(text=' c,', first=2, end=5), MemoryPiece(text=' d', first=5,
    end=7)]
    """
    spans = tokenizer.encode(line).spans.tolist()
    if whole_words(tokenizer):
        # A marker, which has no text, belongs to the word after it.
        ends = [place + 1 for place, (start, end) in enumerate(spans) if end > start]
        return [MemoryPiece(line[slice(*spans[end - 1])], first, end) for first, end in pairwise([0, *ends])]
    starts = [
        place
        for place, (start, _) in enumerate(spans)
        if place == 0 or (line[start : start + 1] == " " and line[start - 1] != " ")
    ]
    found = []
    for first, end in pairwise([*starts, len(spans)]):
        found.append(MemoryPiece(line[spans[first][0] : spans[end - 1][1]], first, end))
    return found


def memory_answer(body: MemoryBody, served: ContinuesText, context: RequestContext) -> dict[str, Any]:
    """The words of a line, and the effect of each word before ``place`` on the prediction there."""
    limits, hidden, patience, _ = context
    tokenizer, line = served.model.lm.tokenizer, served.model.lm.tokenizer.normal_form(body.text)
    if "\n" in line or "\r" in line:
        raise Problem(422, "text has several lines; send one line", param="text")
    pieces = pieces_of(tokenizer, line)
    place = len(pieces) if body.place is None else body.place
    if place > len(pieces):
        raise Problem(
            422,
            f"place is {place}; the text has {counted(len(pieces), 'word')}, so it can be 0 to {len(pieces)}",
            param="place",
        )
    ids = tokenizer.encode(line).ids.astype(np.int64)
    read = ids[: pieces[place].first] if place < len(pieces) else ids
    if len(read) > limits.max_memory_tokens:
        raise Problem(
            413, f"there are {len(read)} tokens before that word, more than the {limits.max_memory_tokens} that this "
            "server leaves out one by one; send the last part of the text", param="text", code="prompt_too_long",
        )  # fmt: skip
    wanted = int(ids[len(read)]) if place < len(pieces) else None
    found = left_out(Batched(served.batcher, patience), read, pieces[:place], rows=served.batcher.most)
    words = []
    for piece, less in zip(pieces[:place], found.without, strict=True):
        change = None if wanted is None else _bits(less.item(wanted)) - _bits(found.whole.item(wanted))
        words.append({"text": piece.text, "bits": divergence(found.whole, less), "change": change})
    top = [
        {"text": shown_token(tokenizer, token, None, line_start=place == 0), "bits": _bits(found.whole.item(token))}
        for token in shown_tops(found.whole, body.top, hidden.mask(tokenizer))
    ]
    rest = [{"text": piece.text, "bits": None, "change": None} for piece in pieces[place:]]
    target = None
    if wanted is not None:
        target = {"text": pieces[place].text, "bits": _bits(found.whole.item(wanted))}
    return {"model": served.name, "place": place, "words": words + rest, "target": target, "top": top}


class LeftOut(NamedTuple):
    """Log-probabilities of all types ``[V]`` after a history, and ``[words, V]`` after it without
    each of its words."""

    whole: LogProbs
    without: LogProbs


def left_out(model: LanguageModel, ids: TokenIds, pieces: list[MemoryPiece], *, rows: int) -> LeftOut:
    """Read a history ``ids[T]`` whole and without each of its words, ``rows`` at a time."""
    histories = [ids, *(np.concatenate([ids[: piece.first], ids[piece.end :]]) for piece in pieces)]
    found = []
    for begin in range(0, len(histories), rows):
        some = histories[begin : begin + rows]
        lengths = np.array([len(history) for history in some])
        table = np.zeros((len(some), int(lengths.max())), np.int64)
        for row, history in zip(table, some, strict=True):
            row[: len(history)] = history
        state: State = model.start(len(some))
        if table.shape[1]:
            _, state = model.score(table, lengths, state)
        found.append(model.log_probs(state))
    log_probs = np.concatenate(found)
    return LeftOut(log_probs[0], log_probs[1:])


def _bits(log_prob: float) -> float:
    return -finite(float(log_prob)) / _NATS
