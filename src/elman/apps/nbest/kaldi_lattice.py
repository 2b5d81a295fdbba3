"""Kaldi's lattices as text (``lattice-copy ark:lat ark,t:-``), cut to n-best lists.

After the id of an utterance each line is an arc, ``from to word graph,acoustic,...`` of a compact
lattice or ``from to input word graph,acoustic`` of a lattice, or a final state with its costs; a
blank line ends the lattice. Costs are negative log-probabilities. Words are words or numbers, which
a table of symbols (``words.txt``) turns into words.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from elman.apps.nbest.lattice import SILENT, Arc, Lattice, best_sequences
from elman.apps.nbest.lists import NbestList, is_whole, lines_of, number_of
from elman.errors import TextError

ACOUSTIC_SCALE = 0.1
"""Kaldi's usual scale of acoustic costs."""


def read_kaldi_lattices(path: Path, *, n: int, symbols: Path | None = None) -> Iterator[NbestList]:
    """The ``n`` best word sequences of each lattice.

    Raises:
        TextError: a line is no part of a lattice, or a number has no word; says which.
    """
    words = None if symbols is None else _symbols(symbols)
    lattice: Lattice | None = None
    began = False
    for position, line in lines_of(path):
        parts = line.split()
        if lattice is None:
            if len(parts) > 1:
                raise TextError(
                    f"{position}: {line[:40]!r} stands where a lattice begins; that is a line with an id only"
                )
            if parts:
                lattice, began = Lattice(parts[0], position), True
        elif not parts:
            yield _cut(lattice, n, words)
            lattice = None
        else:
            _add(lattice, parts, position)
    if lattice is not None:
        yield _cut(lattice, n, words)
    elif not began:
        raise TextError(f"{path}: empty, there is no lattice in it")


def _add(lattice: Lattice, parts: list[str], position: str) -> None:
    states = 2 if len(parts) > 2 else 1
    if not all(map(is_whole, parts[:states])) or len(parts) > 5:
        raise TextError(
            f"{position}: {' '.join(parts)[:40]!r} is neither an arc (0 1 word 2.5,80.1,) nor a final state"
        )
    lm, acoustic = _costs(parts[-1], position) if "," in parts[-1] else (0.0, 0.0)
    labels = parts[2:-1] if "," in parts[-1] else parts[2:]
    source = int(parts[0])
    if not lattice.arcs and not lattice.finals:
        lattice.start = source
    if states == 1:
        lattice.finals[source] = (acoustic, lm)
        if len(parts) == 2 and "," not in parts[1]:
            raise TextError(f"{position}: {' '.join(parts)[:40]!r} is no final state with costs, such as 5 2.5,80.1,")
    elif not labels:
        raise TextError(f"{position}: {' '.join(parts)[:40]!r} is an arc without a word")
    else:
        lattice.add(source, Arc(int(parts[1]), labels[-1], acoustic, lm))


def _costs(text: str, position: str) -> tuple[float, float]:
    """LM and acoustic score of ``graph,acoustic[,transitions]``; empty costs are 0."""
    graph, acoustic, *_ = text.split(",")
    lm, sounds = (-number_of(part, position, "a cost") if part else 0.0 for part in (graph, acoustic))
    return lm, sounds


def _cut(lattice: Lattice, n: int, words: Mapping[str, str] | None) -> NbestList:
    labels = {arc.word for arcs in lattice.arcs.values() for arc in arcs} - SILENT
    if words is None and labels and all(map(str.isdecimal, labels)):
        raise TextError(
            f"{lattice.position}: lattice {lattice.utterance!r} has numbers for words; give their table, words.txt"
        )
    if words is not None:
        missing = next((label for label in labels if label not in words), None)
        if missing is not None:
            raise TextError(f"{lattice.position}: the table of words has no number {missing} of {lattice.utterance!r}")
    for arcs in lattice.arcs.values():
        for place, arc in enumerate(arcs):
            word = arc.word if words is None else words.get(arc.word, "")
            arcs[place] = arc._replace(word="" if word in SILENT else word)
    best = best_sequences(lattice, n, acoustic_scale=ACOUSTIC_SCALE)
    return NbestList(lattice.utterance, tuple(best), position=lattice.position)


def _symbols(path: Path) -> dict[str, str]:
    table = {}
    for position, line in lines_of(path):
        parts = line.split()
        if parts and (len(parts) != 2 or not parts[1].isdecimal()):
            raise TextError(f"{position}: {line[:40]!r} is no word with its number")
        if parts:
            table[parts[1]] = parts[0]
    return table
