"""Whether a prompt's last word is finished, for models whose words are types whatever stands before
them (``elman.text.word_types``).
"""

import re
from typing import NamedTuple

import numpy as np

from elman.decode.pieces import PieceIndex, piece_index
from elman.decode.prompt_state import PromptState
from elman.decode.prompts import consume_ids, open_end, unknown_words
from elman.decode.words import CharacterRun, runs
from elman.models.protocol import LanguageModel, State
from elman.text.kinds import APOSTROPHES
from elman.text.tokenizer import Encoded, Tokenizer
from elman.text.word_splitter import WordSplitter
from elman.text.word_types import JOIN, After, Part, is_between, is_symbol

# No run crosses a space, and longer runs do not matter.
_LOOK_BACK = 200
# What links, addresses, times and contractions may go on with.
_SIGNS = re.compile(f"[{APOSTROPHES}:.,/@-]+$")
_BEFORE_NAMES = "@#\uff03"
_APOSTROPHE = re.compile(f"[{APOSTROPHES}]")


def open_words(model: LanguageModel, line: str, state: State, oov: list[str], *, partial: bool | None) -> PromptState:
    """As ``elman.decode.prefix.open_prompt``, for the open line of a prompt and the state before it."""
    tokenizer = model.tokenizer
    assert tokenizer.words is not None
    half = None if partial is False else _half_typed(tokenizer, tokenizer.words, line)
    may_join = False
    if half and ((partial and not half.open) or _is_unknown(piece_index(tokenizer), half)):
        context, typed, after = line[: len(line) - len(half.word)], half.best(piece_index(tokenizer)), None
        tokens, word, sign = half.before, half.word, half.sign
    else:
        context, typed = open_end(tokenizer, line)
        tokens, word, sign = tokenizer.words.parts(context), "", ""
        # After blanks a word must come, and every word has a space in its type.
        blank = line != "" and is_between(line[-1])
        typed, after = (b" ", None) if blank else (typed, _last_run(line))
        may_join = not blank and line != "" and tokenizer.ends_after(context) == After.APART
    ids = np.array([tokenizer.words.id_of(token.type) for token in tokens], dtype=np.int64)
    spans = np.array([token[1:] for token in tokens], dtype=np.int64).reshape(-1, 2)
    oov = oov + unknown_words(tokenizer, line[: spans[-1, 1]] if len(spans) else "", Encoded(ids, spans))
    state, lead = consume_ids(model, [ids], state), int(typed[:1] == b" ")
    return PromptState(state, context, oov, word, typed, lead, after, sign, may_join)


class _Half(NamedTuple):
    """The word at the end of a line, which may be unfinished."""

    word: str
    """As it is typed."""
    before: list[Part]
    """The tokens before it, markers included."""
    typed: tuple[str, ...]
    """The beginnings of its type, the likeliest last."""
    sign: str
    """The apostrophe that is typed in it, where types have another; or nothing."""
    open: bool
    """Whether it ends with an apostrophe or another sign, and is one token only if types begin so."""

    def best(self, index: PieceIndex) -> bytes:
        """The beginning that types have."""
        known = [typed for typed in self.typed if len(index.starting_with(typed.encode()))]
        return (known or self.typed)[-1].encode()


def _half_typed(tokenizer: Tokenizer, words: WordSplitter, line: str) -> _Half | None:
    usual = tokenizer.config.apostrophe
    if line[-1:] in _BEFORE_NAMES and line:
        return _begun_name(tokenizer, words, line)
    signs = _SIGNS.search(line)
    ended = signs[0] if signs else ""
    tokens = words.parts(line[: len(line) - len(ended)])
    if not tokens or is_between(tokens[-1].type):
        return None
    last = tokens[-1]
    text = last.type[1:]
    if is_symbol(text) or last.type[:1] != " " or not any(map(str.isalnum, text)):
        return None
    before = tokens[:-1]
    word = line[last.start :].removeprefix(" ")
    sign = next((char for char in word[1:] if char in APOSTROPHES), usual)
    marked = any(part.type[:1] == "<" and part.type != JOIN for part in before if part.start == last.start)
    if sign != usual and not marked:
        before = [*before, Part(f"<{sign}>", last.start, last.start)]
    typed = [last.type + _APOSTROPHE.sub(usual, ended)]
    if typed[0][-1] == "\u03c2" and word[-1] == "\u03a3":
        # A capital sigma at the end of what is typed is a final one only if the word ends there.
        typed.append(typed[0][:-1] + "\u03c3")
    return _Half(word, before, tuple(typed), sign if sign != usual else "", ended != "")


def _begun_name(tokenizer: Tokenizer, words: WordSplitter, line: str) -> _Half | None:
    """A sign at the end of a line with which a name or a hashtag may begin."""
    *before, last = words.parts(line)
    spaced = last.type == f" {line[-1]}"
    if not spaced and (last.type != line[-1] or tokenizer.ends_after(line[: last.start]) == After.APART):
        return None
    return _Half(line[-1], before, (f" {line[-1]}",), "", True)


def _is_unknown(index: PieceIndex, half: _Half) -> bool:
    if not half.open and index.equal_to(half.typed[0].encode()):
        return False
    # "dogs'" is a word with a mark after it, unless longer words begin so ("don'").
    if half.open:
        return len(index.starting_with(half.best(index))) > len(index.equal_to(half.best(index)))
    return half.word[-1].isalnum() or len(index.starting_with(half.best(index))) > 0


def _last_run(line: str) -> CharacterRun | None:
    begin = max(len(line) - _LOOK_BACK, line.rfind(" ") + 1, 0)
    found = runs(line[begin:])
    return found[-1][2] if found and found[-1][1] == len(line) - begin else None
