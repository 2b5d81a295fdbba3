"""The first tokens of the next word that agree with the typed text, and their probabilities.

The typed text is a space, a prefix of a word, or only the end of the last word. Probabilities of
words are conditioned on it: P(word) / P(typed).
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
from elman.decode.words import CharacterRun, follow
from elman.models.protocol import LanguageModel, State
from elman.notation import TokenIds
from elman.text.tokenizer import UNK_ID, Tokenizer

# Ways to cut a prefix into tokens that are followed at each position.
_CUTS = 32
# Unfinished characters less likely than this count as part of the same word.
_RARE = 1e-4


@dataclasses.dataclass(frozen=True)
class PromptState:
    """A state before a word, and the typed text after it."""

    state: State
    """The state after everything before the word, one row."""
    context: str
    """The consumed part of the open line."""
    oov: list[str]
    """Unknown words before the word."""
    partial: str
    """The unfinished word as typed; empty if a new word is wanted."""
    typed: bytes
    """Bytes that the next tokens must begin with: a leading space, the unfinished word, both or
    neither."""
    lead: int
    """Bytes of the leading space in ``typed``."""
    after: CharacterRun | None
    """The run right before the new word, which the next token must end; None if there is none."""
    sign: str = ""
    """The apostrophe typed in the unfinished word, where types have another one; or nothing."""
    may_join: bool = False
    """Whether the new word may also come without a space, and a marker of its own says so."""
    others: tuple[int, ...] = ()
    """At word level, the types that begin as typed in other spellings, where none does in this one.
    """
    respelled: bool = False
    """Whether the unfinished word is looked up in another spelling than the typed one."""
    case: str = ""
    """What it is written in the case of, where that is not the typed one: a sentence begins."""
    unmatched: str = ""
    """The last word, if it was to be completed and nothing begins so: it is read as whole."""
    spaced: bool = False
    """Whether only a space may come before the new word: without one it would go on with an e-mail
    address."""


def whole_words(tokenizer: Tokenizer) -> bool:
    """Whether one token is one word, so that no later token decides where it ends."""
    return tokenizer.config.level == "word"


def first_tokens(index: PieceIndex, prompt_state: PromptState, tokenizer: Tokenizer) -> TokenIds:
    """The tokens that begin a new word in this state, or are its leading space."""
    # At a line's start, a space begins a word if tokens include their spaces; if not, it is
    # indentation.
    with_space = prompt_state.after is not None or tokenizer.leading_space
    return index.starts_after(prompt_state.after, spaced=prompt_state.spaced, with_space=with_space)


class Path(NamedTuple):
    """Tokens on the way to a word."""

    mass: float
    """Their probability, given the typed text."""
    text: bytes
    """Their text, without the leading space."""
    state: State
    row: int
    """The row of ``state`` after all tokens but the last."""
    token: int
    """The last token."""


@dataclasses.dataclass(frozen=True, eq=False)
class Candidate:
    """Paths that differ in their last token only."""

    masses: NDArray[np.float64]
    tokens: TokenIds
    before: bytes
    """The text of the tokens before."""
    state: State
    row: int

    def path(self, index_of_token: int, index: PieceIndex) -> Path:
        """The path of one of the tokens."""
        token = int(self.tokens[index_of_token])
        text = self.before + index.pieces[token]
        text = text[1:] if text[:1] == b" " else text
        return Path(float(self.masses[index_of_token]), text, self.state, self.row, token)

    def likeliest_first(self, *, above: float, most: int | None = None) -> "Candidate":
        """The tokens above a probability, likeliest first; at most ``most`` of them (default:
        all).
        """
        likely = np.flatnonzero(self.masses > above)
        masses = self.masses if len(likely) == len(self.masses) else self.masses[likely]
        order = likely[largest(masses, len(masses) if most is None else most)]
        return Candidate(self.masses[order], self.tokens[order], self.before, self.state, self.row)


def first_candidates(
    model: LanguageModel, index: PieceIndex, prompt_state: PromptState
) -> tuple[list[Candidate], float]:
    """Every way to begin a word that agrees with the typed text, and P(typed), by which masses are
    divided.

    This is exact where one token spells all of the typed text, or each token one character. Where
    tokens are pieces of words, it sums over the likeliest ways to cut the text.
    """
    log_probs = model.log_probs(prompt_state.state)
    if prompt_state.typed and whole_words(model.tokenizer):
        covering = _covering(index, prompt_state)
        masses = np.exp(log_probs[0, covering].astype(np.float64))
        total = float(masses.sum())
        if len(prompt_state.typed) == prompt_state.lead:
            total += float(np.exp(log_probs[0, UNK_ID : UNK_ID + 1].astype(np.float64))[0])
        return ([Candidate(masses / total, covering, b"", prompt_state.state, 0)], total) if total else ([], 0.0)
    probs = np.exp(log_probs.astype(np.float64))
    if not prompt_state.typed:
        candidates, total = _new_word(model, index, prompt_state, probs[0])
    else:
        candidates, total = _typed(model, index, prompt_state, probs)
        if len(prompt_state.typed) == prompt_state.lead:
            # After a space, unknown words are words too.
            total += float(probs[0, UNK_ID])
    if not total:
        return [], 0.0
    if total == 1.0:
        return candidates, total
    return [dataclasses.replace(candidate, masses=candidate.masses / total) for candidate in candidates], total


def _new_word(
    model: LanguageModel, index: PieceIndex, prompt_state: PromptState, probs: NDArray[np.float64]
) -> tuple[list[Candidate], float]:
    tokens = first_tokens(index, prompt_state, model.tokenizer)
    if whole_words(model.tokenizer):
        # A token ends its word by itself. After a symbol, a word with and without its space is the
        # same word.
        masses = np.zeros(len(probs))
        masses[tokens] = probs[tokens]
        spaced = index.also_unspaced[masses[index.also_unspaced] > 0]
        unspaced = index.without_space[spaced]
        masses[spaced] += masses[unspaced]
        masses[unspaced] = 0
        join = model.tokenizer.join_id
        if join is not None and prompt_state.may_join:
            joined = row_advance(model, [join], prompt_state.state)
            words = tokens[index.spaced[tokens]]
            masses[words] += probs[join] * np.exp(model.log_probs(joined)[0, words].astype(np.float64))
        return [Candidate(masses[tokens], tokens, b"", prompt_state.state, 0)], 1.0
    candidates = [Candidate(probs[tokens], tokens, b"", prompt_state.state, 0)]
    if prompt_state.after is None or prompt_state.spaced:
        return candidates, 1.0
    candidates += _begun_characters(model, index, prompt_state.state, prompt_state.after, probs)
    return candidates, float(
        probs[index.ending(prompt_state.after)].sum() + sum(candidate.masses.sum() for candidate in candidates[1:])
    )


def _begun_characters(
    model: LanguageModel, index: PieceIndex, state: State, after: CharacterRun, probs: NDArray[np.float64]
) -> list[Candidate]:
    """Candidates that begin a character of several tokens, where the whole character ends the run
    before.
    """
    found = []
    waiting = [Candidate(probs[index.partial], index.partial, b"", state, 0)]
    while waiting:
        paths = [
            candidate.path(index_of_token, index)
            for candidate in waiting
            for index_of_token in np.flatnonzero(candidate.masses > _RARE).tolist()
        ]
        waiting = []
        for path, states, row, table in followed(model, paths):
            grown = [whole_part(path.text + index.pieces[token]) for token in index.inside.tolist()]
            ends = [index_of_token for index_of_token, text in enumerate(grown) if text and not follow(after, text[0])]
            open_still = [index_of_token for index_of_token, text in enumerate(grown) if text == ""]
            for indices, ways in ((ends, found), (open_still, waiting)):
                tokens = index.inside[indices]
                if len(tokens):
                    ways.append(Candidate(path.mass * table[tokens], tokens, path.text, states, row))
    return found


def _covering(index: PieceIndex, prompt_state: PromptState) -> TokenIds:
    """The types that begin as typed."""
    others = np.array(prompt_state.others, dtype=np.int64)
    return others if len(others) else index.starting_with(prompt_state.typed)


def _typed(
    model: LanguageModel, index: PieceIndex, prompt_state: PromptState, probs: NDArray[np.float64]
) -> tuple[list[Candidate], float]:
    typed = prompt_state.typed
    covering = _covering(index, prompt_state)
    candidates = [Candidate(probs[0, covering], covering, b"", prompt_state.state, 0)]
    waiting: list[list[Path]] = [[] for _ in typed]

    def wait(mass: float, row_probs: NDArray[np.float64], state: State, row: int, position: int) -> None:
        for end in range(position + 1, len(typed)):
            for token in index.equal_to(typed[position:end]):
                waiting[end].append(Path(mass * float(row_probs[token]), typed[:end], state, row, token))

    wait(1.0, probs[0], prompt_state.state, 0, 0)
    for position in range(1, len(typed)):
        covering = index.starting_with(typed[position:])
        paths = heapq.nlargest(_CUTS, waiting[position], key=lambda path: path.mass)
        for path, states, row, table in followed(model, paths):
            candidates.append(Candidate(path.mass * table[covering], covering, typed[:position], states, row))
            wait(path.mass, table, states, row, position)
    return candidates, float(sum(candidate.masses.sum() for candidate in candidates))


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
