"""The next words of a prompt with their probabilities, for every level of tokens."""

import dataclasses
import re
import unicodedata
from collections.abc import Callable, Collection, Sequence
from itertools import islice

import numpy as np

from elman.decode.beam import Ids, beam_search
from elman.decode.pieces import PieceIndex, piece_index
from elman.decode.prefix import open_prompt
from elman.decode.prompt_state import Candidate, PromptState, first_candidates, first_tokens, whole_words
from elman.decode.search import Effort, WordSearch
from elman.decode.words import runs
from elman.errors import UsageError
from elman.models.protocol import LanguageModel
from elman.notation import TokenIds
from elman.text.tokenizer import EOS_ID, UNK_ID, Tokenizer
from elman.text.word_types import split_line

# Phrases are cut here at levels where a word is many tokens.
_TOKENS_PER_WORD = 40
_TYPES_PER_WORD = 8
"""Types inspected per word wanted; as many times more if too few of them may be shown."""


@dataclasses.dataclass(frozen=True)
class Completion:
    """The likeliest next words."""

    prompt: str
    """The prompt as given."""
    partial: str
    """The unfinished last word (the prefix) that the words complete; empty if they are new
    words."""
    words: list[tuple[str, float]]
    """Whole words without leading space, with their probabilities given the typed text, best
    first."""
    oov: list[str]
    """Unknown words of the prompt, without the unfinished one."""


def complete(
    model: LanguageModel,
    prompt: str,
    *,
    n: int = 5,
    partial: bool | None = None,
    block: Collection[str] = (),
    punctuation: bool = False,
    effort: Effort | None = None,
) -> Completion:
    """The n likeliest next words.

    P(word) is the sum over all ways to spell it in tokens, times P(a word ends there); at word
    level it is the word's type alone. It is conditioned on the typed text: P(word) / P(typed).
    P(typed) sums over everything in the vocabulary that begins so. Typed text is a space (then a
    word must come), a prefix of a word and, where a word is many tokens, the end of the last word.
    The prompt "" asks for the first word of a document. At the start of a line there is no
    condition, so the line may also be empty.

    ``partial``: True completes the last word, False takes it as whole, None decides (see
    ``open_prompt``). The list is empty if nothing in the vocabulary begins with the prefix. Words
    of the ``block`` list, in upper or lower case, are never offered, and punctuation only if asked
    for. ``effort`` bounds the search below word level.

    >>> from elman.models.ngram.query import fit_ngram
    >>> from elman.text.tokenizer import TokenizerConfig
    >>> words = Tokenizer.fit(["the cat sat"], config=TokenizerConfig(min_count=1))
    >>> ids = np.array([*words.encode("the cat sat").ids, EOS_ID] * 9)
    >>> model = fit_ngram(ids, np.array([0, len(ids)]), words)
    >>> complete(model, "the c").partial, complete(model, "the c").words
    ('c', [('cat', 1.0)])

    Raises:
        UsageError: ``n`` below 1.
    """
    if n < 1:
        raise UsageError(f"n is {n}; it must be 1 or more")
    prompt_state = open_prompt(model, prompt, partial=partial)
    blocked = {word.casefold() for word in block}

    def accept(word: str) -> bool:
        return word.strip() != "" and word.casefold() not in blocked and (punctuation or has_letters(word))

    index = piece_index(model.tokenizer)
    candidates, _ = first_candidates(model, index, prompt_state)
    if whole_words(model.tokenizer):
        words = _best_types(candidates, index, n=n, accept=accept)
    else:
        search = WordSearch(model, index, n=n, accept=accept, effort=effort or Effort())
        for candidate in candidates:
            search.add(candidate)
        words = search.run()
    if prompt_state.sign:
        words = [(word.replace(model.tokenizer.config.apostrophe, prompt_state.sign), mass) for word, mass in words]
    return Completion(prompt, prompt_state.partial, words, prompt_state.oov)


