"""Whether a prompt's last word is finished, and so where the next word begins."""

import numpy as np

from elman.decode.pieces import PieceIndex, piece_index
from elman.decode.prompt_state import PromptState, first_candidates, followed, whole_words
from elman.decode.prompts import consume_lines, consume_part
from elman.decode.typed_words import open_words
from elman.decode.words import CharacterRun, Kind, runs
from elman.models.protocol import LanguageModel
from elman.text.tokenizer import UNK_ID, Tokenizer

_LOOK_BACK = 200
# "a" begins many words and is one itself: the threshold favours whole words.
_A_WORD = 0.1


def open_prompt(model: LanguageModel, prompt: str, *, partial: bool | None = None) -> PromptState:
    """Read a prompt up to where the next word begins.

    A prompt that ends in white space or punctuation asks for a new word. Otherwise ``partial`` says
    whether its last word is unfinished. With None, the word is unfinished at word level if it is
    not in the vocabulary. Other levels have no list of words: there it is unfinished if the model
    gives it less than a tenth of the probability of everything that begins so.
    """
    state, line, oov = consume_lines(model, prompt)
    tokenizer = model.tokenizer
    if tokenizer.words:
        return open_words(model, line, state, oov, partial=partial)
    index = piece_index(tokenizer)
    start, run = _last_run(tokenizer, line)

    def prompt_state(context: str, *, word: str, space: bool, after: CharacterRun | None) -> PromptState:
        state_after, unknown = consume_part(model, context, state)
        # Letter by letter: the end of what is typed is no word's end yet, where a sigma changes.
        text = "".join(map(tokenizer.lowered, word))
        lead = b" " if space else b""
        return PromptState(state_after, context, oov + unknown, word, lead + text.encode(), len(lead), after)

    def new_word() -> PromptState:
        space = tokenizer.leading_space and line.endswith(" ")
        return prompt_state(line[: len(line) - space], word="", space=space, after=run)

    def unfinished() -> PromptState:
        space = tokenizer.leading_space and line[start - 1 : start] in ("", " ")
        context = line[: start - 1] if space and start else line[:start]
        return prompt_state(context, word=line[start:], space=space, after=None)

    if run is None or not run.is_word or run.kind == Kind.UNSPACED or partial is False:
        return new_word()
    if partial:
        return unfinished()
    if whole_words(tokenizer):
        unfinished_state = unfinished()
        return unfinished_state if _is_unknown(index, tokenizer, unfinished_state) else new_word()
    unfinished_state = unfinished()
    return new_word() if _probability_over(model, index, unfinished_state, run) >= _A_WORD else unfinished_state


def _probability_over(model: LanguageModel, index: PieceIndex, unfinished: PromptState, run: CharacterRun) -> float:
    """P(the word is over | it begins as typed)."""
    candidates, _ = first_candidates(model, index, unfinished)
    exact = []
    for candidate in candidates:
        tokens = index.equal_to(unfinished.typed[len(candidate.before) :])
        exact += [
            candidate.path(index_in_order, index)
            for index_in_order in np.flatnonzero(np.isin(candidate.tokens, tokens)).tolist()
        ]
    ending = index.ending(run)
    return sum(path.mass * float(probs[ending].sum()) for path, _, _, probs in followed(model, exact))


def _last_run(tokenizer: Tokenizer, line: str) -> tuple[int, CharacterRun | None]:
    """Start and kind of the run that touches the end of a line; None after white space."""
    if tokenizer.config.pretokenized:
        start = line.rfind(" ") + 1
        return start, CharacterRun(Kind.LETTER, "") if line[start:] else None
    # No run crosses a space, and longer runs do not matter.
    begin = max(len(line) - _LOOK_BACK, line.rfind(" ") + 1, 0)
    line_runs = runs(line[begin:])
    if not line_runs or line_runs[-1][1] < len(line) - begin:
        return len(line), None
    start, _, run = line_runs[-1]
    return begin + start, run


def _is_unknown(index: PieceIndex, tokenizer: Tokenizer, unfinished: PromptState) -> bool:
    if index.equal_to(unfinished.typed) or (
        tokenizer.config.pretokenized and unfinished.partial == tokenizer.tokens[UNK_ID]
    ):
        return False
    # "dogs'" is a word with a mark after it, unless longer words begin so ("don'").
    return unfinished.partial[-1].isalnum() or len(index.starting_with(unfinished.typed)) > 0
