"""The likeliest words at levels where a word is many tokens: best-first search over the tokens.

The probability of a word is the sum over all token paths that spell it of P(the tokens) x P(the word ends here).
A word ends when the next token shows it: a space, a symbol, `</s>`. Each path is followed while it can still
matter, the likeliest first.
"""

import dataclasses
import heapq
from collections.abc import Callable, Sequence
from itertools import count
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.decode.opening import Opening, whole_words
from elman.decode.pieces import PieceIndex, whole_part
from elman.decode.rows import row_advance, row_log_probs
from elman.decode.words import Run, finished, first_end, goes_on, run_from
from elman.models.protocol import LanguageModel, State
from elman.text.tokenizer import UNK_ID


@dataclasses.dataclass(frozen=True, kw_only=True)
class Effort:
    """How far a search goes."""

    width: int = 32
    """Paths followed at a time, in one batch."""
    paths: int = 4000
    """Paths followed at most."""
    floor: float = 1e-6
    """Paths less likely than this are dropped."""
    slack: float = 0.5
    """Paths below this share of the n-th best word are not followed. At most 1: a word not found yet is then less
    likely than the n-th best. Smaller: more of the unlikely spellings of one word are added up."""


_COVER_WIDTH = 32


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


def first_paths(model: LanguageModel, index: PieceIndex, opening: Opening, *, floor: float) -> tuple[list[Path], float]:
    """Every beginning of a word that agrees with what was typed and is not too unlikely, and P(what was typed).

    The paths' masses are divided by P(what was typed): of a typed space, of a half-typed word, of the last word
    having ended. It is exact where one token spells all that was typed or each token one character; where tokens
    are pieces of words, it is the sum over the likeliest ways to cut the text.
    """
    probs = np.exp(model.log_probs(opening.state).astype(np.float64))
    if not opening.typed:
        paths, total = _new_word(model, index, opening, probs[0], floor=floor)
    else:
        paths, total = _typed(model, index, opening, probs, floor=floor)
        if len(opening.typed) == opening.lead:
            # After a space, what the vocabulary does not have is a word all the same.
            total += float(probs[0, UNK_ID])
    if not total:
        return [], 0.0
    return [path._replace(mass=path.mass / total) for path in paths], total


def _new_word(
    model: LanguageModel, index: PieceIndex, opening: Opening, probs: NDArray[np.float64], *, floor: float
) -> tuple[list[Path], float]:
    starts, total = index.word_starts, 1.0
    # At a line's start the tokens with a leading space begin a word; at levels without, a space there is indentation.
    blanks = index.equal_to(b" ") if opening.after or model.tokenizer.leading_space else []
    begun: list[Path] = []
    if opening.after:
        ending = index.ending(opening.after)
        starts = np.intersect1d(starts, ending)
        # A token of the word level ends its word by itself; elsewhere that the last one has ended is news.
        if not whole_words(model.tokenizer):
            begun = _begun_characters(model, index, opening, opening.after, probs, floor=floor)
            total = float(probs[ending].sum()) + sum(path.mass for path in begun)
    likely = [*starts[probs[starts] >= floor * total].tolist(), *blanks]
    found = [Path(float(probs[token]), index.body(token), opening.state, 0, token) for token in likely]
    return found + begun, total


def _begun_characters(
    model: LanguageModel, index: PieceIndex, opening: Opening, after: Run, probs: NDArray[np.float64], *, floor: float
) -> list[Path]:
    """Paths that begin with a character of several tokens which, once it is whole, ends the run before it."""
    first = index.partial[probs[index.partial] >= floor].tolist()
    paths = [Path(float(probs[token]), index.pieces[token], opening.state, 0, token) for token in first]
    found = []
    while paths:
        states, table = expand(model, paths)
        longer = []
        for row, path in enumerate(paths):
            masses = path.mass * table[row, index.inside]
            likely = np.flatnonzero(masses >= floor)
            for token, mass in zip(index.inside[likely].tolist(), masses[likely].tolist(), strict=True):
                grown = Path(mass, path.text + index.pieces[token], states, row, token)
                text = whole_part(grown.text)
                if text == "":
                    longer.append(grown)
                elif text and not goes_on(after, text[0]):
                    found.append(grown)
        paths = longer
    return found


