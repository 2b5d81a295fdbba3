"""Where the next word of a prompt begins: after the last word, or inside it if that one is only half typed."""

import dataclasses

import numpy as np

from elman.decode.pieces import PieceIndex, piece_index
from elman.decode.prompts import consume_lines, consume_part
from elman.decode.words import Kind, Run, runs
from elman.models.protocol import LanguageModel, State
from elman.text.tokenizer import UNK_ID, Tokenizer

_LOOK_BACK = 200


@dataclasses.dataclass(frozen=True)
class Opening:
    """A state before a word, and what is known of the text from there on."""

    state: State
    """Everything before the word consumed, one row."""
    context: str
    """The part of the open line that is consumed."""
    oov: list[str]
    """Unknown words before the word."""
    partial: str
    """The half-typed word as typed; empty if a new word is asked for."""
    typed: bytes
    """What the next tokens must begin with: a typed leading space, the half-typed word, both or nothing."""
    lead: int
    """How many bytes of ``typed`` are the leading space."""
    after: Run | None
    """The run right before the new word that the next token must end; None if nothing is in the way."""


def whole_words(tokenizer: Tokenizer) -> bool:
    """Whether one token is one word, so that its end needs no second look."""
    return tokenizer.config.level == "word"


def open_prompt(model: LanguageModel, prompt: str, *, partial: bool | None = None) -> Opening:
    """Read a prompt up to where the next word begins.

    A prompt that ends in white space or punctuation asks for a new word. Otherwise ``partial`` says whether its
    last word is half typed. None decides: at word level it is if the vocabulary does not have it; at the other
    levels, which have no list of words, if the model finds it likelier that the word goes on than that it ends.
    """
    state, line, oov = consume_lines(model, prompt)
    tokenizer = model.tokenizer
    index = piece_index(tokenizer)
    start, run = _last_run(tokenizer, line)

    def opening(context: str, *, word: str, space: bool, after: Run | None) -> Opening:
        found, unknown = consume_part(model, context, state)
        text = word.lower() if tokenizer.config.lowercase else word
        lead = b" " if space else b""
        return Opening(found, context, oov + unknown, word, lead + text.encode(), len(lead), after)

    def new_word() -> Opening:
        space = tokenizer.leading_space and line.endswith(" ")
        return opening(line[: len(line) - space], word="", space=space, after=run)

    def half_typed() -> Opening:
        space = tokenizer.leading_space and line[start - 1 : start] in ("", " ")
        context = line[: start - 1] if space and start else line[:start]
        return opening(context, word=line[start:], space=space, after=None)

    if run is None or not run.is_word or run.kind == Kind.UNSPACED or partial is False:
        return new_word()
    if partial:
        return half_typed()
    if whole_words(tokenizer):
        half = half_typed()
        return half if _is_unknown(index, tokenizer, half) else new_word()
    whole = new_word()
    ends = np.exp(model.log_probs(whole.state)[0].astype(np.float64))[index.ending(run)].sum()
    return whole if ends >= 0.5 else half_typed()


def _last_run(tokenizer: Tokenizer, line: str) -> tuple[int, Run | None]:
    """Start and kind of the run that touches the end of a line; None after white space."""
    if tokenizer.config.pretokenized:
        start = line.rfind(" ") + 1
        return start, Run(Kind.LETTER, "") if line[start:] else None
    begin = max(len(line) - _LOOK_BACK, 0)
    found = runs(line[begin:])
    if not found or found[-1][1] < len(line) - begin:
        return len(line), None
    start, _, run = found[-1]
    return begin + start, run


def _is_unknown(index: PieceIndex, tokenizer: Tokenizer, half: Opening) -> bool:
    if index.equal_to(half.typed) or (tokenizer.config.pretokenized and half.partial == tokenizer.tokens[UNK_ID]):
        return False
    # "dogs'" is a word with a mark after it, unless longer words begin so ("don'").
    return half.partial[-1].isalnum() or len(index.starting_with(half.typed)) > 0
