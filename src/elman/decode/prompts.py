"""Feeding a prompt to a model: from typed text to the state that continues it.

A prompt may hold several lines. Each finished line ends with `</s>`; the last one stays open. Where
tokens include their leading space, a space at the end of the open line belongs to the next token,
so it is kept in ``typed``.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from elman.data.oov import unknown_tokens
from elman.decode.direction import check_forward
from elman.decode.rows import row_score
from elman.decode.spelling import fold_index, known_ids
from elman.models.protocol import LanguageModel, State
from elman.notation import TokenIds
from elman.text.normalise import open_line, split_lines
from elman.text.splitting import checked_line
from elman.text.tokenizer import EOS_ID, UNK_ID, Encoded, Tokenizer
from elman.text.word_types import After, is_between, is_marker


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
    line: str
    """The open line, as far as it was read."""
    ids: TokenIds
    """All its tokens."""


def read_prompt(model: LanguageModel, text: str) -> Consumed:
    """Feed a prompt to a model, the last line left open."""
    finished, line, oov = finished_lines(model.tokenizer, text)
    part, typed = open_end(model.tokenizer, line)
    encoded = model.tokenizer.encode(part)
    oov += unknown_words(model.tokenizer, part, encoded)
    state = consume_ids(model, [encoded.ids], consume_ids(model, finished, model.start()))
    return Consumed(state, oov, typed, not line, part, np.concatenate([*finished, encoded.ids]))


def open_end(tokenizer: Tokenizer, line: str) -> tuple[str, bytes]:
    """What is read of an open line, and what is left for the next token to begin with: a space that
    belongs to it, or nothing.
    """
    if not line.endswith(" ") or not tokenizer.leading_space:
        return line, b""
    if tokenizer.words and (len(line) < 2 or tokenizer.ends_after(line[:-1]) != After.APART):
        return line, b""
    return line[:-1], b" "


def consume_lines(model: LanguageModel, text: str, *, any_spelling: bool = False) -> tuple[State, str, list[str]]:
    """Feed the finished lines of a text; returns the state, the open line, and the unknown words.

    With ``any_spelling``, a word that is known in another case only is read as that one.
    """
    ids, line, oov = finished_lines(model.tokenizer, text, any_spelling=any_spelling)
    return consume_ids(model, ids, model.start()), line, oov


def finished_lines(
    tokenizer: Tokenizer, text: str, *, any_spelling: bool = False
) -> tuple[list[TokenIds], str, list[str]]:
    """The tokens of the finished lines of a text, its open line, and the unknown words.

    Raises:
        UsageError: the model reads lines from their end.
    """
    check_forward(tokenizer)
    lines = split_lines(text)
    if lines and not text.endswith(("\n", "\r")):
        lines.pop()
    oov: list[str] = []
    ids: list[TokenIds] = []
    for line in map(tokenizer.normal_form, lines):
        line_ids, unknown = _read(tokenizer, line, any_spelling=any_spelling)
        oov += unknown
        ids += [line_ids, np.array([EOS_ID])]
    # A finished line loses its trailing spaces. While the line is open, they show that a word has
    # ended.
    return ids, checked_line(open_line(text)), oov


def consume_part(
    model: LanguageModel, part: str, state: State, *, any_spelling: bool = False
) -> tuple[State, list[str]]:
    """Feed the beginning of a line, from a state at the line's start.

    Raises:
        UsageError: the model reads lines from their end.
    """
    check_forward(model.tokenizer)
    ids, oov = _read(model.tokenizer, part, any_spelling=any_spelling)
    return consume_ids(model, [ids], state), oov


def _read(tokenizer: Tokenizer, line: str, *, any_spelling: bool) -> tuple[TokenIds, list[str]]:
    if any_spelling and tokenizer.words:
        ids = tokenizer.words.ids(checked_line(line))
        unknown = known_words(tokenizer, line, ids) if UNK_ID in ids else []
        return np.array(ids, dtype=np.int64), unknown
    encoded = tokenizer.encode(line)
    if any_spelling:
        encoded = encoded._replace(ids=known_ids(tokenizer, line, encoded))
    return encoded.ids, unknown_words(tokenizer, line, encoded)


def known_words(tokenizer: Tokenizer, line: str, ids: list[int]) -> list[str]:
    """Give words of a line that are known in another spelling only the id of that one, in ``ids``;
    returns the unknown words."""
    assert tokenizer.words is not None
    oov: list[str] = []
    for place, token in tokenizer.words.unknown(line):
        same = fold_index(tokenizer).same_as(token)
        if same is not None:
            ids[place] = same
        elif not is_between(token) and not is_marker(token):
            oov.append(token.strip())
    return oov


def unknown_words(tokenizer: Tokenizer, line: str, encoded: Encoded) -> list[str]:
    """The unknown words of a line, without what only stands between words."""
    # Words known in another spelling have its id (``known_ids``).
    unknown = (each for each in unknown_tokens(tokenizer, line, encoded) if encoded.ids[each.place] == UNK_ID)
    spelled = [each.spelled for each in unknown]
    if tokenizer.words:
        spelled = [text for text in spelled if not is_between(text) and not is_marker(text)]
    return [text.strip() for text in spelled]


def consume_ids(model: LanguageModel, ids: Sequence[TokenIds], state: State) -> State:
    """The state after token ids."""
    if not any(map(len, ids)):
        return state
    whole = ids[0] if len(ids) == 1 else np.concatenate(ids)
    return row_score(model, [whole], state)[1]