def _typed(
    model: LanguageModel, index: PieceIndex, opening: Opening, probs: NDArray[np.float64], *, floor: float
) -> tuple[list[Path], float]:
    typed = opening.typed
    found: list[Path] = []
    total = 0.0
    waiting: list[list[Path]] = [[] for _ in typed]
    state = opening.state
    for place in range(len(typed)):
        paths = heapq.nlargest(_COVER_WIDTH, waiting[place], key=lambda path: path.mass)
        if place and not paths:
            continue
        if place:
            state, probs = expand(model, paths)
        rest = typed[place:]
        covering = index.starting_with(rest)
        shorter = [(place + size, token) for size in range(1, len(rest)) for token in index.equal_to(rest[:size])]
        for row in range(len(probs)):
            mass = paths[row].mass if place else 1.0
            masses = mass * probs[row, covering]
            total += float(masses.sum())
            likely = masses >= floor * total
            for token, reached in zip(covering[likely].tolist(), masses[likely].tolist(), strict=True):
                text = (typed[:place] + index.pieces[token])[opening.lead :]
                found.append(Path(reached, text, state, row, token))
            for end, token in shorter:
                waiting[end].append(Path(mass * float(probs[row, token]), b"", state, row, token))
    return found, total


def expand(model: LanguageModel, paths: Sequence[Path]) -> tuple[State, NDArray[np.float64]]:
    """The states after some paths, and the probabilities of what comes next, ``[B, V]``."""
    before = State.stack([path.state.take([path.row]) for path in paths])
    state = row_advance(model, [path.token for path in paths], before)
    return state, np.exp(row_log_probs(model, state).astype(np.float64))


class WordSearch:
    """Collects words from paths, until nothing unseen can be among the n best."""

    def __init__(
        self, model: LanguageModel, index: PieceIndex, *, n: int, accept: Callable[[str], bool], effort: Effort
    ) -> None:
        self._model = model
        self._index = index
        self._n = n
        self._accept = accept
        self._effort = effort
        self._open: list[tuple[float, int, Path, Run | None, bool]] = []
        self._order = count()
        self.words: dict[str, float] = {}
        """Accepted words and their probabilities so far."""

    def add(self, path: Path) -> None:
        """Take up a path: to be followed, or, if its last character shows so, the end of a word."""
        if path.mass < self._effort.floor:
            return
        text = whole_part(path.text)
        if text is None:
            return
        end = first_end(text)
        if end is None:
            run = run_from(text[0]) if text else None
            whole = len(text.encode()) == len(path.text)
            heapq.heappush(self._open, (-path.mass, next(self._order), path, run, whole))
        elif end:
            self.found(text[:end], path.mass)

    def run(self) -> list[tuple[str, float]]:
        """Follow paths; the n best words with their probabilities, best first, equal ones by text."""
        followed = 0
        while self._open and followed < self._effort.paths:
            least = self._effort.slack * self._nth_best()
            batch = []
            while self._open and len(batch) < self._effort.width and -self._open[0][0] > least:
                batch.append(heapq.heappop(self._open))
            if not batch:
                break
            followed += len(batch)
            states, table = expand(self._model, [path for _, _, path, _, _ in batch])
            for row, (_, _, path, run, whole) in enumerate(batch):
                self._follow(path, run, whole, states, row, table[row])
        return sorted(self.words.items(), key=lambda item: (-item[1], item[0]))[: self._n]

    def _follow(
        self, path: Path, run: Run | None, whole: bool, states: State, row: int, probs: NDArray[np.float64]
    ) -> None:
        if not whole:
            tokens = self._index.inside
        elif run is None:
            tokens = self._index.glued_starts
        else:
            tokens = self._index.going_on(run)
            self.found(finished(path.text.decode()), path.mass * float(probs[self._index.ending(run)].sum()))
        masses = path.mass * probs[tokens]
        likely = np.flatnonzero(masses >= self._effort.floor)
        for token, mass in zip(tokens[likely].tolist(), masses[likely].tolist(), strict=True):
            self.add(Path(mass, path.text + self._index.pieces[token], states, row, token))

    def found(self, word: str, mass: float) -> None:
        """Add to the probability of a word."""
        if word in self.words:
            self.words[word] += mass
        elif self._accept(word):
            self.words[word] = mass

    def _nth_best(self) -> float:
        best = heapq.nlargest(self._n, self.words.values())
        return best[-1] if len(best) == self._n else 0.0
