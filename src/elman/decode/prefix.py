"""Whether a prompt's last word is whole or half typed, and so where the next word begins."""

import numpy as np

from elman.decode.pieces import PieceIndex, piece_index
from elman.decode.prompt_state import PromptState, first_candidates, followed, whole_words
from elman.decode.prompts import consume_lines, consume_part
from elman.decode.words import Kind, Run, runs
from elman.models.protocol import LanguageModel
from elman.text.tokenizer import UNK_ID, Tokenizer

_LOOK_BACK = 200
# "a" begins many words and is one itself: rather take a word for whole than a whole one for half
# typed.
_A_WORD = 0.1


def open_prompt(model: LanguageModel, prompt: str, *, partial: bool | None = None) -> PromptState:
    """Read a prompt up to where the next word begins.

    A prompt that ends in white space or punctuation asks for a new word. Otherwise ``partial`` says
    whether its last word is half typed. None decides: at word level it is if the vocabulary does
    not have it; at the other levels, which have no list of words, it is if the model finds it
    unlikely to be a word: less than one in ten of all that begins so.
    """
    state, line, oov = consume_lines(model, prompt)
    tokenizer = model.tokenizer
    index = piece_index(tokenizer)
    start, run = _last_run(tokenizer, line)

    def prompt_state(context: str, *, word: str, space: bool, after: Run | None) -> PromptState:
        found, unknown = consume_part(model, context, state)
        # Letter by letter, as tokenizers do it: at the end of a word, a sigma would become another
        # one.
        text = "".join(map(str.lower, word)) if tokenizer.config.lowercase else word
        lead = b" " if space else b""
        return PromptState(found, context, oov + unknown, word, lead + text.encode(), len(lead), after)

    def new_word() -> PromptState:
        space = tokenizer.leading_space and line.endswith(" ")
        return prompt_state(line[: len(line) - space], word="", space=space, after=run)

    def half_typed() -> PromptState:
        space = tokenizer.leading_space and line[start - 1 : start] in ("", " ")
        context = line[: start - 1] if space and start else line[:start]
        return prompt_state(context, word=line[start:], space=space, after=None)

    if run is None or not run.is_word or run.kind == Kind.UNSPACED or partial is False:
        return new_word()
    if partial:
        return half_typed()
    if whole_words(tokenizer):
        half = half_typed()
        return half if _is_unknown(index, tokenizer, half) else new_word()
    half = half_typed()
    return new_word() if _share_over(model, index, half, run) >= _A_WORD else half


def _share_over(model: LanguageModel, index: PieceIndex, half: PromptState, run: Run) -> float:
    """P(the word is over | it begins as typed)."""
    candidates, _ = first_candidates(model, index, half)
    exact = []
    for candidate in candidates:
        tokens = index.equal_to(half.typed[len(candidate.before) :])
        exact += [candidate.path(place, index) for place in np.flatnonzero(np.isin(candidate.tokens, tokens)).tolist()]
    ending = index.ending(run)
    return sum(path.mass * float(probs[ending].sum()) for path, _, _, probs in followed(model, exact))


def _last_run(tokenizer: Tokenizer, line: str) -> tuple[int, Run | None]:
    """Start and kind of the run that touches the end of a line; None after white space."""
    if tokenizer.config.pretokenized:
        start = line.rfind(" ") + 1
        return start, Run(Kind.LETTER, "") if line[start:] else None
    # No run goes across a space; and none that matters is longer than this.
    begin = max(len(line) - _LOOK_BACK, line.rfind(" ") + 1, 0)
    found = runs(line[begin:])
    if not found or found[-1][1] < len(line) - begin:
        return len(line), None
    start, _, run = found[-1]
    return begin + start, run


def _is_unknown(index: PieceIndex, tokenizer: Tokenizer, half: PromptState) -> bool:
    if index.equal_to(half.typed) or (tokenizer.config.pretokenized and half.partial == tokenizer.tokens[UNK_ID]):
        return False
    # "dogs'" is a word with a mark after it, unless longer words begin so ("don'").
    return half.partial[-1].isalnum() or len(index.starting_with(half.typed)) > 0
