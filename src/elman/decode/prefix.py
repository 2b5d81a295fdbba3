"""Whether a prompt's last word is finished, and so where the next word begins."""

import dataclasses

import numpy as np

from elman.decode.pieces import PieceIndex, piece_index
from elman.decode.prompt_state import PromptState, first_candidates, followed, whole_words
from elman.decode.prompts import consume_lines, consume_part
from elman.decode.sentence_start import A_WORD, is_over
from elman.decode.spelling import fold_index, locale_of
from elman.decode.typed_words import open_words
from elman.decode.words import CharacterRun, Kind, runs
from elman.models.protocol import LanguageModel
from elman.text.casing import upper
from elman.text.kinds import APOSTROPHES
from elman.text.letter_case import CaseLocale, lower
from elman.text.tokenizer import UNK_ID, Tokenizer

_LOOK_BACK = 200
# Below word level: a beginning less likely than this is tried in other spellings, and read in the
# likeliest of them if that is so many times as likely.
_UNLIKELY = 1e-3
_MUCH_LIKELIER = 100


def open_prompt(model: LanguageModel, prompt: str, *, partial: bool | None = None) -> PromptState:
    """Read a prompt up to where the next word begins.

    A prompt that ends in white space or punctuation asks for a new word. Otherwise ``partial`` says
    whether its last word is unfinished. With None, the word is unfinished if the model gives it
    less than a tenth of the probability of everything that begins so: "a" begins many words and is
    one itself, "th" hardly is. At word level an unknown word is unfinished, too.

    Words before it that are known in another case only are read as those. An unfinished word that
    nothing begins with is looked up without regard to case and sign of apostrophe; if nothing
    begins so either, it is taken as whole (``unmatched``).
    """
    state, line, oov = consume_lines(model, prompt, any_spelling=True)
    tokenizer = model.tokenizer
    if tokenizer.words:
        return open_words(model, line, state, oov, partial=partial)
    index = piece_index(tokenizer)
    start, run = last_run(tokenizer, line)

    def prompt_state(context: str, *, word: str, space: bool, after: CharacterRun | None) -> PromptState:
        state_after, unknown = consume_part(model, context, state, any_spelling=True)
        lead = b" " if space else b""
        typed = lead + _as_token(tokenizer, word)
        return PromptState(state_after, context, oov + unknown, word, typed, len(lead), after)

    def new_word(unmatched: str = "") -> PromptState:
        space = tokenizer.leading_space and line.endswith(" ")
        found = prompt_state(line[: len(line) - space], word="", space=space, after=run)
        return dataclasses.replace(found, unmatched=unmatched)

    def unfinished() -> PromptState:
        space = tokenizer.leading_space and line[start - 1 : start] in ("", " ")
        context = line[: start - 1] if space and start else line[:start]
        return prompt_state(context, word=line[start:], space=space, after=None)

    def completed(found: PromptState) -> PromptState:
        other = _in_other_spelling(model, index, found)
        return new_word(line[start:]) if other is None else other

    if run is None or not run.is_word or run.kind == Kind.UNSPACED or partial is False:
        return new_word()
    if partial:
        return completed(unfinished())
    unfinished_state = unfinished()
    if whole_words(tokenizer):
        half = _is_unknown(index, tokenizer, unfinished_state) or not is_over(model, index, unfinished_state)
        return completed(unfinished_state) if half else new_word()
    if _probability_over(model, index, unfinished_state, run) >= A_WORD:
        return new_word()
    return completed(unfinished_state)


def _as_token(tokenizer: Tokenizer, word: str) -> bytes:
    # Letter by letter: the end of what is typed is no word's end yet, where a sigma changes.
    return "".join(map(tokenizer.lowered, word)).encode()


def _in_other_spelling(model: LanguageModel, index: PieceIndex, unfinished: PromptState) -> PromptState | None:
    """The same unfinished word as the vocabulary spells it; None if nothing begins so."""
    tokenizer = model.tokenizer
    if whole_words(tokenizer):
        if len(index.starting_with(unfinished.typed)):
            return unfinished
        others = fold_index(tokenizer).starting_with(unfinished.typed.decode())
        return dataclasses.replace(unfinished, others=tuple(others), respelled=True) if others else None
    _, probability = first_candidates(model, index, unfinished)
    if probability >= _UNLIKELY:
        return unfinished
    best, most = unfinished, probability * _MUCH_LIKELIER
    for word in _spellings(unfinished.partial, locale_of(tokenizer)):
        typed = unfinished.typed[: unfinished.lead] + _as_token(tokenizer, word)
        other = dataclasses.replace(unfinished, typed=typed, respelled=True)
        probability_of_other = first_candidates(model, index, other)[1]
        if probability_of_other > most:
            best, most = other, probability_of_other
    return best if most else None


def _spellings(word: str, locale: CaseLocale | None) -> list[str]:
    """Other ways to write the beginning of a word."""
    small = lower(word, locale)
    cases = (small, upper(small[:1], locale) + small[1:], upper(word, locale), word)
    signs = [sign for sign in APOSTROPHES if sign not in word] if any(sign in word for sign in APOSTROPHES) else []
    found = dict.fromkeys(cases)
    for sign in signs:
        found |= dict.fromkeys("".join(sign if char in APOSTROPHES else char for char in case) for case in cases)
    return [other for other in found if other != word]


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


def last_run(tokenizer: Tokenizer, line: str) -> tuple[int, CharacterRun | None]:
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
    return (
        unfinished.partial[-1].isalnum()
        or len(index.starting_with(unfinished.typed)) > 0
        or len(fold_index(tokenizer).starting_with(unfinished.typed.decode())) > 0
    )
