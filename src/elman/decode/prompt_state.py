"""How the next word can begin: the first tokens that agree with all that was typed, and their
probabilities.

What was typed may be a space, a half-typed word, or only that the last word is whole. All
probabilities of words are given that: P(word) / P(what was typed).
"""

import dataclasses
import heapq
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.decode.largest import largest
from elman.decode.pieces import PieceIndex, whole_part
from elman.decode.rows import row_advance, row_log_probs
from elman.decode.words import Run, follow
from elman.models.protocol import LanguageModel, State
from elman.notation import TokenIds
from elman.text.tokenizer import UNK_ID, Tokenizer

# How many ways to cut half-typed text into tokens are followed at each place.
_CUTS = 32
# Beginnings of characters less likely than this are taken for more of the same word.
_RARE = 1e-4


@dataclasses.dataclass(frozen=True)
class PromptState:
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
    """What the next tokens must begin with: a typed leading space, the half-typed word, both or
    nothing."""
    lead: int
    """How many bytes of ``typed`` are the leading space."""
    after: Run | None
    """The run right before the new word that the next token must end; None if nothing is in the
    way."""


def whole_words(tokenizer: Tokenizer) -> bool:
    """Whether one token is one word, so that its end needs no second look."""
    return tokenizer.config.level == "word"


def first_tokens(index: PieceIndex, prompt_state: PromptState, tokenizer: Tokenizer) -> TokenIds:
    """The tokens that begin a new word at an opening, or that are its leading space."""
    # At a line's start a space begins a word where tokens carry theirs; elsewhere it is
    # indentation.
    spaces = index.equal_to(b" ") if prompt_state.after or tokenizer.leading_space else []
    tokens = np.concatenate([index.word_starts, np.array(spaces, dtype=np.int64)])
    return (
        np.intersect1d(tokens, index.ending(prompt_state.after), assume_unique=True) if prompt_state.after else tokens
    )


class Path(NamedTuple):
    """Tokens on the way to a word."""

    mass: float
    """Their probability, given what was typed."""
    text: bytes
    """What they spell, without the leading space."""
    state: State
    row: int
    """The row of ``state``: all tokens but the last consumed."""
    token: int
    """The last one."""


@dataclasses.dataclass(frozen=True, eq=False)
class Candidate:
    """Paths that differ in their last token only."""

    masses: NDArray[np.float64]
    tokens: TokenIds
    before: bytes
    """What the tokens before spell."""
    state: State
    row: int

    def path(self, place: int, index: PieceIndex) -> Path:
        """The path of one of the tokens."""
        token = int(self.tokens[place])
        text = self.before + index.pieces[token]
        text = text[1:] if text[:1] == b" " else text
        return Path(float(self.masses[place]), text, self.state, self.row, token)

    def likeliest_first(self, *, above: float, most: int | None = None) -> "Candidate":
        """In falling order of probability, the unlikely left out; only the ``most`` likeliest
        (default: all).
        """
        likely = np.flatnonzero(self.masses > above)
        masses = self.masses[likely]
        order = likely[largest(masses, len(masses) if most is None else most)]
        return dataclasses.replace(self, masses=self.masses[order], tokens=self.tokens[order])


def first_candidates(
    model: LanguageModel, index: PieceIndex, prompt_state: PromptState
) -> tuple[list[Candidate], float]:
    """Every way to begin a word that agrees with what was typed, and P(what was typed), which
    divides the masses.

    That is exact where one token spells all that was typed or each token one character; where
    tokens are pieces of words, it is the sum over the likeliest ways to cut the text.
    """
    probs = np.exp(model.log_probs(prompt_state.state).astype(np.float64))
    if not prompt_state.typed:
        found, total = _new_word(model, index, prompt_state, probs[0])
    else:
        found, total = _typed(model, index, prompt_state, probs)
        if len(prompt_state.typed) == prompt_state.lead:
            # After a space, what the vocabulary does not have is a word all the same.
            total += float(probs[0, UNK_ID])
    if not total:
        return [], 0.0
    return [dataclasses.replace(candidate, masses=candidate.masses / total) for candidate in found], total


