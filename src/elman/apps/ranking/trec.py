"""Runs and judgements in the formats of TREC.

A run has lines ``QUERY Q0 DOCUMENT RANK SCORE NAME``; judgements (qrels) have lines ``QUERY 0
DOCUMENT GRADE``, or ``QUERY DOCUMENT GRADE``, as in BEIR with a line of names first, or ``QUERY
DOCUMENT 0 0`` as in SMART's collections, where what is listed is relevant. As trec_eval does it, a
run is ordered by its scores alone, as float32, and of equal ones by the documents' names, the last
first.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np

from elman.errors import TextError, UsageError
from elman.progress import counted
from elman.text.decoding import raw_lines
from elman.text.sources import find_sources

Run = dict[str, dict[str, float]]
"""Scores by query and document."""
Qrels = dict[str, dict[str, int]]
"""Grades by query and document; above 0 is relevant."""


def read_run(file: str | Path) -> Run:
    """A run.

    Raises:
        TextError: a line is no line of a run; says which.
    """
    run: Run = {}
    for position, words in _rows(file):
        if len(words) != 6:
            raise TextError(
                f"{position}: {counted(len(words), 'column')}; a run has six: QUERY Q0 DOCUMENT RANK SCORE NAME"
            )
        query, document, score = words[0], words[2], _number(words[4])
        if score is None:
            raise TextError(f"{position}: the score is {words[4][:40]!r}, no number")
        if document in run.setdefault(query, {}):
            raise TextError(f"{position}: document {document} comes again for query {query}")
        run[query][document] = score
    return run


def run_lines(query: str, documents: Iterable[tuple[str, float]], name: str) -> Iterator[str]:
    """The lines of a query.

    >>> list(run_lines("7", [("d2", 1.5)], "bm25"))
    ['7 Q0 d2 1 1.5 bm25']

    Raises:
        UsageError: a name has blanks, which separate the columns.
    """
    documents = list(documents)
    for word in (query, name, *(document for document, _ in documents)):
        if word.split() != [word]:
            raise UsageError(
                f"{word[:60]!r} has blanks, which separate the columns of a run; give other names or --json"
            )
    return (f"{query} Q0 {document} {rank} {score!r} {name}" for rank, (document, score) in enumerate(documents, 1))


def ordered(scores: Mapping[str, float]) -> list[str]:
    """The documents of a query as trec_eval orders them.

    >>> ordered({"a": 1.0, "b": 2.0, "c": 1.0})
    ['b', 'c', 'a']
    """
    return sorted(scores, key=lambda document: (np.float32(scores[document]), document), reverse=True)


def read_qrels(file: str | Path, grades: Mapping[int, int] | None = None) -> Qrels:
    """Judgements.

    Args:
        grades: what the grades of the file mean (``parse_grades``); by default they are used as
            they are.

    Raises:
        TextError: a line is no judgement, or no document is relevant.
    """
    qrels: Qrels = {}
    rows = list(_rows(file))
    if all(len(words) == 4 and words[2] == "0" and _number(words[3]) == 0 for _, words in rows):
        rows = [(position, [words[0].lstrip("0") or "0", words[1], "1"]) for position, words in rows]
    for number, (position, words) in enumerate(rows):
        if len(words) not in (3, 4):
            raise TextError(f"{position}: {counted(len(words), 'column')}; judgements have QUERY 0 DOCUMENT GRADE")
        value = _number(words[-1])
        if value is None or value != int(value):
            if number == 0:
                continue  # a line of names
            raise TextError(f"{position}: the grade is {words[-1][:40]!r}; it must be a whole number")
        grade = int(value) if grades is None else grades.get(int(value), 0)
        qrels.setdefault(words[0], {})[words[-2]] = grade
    if not qrels:
        raise TextError(f"{file}: no judgement in it; lines are QUERY 0 DOCUMENT GRADE")
    if not any(grade > 0 for each in qrels.values() for grade in each.values()):
        raise TextError(f"{file}: no document is relevant; if grades are no numbers that rise, say --grades")
    return qrels


def parse_grades(text: str) -> dict[int, int]:
    """What grades mean: those of relevant documents from the best one on, or GRADE=GAIN for each.

    >>> parse_grades("1,2,3"), parse_grades("1=4,2=1")
    ({1: 3, 2: 2, 3: 1}, {1: 4, 2: 1})

    Raises:
        UsageError: it is neither.
    """
    parts = [part.strip() for part in text.split(",")]
    try:
        if all("=" in part for part in parts):
            found = {int(grade): int(gain) for grade, _, gain in (part.partition("=") for part in parts)}
        else:
            found = {int(part): len(parts) - place for place, part in enumerate(parts)}
    except ValueError:
        found = {}
    if len(found) < len(parts) or not 0 <= min(found.values()) <= max(found.values()) <= 1000:
        raise UsageError(f"grades are {text!r}; list the relevant ones from the best on, such as 1,2,3, or give each a "
                         "gain up to 1000: 1=3,2=1")  # fmt: skip
    return found


def _rows(file: str | Path) -> Iterator[tuple[str, list[str]]]:
    found = False
    for source in find_sources(str(file)):
        for number, line in enumerate(raw_lines(source, encoding="utf-8", advance=lambda amount: None), start=1):
            if words := line.split():
                found = True
                yield f"{source.name}, line {number}", words
    if not found:
        raise TextError(f"{file} is empty")


def _number(word: str) -> float | None:
    try:
        value = float(word)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
