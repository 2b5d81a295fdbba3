"""The likeliest words at levels where a word is many tokens: best-first search over the tokens.

The probability of a word is the sum over all token paths that spell it of P(the tokens) x P(the
word ends here). A word ends when the next token shows it: a space, a symbol, `</s>`. Each path is
followed while it can still matter, the likeliest first.
"""

import dataclasses
import heapq
from collections.abc import Callable
from itertools import count

from elman.decode.pieces import PieceIndex, whole_part
from elman.decode.prompt_state import Candidate, Path, followed
from elman.decode.words import CharacterRun, finished, first_run
from elman.models.protocol import LanguageModel


@dataclasses.dataclass(frozen=True, kw_only=True)
class Effort:
    """Limits of a search."""

    width: int = 32
    """Paths followed at a time, in one batch."""
    paths: int = 4000
    """Paths followed at most."""
    floor: float = 1e-6
    """Paths less likely than this are dropped."""
    slack: float = 0.5
    """Paths below this share of the n-th best word are not followed. At most 1: words not found yet
    are then less likely than the n-th best. Smaller values add up more unlikely spellings of a
    word."""


@dataclasses.dataclass(frozen=True)
class _Open:
    """A path to be followed."""

    path: Path
    run: CharacterRun | None
    """The run that the word is in; None before its first whole character."""
    whole: bool
    """Whether the text ends with a whole character."""


class WordSearch:
    """Collects words from candidates until no unseen word can be among the n best.

    ``weigh`` tells by what the probability of a word is multiplied, at most 1; 0: it is not
    offered. ``shown`` spells it.
    """

    def __init__(
        self,
        model: LanguageModel,
        index: PieceIndex,
        *,
        n: int,
        weigh: Callable[[str], float],
        effort: Effort,
        shown: Callable[[str], str] = str,
    ) -> None:
        self._model = model
        self._index = index
        self._n = n
        self._weigh, self._shown = weigh, shown
        self._effort = effort
        # The queue holds only the likeliest remaining path of each candidate.
        self._queue: list[tuple[float, int, Candidate, int]] = []
        self._order = count()
        self._words: dict[str, float] = {}

    def add(self, candidate: Candidate) -> None:
        """Add the paths of a candidate."""
        self._enqueue(candidate.likeliest_first(above=self._least()), 0)

    def run(self) -> list[tuple[str, float]]:
        """Follow paths; returns the n best words with their probabilities, best first, ties by
        text.
        """
        taken = 0
        while taken < self._effort.paths and (batch := self._next_batch()):
            taken += len(batch)
            opens = {id(item.path): item for item in batch}
            for path, state, row, probs in followed(self._model, [item.path for item in batch]):
                item = opens[id(path)]
                tokens = self._tokens_after(item)
                if item.whole and item.run:
                    over = float(probs[self._index.ending(item.run)].sum())
                    self._found(finished(path.text.decode()), path.mass * over)
                self.add(Candidate(path.mass * probs[tokens], tokens, path.text, state, row))
        return sorted(self._words.items(), key=lambda word: (-word[1], word[0]))[: self._n]

    def _enqueue(self, candidate: Candidate, next_index: int) -> None:
        if next_index < len(candidate.masses):
            heapq.heappush(
                self._queue, (-float(candidate.masses[next_index]), next(self._order), candidate, next_index)
            )

    def _next_batch(self) -> list[_Open]:
        batch: list[_Open] = []
        least = self._least()
        while self._queue and len(batch) < self._effort.width and -self._queue[0][0] > least:
            _, _, candidate, next_index = heapq.heappop(self._queue)
            self._enqueue(candidate, next_index + 1)
            path = candidate.path(next_index, self._index)
            text = whole_part(path.text)
            if text is None:
                continue
            end, run = first_run(text)
            if end is None:
                batch.append(_Open(path, run, len(text.encode()) == len(path.text)))
            elif end:
                self._found(text[:end], path.mass)
        return batch

    def _tokens_after(self, item: _Open):
        if not item.whole:
            return self._index.inside
        return self._index.going_on(item.run) if item.run else self._index.glued_starts

    def _found(self, word: str, mass: float) -> None:
        weight = self._weigh(word)
        if weight and mass:
            shown = self._shown(word)
            self._words[shown] = self._words.get(shown, 0.0) + weight * mass

    def _least(self) -> float:
        best = heapq.nlargest(self._n, self._words.values())
        return max(self._effort.floor, self._effort.slack * best[-1] if len(best) == self._n else 0.0)