def _new_word(
    model: LanguageModel, index: PieceIndex, prompt_state: PromptState, probs: NDArray[np.float64]
) -> tuple[list[Candidate], float]:
    tokens = first_tokens(index, prompt_state, model.tokenizer)
    if whole_words(model.tokenizer):
        # A token ends its word by itself. After a symbol, a word with its space and one without are
        # the same word.
        masses = np.zeros(len(probs))
        masses[tokens] = probs[tokens]
        spaced = np.flatnonzero((index.glued_twin >= 0) & (masses > 0))
        twins = index.glued_twin[spaced]
        masses[spaced] += masses[twins]
        masses[twins] = 0
        return [Candidate(masses[tokens], tokens, b"", prompt_state.state, 0)], 1.0
    found = [Candidate(probs[tokens], tokens, b"", prompt_state.state, 0)]
    if prompt_state.after is None:
        return found, 1.0
    found += _begun_characters(model, index, prompt_state.state, prompt_state.after, probs)
    return found, float(
        probs[index.ending(prompt_state.after)].sum() + sum(candidate.masses.sum() for candidate in found[1:])
    )


def _begun_characters(
    model: LanguageModel, index: PieceIndex, state: State, after: Run, probs: NDArray[np.float64]
) -> list[Candidate]:
    """Branches into a character of several tokens which, once it is whole, ends the run before
    it.
    """
    found = []
    waiting = [Candidate(probs[index.partial], index.partial, b"", state, 0)]
    while waiting:
        paths = [
            candidate.path(place, index)
            for candidate in waiting
            for place in np.flatnonzero(candidate.masses > _RARE).tolist()
        ]
        waiting = []
        for path, states, row, table in followed(model, paths):
            grown = [whole_part(path.text + index.pieces[token]) for token in index.inside.tolist()]
            ends = [place for place, text in enumerate(grown) if text and not follow(after, text[0])]
            open_still = [place for place, text in enumerate(grown) if text == ""]
            for places, candidates in ((ends, found), (open_still, waiting)):
                tokens = index.inside[places]
                if len(tokens):
                    candidates.append(Candidate(path.mass * table[tokens], tokens, path.text, states, row))
    return found


def _typed(
    model: LanguageModel, index: PieceIndex, prompt_state: PromptState, probs: NDArray[np.float64]
) -> tuple[list[Candidate], float]:
    typed = prompt_state.typed
    covering = index.starting_with(typed)
    found = [Candidate(probs[0, covering], covering, b"", prompt_state.state, 0)]
    if whole_words(model.tokenizer):
        return found, float(found[0].masses.sum())
    waiting: list[list[Path]] = [[] for _ in typed]

    def wait(mass: float, row_probs: NDArray[np.float64], state: State, row: int, place: int) -> None:
        for end in range(place + 1, len(typed)):
            for token in index.equal_to(typed[place:end]):
                waiting[end].append(Path(mass * float(row_probs[token]), typed[:end], state, row, token))

    wait(1.0, probs[0], prompt_state.state, 0, 0)
    for place in range(1, len(typed)):
        covering = index.starting_with(typed[place:])
        paths = heapq.nlargest(_CUTS, waiting[place], key=lambda path: path.mass)
        for path, states, row, table in followed(model, paths):
            found.append(Candidate(path.mass * table[covering], covering, typed[:place], states, row))
            wait(path.mass, table, states, row, place)
    return found, float(sum(candidate.masses.sum() for candidate in found))


def followed(model: LanguageModel, paths: Sequence[Path]) -> Iterator[tuple[Path, State, int, NDArray[np.float64]]]:
    """Each path with the state after it (a row of a state of many) and the probabilities of what
    comes next.
    """
    if not paths:
        return
    before = State.stack([path.state.take([path.row]) for path in paths])
    state = row_advance(model, [path.token for path in paths], before)
    table = np.exp(row_log_probs(model, state).astype(np.float64))
    for row, path in enumerate(paths):
        yield path, state, row, table[row]
