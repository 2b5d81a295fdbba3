"""Whether a prompt's last word is finished, for models whose words are types whatever stands before
them (``elman.text.word_types``).
"""

import re
from typing import NamedTuple

import numpy as np

from elman.decode.pieces import PieceIndex, piece_index
from elman.decode.prompt_state import PromptState
from elman.decode.prompts import consume_ids, known_words, open_end
from elman.decode.sentence_start import begins_small, expects_capitals, is_over, prefers_capital, sentence_masses
from elman.decode.spelling import FoldIndex, fold_index
from elman.decode.words import CharacterRun, runs
from elman.models.protocol import LanguageModel, State
from elman.text.casing import upper
from elman.text.kinds import APOSTROPHES
from elman.text.tokenizer import UNK_ID
from elman.text.word_splitter import WordSplitter
from elman.text.word_types import JOIN, After, Part, is_between, is_marker, is_symbol, leaves

# No run crosses a space, and longer runs do not matter.
_LOOK_BACK = 200
# What links, addresses, times and contractions may go on with.
_SIGNS = re.compile(f"[{APOSTROPHES}:.,/@-]+$")
_BEFORE_NAMES = "@#\uff03"
_APOSTROPHE = re.compile(f"[{APOSTROPHES}]")


def open_words(model: LanguageModel, line: str, state: State, oov: list[str], *, partial: bool | None) -> PromptState:
    """As ``elman.decode.prefix.open_prompt``, for the open line of a prompt and the state before
    it."""
    tokenizer, words = model.tokenizer, model.tokenizer.words
    assert words is not None
    index, folds = piece_index(tokenizer), fold_index(tokenizer)
    # Up to the last space, where every token ends, nothing depends on what is typed now.
    begin = _last_space(line)
    ids, before = words.read(line[:begin])
    half = None if partial is False else _half_typed(words, line, begin, before)
    may_join, word, sign, others, unmatched, respelled = False, "", "", [], "", False
    before_word = line[: len(line) - len(half.word)] if half else ""
    small, inside = half is not None and begins_small(half.word, before_word), before_word.strip() != ""
    if half and ((partial and not half.open) or _is_unknown(index, folds, half)):
        begun = len(index.starting_with(half.best(index))) > 0
        # Where a sentence begins, the model says which words have a capital.
        if not begun or small:
            others = folds.starting_with(half.best(index).decode())
            respelled = len(others) > 0 and not (small and (begun or inside))
            unmatched = "" if others else half.word
    elif half and partial is None and not half.open:
        unfinished = open_words(model, line, state, oov, partial=True)
        # "the" at the beginning of a sentence may become "The".
        if small and (unfinished.case or (unfinished.others and prefers_capital(model, index, unfinished))):
            return unfinished
        # A rare word may be the beginning of usual ones, as "th" is.
        if unfinished.partial and not is_over(model, index, unfinished):
            return unfinished
        half = None
    else:
        half = None
    if half and not unmatched:
        context, typed, after = line[: len(line) - len(half.word)], half.best(index), None
        tokens, word, sign = half.before, half.word, half.sign
    else:
        context, typed = open_end(tokenizer, line)
        tokens = words.parts(context[begin:], before)
        # After blanks a word must come, and every word has a space in its type.
        blank = line != "" and is_between(line[-1])
        typed, after = (b" ", None) if blank else (typed, _last_run(line))
        # A word touches a sign, hardly ever a word.
        signs = tokens and not any(map(str.isalnum, tokens[-1].type))
        may_join = bool(signs) and not blank and leaves(tokens[-1].type) == After.APART
    if UNK_ID in ids:
        oov = oov + known_words(tokenizer, line[:begin], ids)
    for token in tokens:
        ids.append(words.id_of(token.type) or folds.same_as(token.type) or UNK_ID)
        if ids[-1] == UNK_ID and not is_between(token.type) and not is_marker(token.type):
            oov = [*oov, token.type.strip()]
    state, lead = consume_ids(model, [np.array(ids, dtype=np.int64)], state), int(typed[:1] == b" ")
    case = ""
    if others and small and inside and expects_capitals(tokenizer, sentence_masses(model, state)):
        case, respelled = upper(word[0], tokenizer.config.locale) + word[1:], True
    rules = {"sign": sign, "may_join": may_join, "others": tuple(others), "respelled": respelled, "case": case}
    return PromptState(state, context, oov, word, typed, lead, after, **rules, unmatched=unmatched)


def _last_space(line: str) -> int:
    """Where the last token begins that stands after a single space; 0 without one."""
    place = line.rfind(" ")
    return place if place > 0 and not is_between(line[place - 1]) else 0


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
    """Whether it ends with an apostrophe or another sign, and is one token only if types begin
    so."""

    def best(self, index: PieceIndex) -> bytes:
        """The beginning that types have."""
        known = [typed for typed in self.typed if len(index.starting_with(typed.encode()))]
        return (known or self.typed)[-1].encode()


def _half_typed(words: WordSplitter, line: str, begin: int, after: After) -> _Half | None:
    """The word at the end of a line, which is split from ``begin`` on."""
    usual, line = words.spelling.apostrophe, line[begin:]
    if line and line[-1] in _BEFORE_NAMES:
        return _begun_name(words, line, after)
    signs = _SIGNS.search(line)
    ended = signs[0] if signs else ""
    tokens = words.parts(line[: len(line) - len(ended)], after)
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
    if sign != usual and not marked and words.spelling.rules == 2:
        before = [*before, Part(f"<{sign}>", last.start, last.start)]
    typed = [last.type + _APOSTROPHE.sub(usual, ended)]
    if typed[0][-1] == "\u03c2" and word[-1] == "\u03a3":
        # A capital sigma at the end of what is typed is a final one only if the word ends there.
        typed.append(typed[0][:-1] + "\u03c3")
    return _Half(word, before, tuple(typed), sign if sign != usual else "", ended != "")


def _begun_name(words: WordSplitter, line: str, after: After) -> _Half | None:
    """A sign at the end of a line with which a name or a hashtag may begin."""
    *before, last = words.parts(line, after)
    free = not before or leaves(before[-1].type) != After.APART
    if last.type != f" {line[-1]}" and (last.type != line[-1] or not free):
        return None
    return _Half(line[-1], before, (f" {line[-1]}",), "", True)


def _is_unknown(index: PieceIndex, folds: FoldIndex, half: _Half) -> bool:
    if not half.open and index.equal_to(half.typed[0].encode()):
        return False
    # "dogs'" is a word with a mark after it, unless longer words begin so ("don'").
    best = half.best(index)
    others = 0 if len(index.starting_with(best)) else len(folds.starting_with(best.decode()))
    if half.open:
        return len(index.starting_with(best)) > len(index.equal_to(best)) or others > len(
            folds.all_same_as(best.decode())
        )
    return half.word[-1].isalnum() or len(index.starting_with(best)) > 0 or others > 0


def _last_run(line: str) -> CharacterRun | None:
    begin = max(len(line) - _LOOK_BACK, line.rfind(" ") + 1, 0)
    found = runs(line[begin:])
    return found[-1][2] if found and found[-1][1] == len(line) - begin else None