def _best_types(
    candidates: Sequence[Candidate], index: PieceIndex, *, n: int, accept: Callable[[str], bool]
) -> list[tuple[str, float]]:
    shown: list[tuple[str, float]] = []
    for candidate in candidates:
        most = _TYPES_PER_WORD * n
        words = _best_of(candidate, index, n=n, accept=accept, most=most)
        while len(words) < n and most < len(candidate.tokens):
            most *= _TYPES_PER_WORD
            words = _best_of(candidate, index, n=n, accept=accept, most=most)
        shown += words
    return sorted(shown, key=lambda word: (-word[1], word[0]))[:n]


def _best_of(
    candidate: Candidate, index: PieceIndex, *, n: int, accept: Callable[[str], bool], most: int
) -> list[tuple[str, float]]:
    likeliest = candidate.likeliest_first(above=0, most=most)
    paths = (likeliest.path(index_in_order, index) for index_in_order in range(len(likeliest.tokens)))
    words = ((path.text.decode(), path.mass) for path in paths)
    return list(islice((word for word in words if accept(word[0])), n))


def complete_phrase(
    model: LanguageModel,
    prompt: str,
    *,
    n: int = 5,
    words: int = 5,
    beam_size: int = 10,
    partial: bool | None = None,
) -> list[tuple[str, float]]:
    """The n best continuations of up to ``words`` words, with their probabilities given the typed
    text.

    A phrase ends with the line or with its last word. It begins with the unfinished word if there
    is one. Its probability sums over the token sequences in the beam that spell it.

    Raises:
        UsageError: a size below 1.
    """
    for name, value in (("n", n), ("words", words), ("beam_size", beam_size)):
        if value < 1:
            raise UsageError(f"{name} is {value}; it must be 1 or more")
    tokenizer = model.tokenizer
    index = piece_index(tokenizer)
    prompt_state = open_prompt(model, prompt, partial=partial)
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
        allowed=_agreeing(index, prompt_state, tokenizer),
    )
    sums: dict[str, float] = {}
    for hypothesis in beam:
        text = phrase(hypothesis.ids)[0].strip()
        if text:
            sums[text] = sums.get(text, 0.0) + float(np.exp(hypothesis.log_prob)) / typed_probability
    return sorted(sums.items(), key=lambda item: (-item[1], item[0]))[:n]


def _word_ends(tokenizer: Tokenizer, text: str) -> list[int]:
    if tokenizer.config.pretokenized:
        return [word.end() for word in re.finditer(r"\S+", text) if has_letters(word[0])]
    if tokenizer.words:
        return [part.end for part in split_line(text, tokenizer.spelling) if has_letters(part.type)]
    return [end for _, end, run in runs(text) if run.is_word]


def has_letters(word: str) -> bool:
    """Whether this is a word worth offering, not punctuation."""
    # Symbols with a meaning (an emoji) are words; marks that only join or separate are not.
    return any(char.isalnum() or unicodedata.category(char) == "So" for char in word)


def _agreeing(index: PieceIndex, prompt_state: PromptState, tokenizer: Tokenizer) -> Callable[[Ids], TokenIds | None]:
    """The tokens that agree with the typed text, for the beginning of a phrase."""

    def allowed(ids: Ids) -> TokenIds | None:
        spelled = b"".join(index.pieces[token] for token in ids)
        if len(spelled) < len(prompt_state.typed):
            untyped = prompt_state.typed[len(spelled) :]
            if whole_words(tokenizer):
                return index.starting_with(untyped)
            shorter = [token for size in range(1, len(untyped)) for token in index.equal_to(untyped[:size])]
            return np.concatenate([index.starting_with(untyped), np.array(shorter, dtype=np.int64)])
        if not ids:
            return np.concatenate([first_tokens(index, prompt_state, tokenizer), index.partial])
        if not spelled.strip():
            return index.glued_starts
        return None

    return allowed
