"""The likeliest continuations of several words, by beam search."""

import re
from collections.abc import Callable, Collection

import numpy as np

from elman.decode.beam import Ids, beam_search
from elman.decode.blocklist import Blocklist
from elman.decode.masking import Mask
from elman.decode.offers import has_letters, offers_from
from elman.decode.pieces import PieceIndex, piece_index
from elman.decode.prefix import open_prompt
from elman.decode.prompt_state import PromptState, first_candidates, first_tokens, whole_words
from elman.decode.respelling import respeller
from elman.decode.spelling import locale_of
from elman.decode.words import runs
from elman.errors import UsageError
from elman.models.protocol import LanguageModel
from elman.notation import TokenIds
from elman.text.tokenizer import EOS_ID, UNK_ID, Tokenizer
from elman.text.word_types import split_line

# Phrases are cut here at levels where a word is many tokens.
_TOKENS_PER_WORD = 40


def complete_phrase(
    model: LanguageModel,
    prompt: str,
    *,
    n: int = 5,
    words: int = 5,
    beam_size: int = 10,
    partial: bool | None = None,
    block: Collection[str] | Blocklist = (),
    secrets: bool = True,
) -> list[tuple[str, float]]:
    """The n best continuations of up to ``words`` words, with their probabilities given the typed
    text.

    A phrase ends with the line or with its last word. It begins with the unfinished word if there
    is one. Its probability sums over the token sequences in the beam that spell it. ``block`` and
    ``secrets`` are those of ``complete``.

    Raises:
        UsageError: a size below 1.
    """
    for name, value in (("n", n), ("words", words), ("beam_size", beam_size)):
        if value < 1:
            raise UsageError.of(name, value, "1 or more")
    offers = offers_from(block, locale=locale_of(model.tokenizer), secrets=secrets)
    mask = Mask(model.tokenizer, offers) if offers.forbids else None
    asked = open_prompt(model, prompt, partial=partial)
    # As for single words: there is always something to offer.
    for prompt_state in (asked, *([open_prompt(model, prompt, partial=False)] if asked.partial else [])):
        found = _phrases(model, prompt_state, n=n, words=words, beam_size=beam_size, mask=mask)
        if found:
            return found
    return _phrases(model, open_prompt(model, ""), n=n, words=words, beam_size=beam_size, mask=mask)


def _phrases(
    model: LanguageModel, prompt_state: PromptState, *, n: int, words: int, beam_size: int, mask: Mask | None
) -> list[tuple[str, float]]:
    tokenizer = model.tokenizer
    index = piece_index(tokenizer)
    _, typed_probability = first_candidates(model, index, prompt_state)
    if not typed_probability:
        return []

    def phrase(ids: Ids) -> tuple[str, bool]:
        """The text of tokens, without the token that only shows that the last word has ended; and
        whether it has.
        """
        if tokenizer.words:
            writer = tokenizer.writer(line_start=prompt_state.lead > 0, after=prompt_state.context)
            spelled = b"".join(map(writer.write, ids))
        else:
            spelled = b"".join(tokenizer.pieces[token] for token in ids)[prompt_state.lead :]
        text = spelled.decode("utf-8", errors="ignore")
        ends = [end for end in _word_ends(tokenizer, text) if whole_words(tokenizer) or end < len(text)]
        return (text[: ends[words - 1]], True) if len(ends) >= words else (text, ids[-1] == EOS_ID)

    beam = beam_search(
        model,
        prompt_state.state,
        beam_size=max(beam_size, n),
        max_tokens=words * (2 if whole_words(tokenizer) else _TOKENS_PER_WORD),
        n_best=max(beam_size, n),
        is_finished=lambda ids: phrase(ids)[1],
        banned=(UNK_ID,),
        allowed=_allowed(index, prompt_state, tokenizer, mask),
    )
    context = prompt_state.context
    sums: dict[str, float] = {}
    respell = respeller(model, prompt_state) if prompt_state.respelled else None
    for hypothesis in beam:
        text = phrase(hypothesis.ids)[0].strip()
        if text and respell:
            end = (_word_ends(tokenizer, text) or [len(text)])[0]
            text = respell(text[:end]) + text[end:]
        line = f"{context} {text}" if prompt_state.lead else context + text
        if text and not (mask and mask.hidden_end(line, len(context))):
            sums[text] = sums.get(text, 0.0) + float(np.exp(hypothesis.log_prob)) / typed_probability
    return sorted(sums.items(), key=lambda item: (-item[1], item[0]))[:n]


def _word_ends(tokenizer: Tokenizer, text: str) -> list[int]:
    if tokenizer.config.pretokenized:
        return [word.end() for word in re.finditer(r"\S+", text) if has_letters(word[0])]
    if tokenizer.words:
        return [part.end for part in split_line(text, tokenizer.spelling) if has_letters(part.type)]
    return [end for _, end, run in runs(text) if run.is_word]


def _agreeing(index: PieceIndex, prompt_state: PromptState, tokenizer: Tokenizer) -> Callable[[Ids], TokenIds | None]:
    """The tokens that agree with the typed text, for the beginning of a phrase."""

    def allowed(ids: Ids) -> TokenIds | None:
        spelled = b"".join(index.pieces[token] for token in ids)
        if len(spelled) < len(prompt_state.typed):
            untyped = prompt_state.typed[len(spelled) :]
            if whole_words(tokenizer):
                return np.array(prompt_state.others, np.int64) if prompt_state.others else index.starting_with(untyped)
            shorter = [token for size in range(1, len(untyped)) for token in index.equal_to(untyped[:size])]
            return np.concatenate([index.starting_with(untyped), np.array(shorter, dtype=np.int64)])
        if not ids:
            return np.concatenate([first_tokens(index, prompt_state, tokenizer), index.partial])
        if not spelled.strip():
            return index.glued_starts
        return None

    return allowed


def _allowed(
    index: PieceIndex, prompt_state: PromptState, tokenizer: Tokenizer, mask: Mask | None
) -> Callable[[Ids], TokenIds | None]:
    """Those tokens of ``_agreeing`` that write no hidden word."""
    agreeing = _agreeing(index, prompt_state, tokenizer)
    if mask is None:
        return agreeing
    context = prompt_state.context.encode()

    def allowed(ids: Ids) -> TokenIds | None:
        only, line = agreeing(ids), context + b"".join(index.pieces[token] for token in ids)
        return np.setdiff1d(np.arange(tokenizer.size) if only is None else only, mask.banned(line, len(context)))

    return allowed
