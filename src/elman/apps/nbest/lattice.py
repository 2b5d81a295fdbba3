"""A word lattice and its best word sequences.

Different paths of a lattice often have the same words. ``best_sequences`` makes the lattice
deterministic while it searches: a prefix of words stands for all nodes that it leads to, each with
its best path. The search is A* with the exact score of the best completion, so sequences come out
in order, each once, with the scores of its best path (Mohri and Riley 2002, "An efficient algorithm
for the n-best-strings problem").
"""

import heapq
import itertools
import math
from dataclasses import dataclass, field
from typing import NamedTuple

from elman.apps.nbest.lists import ACOUSTIC, OLD_LM, Hypothesis
from elman.errors import TextError

MOST_ARCS = 1 << 22
"""Arcs of one lattice; more are refused."""


SILENT = {"", "0", "<eps>", "!NULL", "<s>", "</s>", "!SENT_START", "!SENT_END", "!SIL", "SIL", "sil", "-pau-"}
"""Labels that are no words."""


class Arc(NamedTuple):
    """An arc; without a word if that is empty."""

    target: int
    word: str
    acoustic: float
    """Log-probability of the sounds."""
    lm: float
    """Log-probability of the recogniser's language model."""


@dataclass
class Lattice:
    """A directed graph without circles."""

    utterance: str
    position: str
    start: int = 0
    arcs: dict[int, list[Arc]] = field(default_factory=dict)
    """Of each node, those that leave it."""
    finals: dict[int, tuple[float, float]] = field(default_factory=dict)
    """Acoustic and LM score of an end in each final node."""

    def add(self, source: int, arc: Arc) -> None:
        """Add an arc."""
        self.arcs.setdefault(source, []).append(arc)


class _Path(NamedTuple):
    score: float
    acoustic: float
    lm: float


def best_sequences(
    lattice: Lattice, n: int, *, acoustic_scale: float = 1.0, lm_scale: float = 1.0, word_penalty: float = 0.0
) -> list[Hypothesis]:
    """The ``n`` best word sequences, the best first, with their acoustic and LM scores.

    Paths are ranked by acoustic_scale * acoustic + lm_scale * lm + word_penalty * words.

    Raises:
        TextError: the lattice has a circle, or no path from start to end.
    """
    order = {node: place for place, node in enumerate(_sorted(lattice))}

    def score(arc: Arc) -> float:
        return acoustic_scale * arc.acoustic + lm_scale * arc.lm + (word_penalty if arc.word else 0.0)

    ends = {node: acoustic_scale * end[0] + lm_scale * end[1] for node, end in lattice.finals.items()}
    after = dict.fromkeys(order, -math.inf)
    for node in reversed(order):
        onward = (score(arc) + after[arc.target] for arc in lattice.arcs.get(node, ()))
        after[node] = max(ends.get(node, -math.inf), max(onward, default=-math.inf))
    if after[lattice.start] == -math.inf:
        raise TextError(f"{lattice.position}: no path of lattice {lattice.utterance!r} leads from its start to an end")
    names, count = list(order), itertools.count()
    found: list[Hypothesis] = []
    waiting: list[tuple[float, int, tuple[str, ...], dict[int, _Path] | _Path]] = []
    heapq.heappush(waiting, (-after[lattice.start], next(count), (), {lattice.start: _Path(0.0, 0.0, 0.0)}))
    while waiting and len(found) < n:
        _, _, words, paths = heapq.heappop(waiting)
        if isinstance(paths, _Path):
            found.append(Hypothesis(" ".join(words), {ACOUSTIC: paths.acoustic, OLD_LM: paths.lm}))
            continue
        reached: dict[str, dict[int, _Path]] = {}
        best: _Path | None = None
        nodes = sorted(order[node] for node in paths)
        done = -1
        while nodes:
            place = heapq.heappop(nodes)
            if place == done:
                continue
            done = place
            node = names[place]
            path = paths[node]
            if node in ends:
                end = lattice.finals[node]
                best = max(best or _LEAST, _Path(path.score + ends[node], path.acoustic + end[0], path.lm + end[1]))
            for arc in lattice.arcs.get(node, ()):
                if after[arc.target] == -math.inf:
                    continue
                longer = _Path(path.score + score(arc), path.acoustic + arc.acoustic, path.lm + arc.lm)
                into = reached.setdefault(arc.word, {}) if arc.word else paths
                if longer > into.get(arc.target, _LEAST):
                    into[arc.target] = longer
                    if not arc.word:
                        heapq.heappush(nodes, order[arc.target])
        if best is not None:
            heapq.heappush(waiting, (-best.score, next(count), words, best))
        for word, several in reached.items():
            bound = max(path.score + after[node] for node, path in several.items())
            heapq.heappush(waiting, (-bound, next(count), (*words, word), several))
    return found


_LEAST = _Path(-math.inf, 0.0, 0.0)


def _sorted(lattice: Lattice) -> list[int]:
    """Nodes in an order in which arcs lead onward only."""
    if sum(map(len, lattice.arcs.values())) > MOST_ARCS:
        raise TextError(f"{lattice.position}: lattice {lattice.utterance!r} has more than {MOST_ARCS:,} arcs; prune it")
    before: dict[int, int] = {lattice.start: 0, **dict.fromkeys(lattice.finals, 0)}
    for node, arcs in lattice.arcs.items():
        before.setdefault(node, 0)
        for arc in arcs:
            before[arc.target] = before.get(arc.target, 0) + 1
    ready, order = [node for node, count in before.items() if not count], []
    while ready:
        node = ready.pop()
        order.append(node)
        for arc in lattice.arcs.get(node, ()):
            before[arc.target] -= 1
            if not before[arc.target]:
                ready.append(arc.target)
    if len(order) < len(before):
        raise TextError(
            f"{lattice.position}: lattice {lattice.utterance!r} has a circle; n-best lists need one without"
        )
    return order
