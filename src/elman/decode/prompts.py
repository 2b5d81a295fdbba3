"""Feeding a prompt to a model: from typed text to the state that continues it.

A prompt may hold several lines. Each finished line ends with `</s>`; the last one stays open. Where
tokens include their leading space, a space at the end of the open line belongs to the next token,
so it is kept in ``typed``.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from elman.data.oov import unknown_tokens
from elman.decode.rows import row_score
from elman.models.protocol import LanguageModel, State
from elman.notation import TokenIds
from elman.text.normalise import normalise_line, split_lines
from elman.text.tokenizer import EOS_ID, checked_line


class Consumed(NamedTuple):
    """The result of reading a prompt."""

    state: State
    """The state after all tokens of the prompt, one row."""
    oov: list[str]
    """Unknown words in order, repeats kept."""
    typed: bytes
    """Bytes of the prompt that the next token must begin with: a leading space, or nothing."""
    line_start: bool
    """Whether the next token begins a line."""


def read_prompt(model: LanguageModel, text: str) -> Consumed:
    """Feed a prompt to a model, the last line left open."""
    state, line, oov = consume_lines(model, text)
    typed = b" " if model.tokenizer.leading_space and line.endswith(" ") else b""
    state, unknown = consume_part(model, line[: len(line) - len(typed)], state)
    return Consumed(state, oov + unknown, typed, not line)


def consume_lines(model: LanguageModel, text: str) -> tuple[State, str, list[str]]:
    """Feed the finished lines of a text; returns the state, the open line, and the unknown
    words.
    """
    lines = split_lines(text)
    open_line = lines.pop() if lines and not text.endswith(("\n", "\r")) else ""
    tokenizer = model.tokenizer
    oov: list[str] = []
    ids: list[TokenIds] = []
    for line in map(normalise_line, lines):
        encoded = tokenizer.encode(line)
        oov += [unknown.word for unknown in unknown_tokens(tokenizer, line, encoded)]
        ids += [encoded.ids, np.array([EOS_ID])]
    # A finished line loses its trailing spaces. While the line is open, they show that a word has
    # ended.
    blanks = open_line[len(open_line.rstrip()) :]
    return consume_ids(model, ids, model.start()), checked_line(normalise_line(open_line) + blanks), oov


def consume_part(model: LanguageModel, part: str, state: State) -> tuple[State, list[str]]:
    """Feed the beginning of a line, from a state at the line's start."""
    encoded = model.tokenizer.encode(part)
    oov = [unknown.word for unknown in unknown_tokens(model.tokenizer, part, encoded)]
    return consume_ids(model, [encoded.ids], state), oov


def consume_ids(model: LanguageModel, ids: Sequence[TokenIds], state: State) -> State:
    """The state after token ids."""
    whole = np.concatenate([np.empty(0, dtype=np.int64), *ids])
    return row_score(model, [whole], state)[1]
