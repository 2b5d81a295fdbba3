"""Word vectors judged by people's similarities and by analogies.

A similarity list has two words and a number on each line, between tabs, commas or blanks. A list of
analogies has four words a line, a is to b as c is to d, and sections that begin with ``: name``.
"""

import math
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from elman.errors import TextError, UsageError
from elman.metrics.correlation import spearman, spearman_interval
from elman.models.word_vectors import WordVectors, unit
from elman.progress import counted

_FEWEST_PAIRS = 3
_METHODS = ("add", "mul")


class Section(NamedTuple):
    """Analogies of one kind."""

    name: str
    questions: list[tuple[str, str, str, str]]


def evaluate(
    vectors: WordVectors, *, analogies: Iterable[str | Path] = (), similarity: Iterable[str | Path] = ()
) -> dict[str, Any]:
    """All figures, as JSON.

    Raises:
        UsageError: no list was given.
        TextError: a list cannot be read; says which line.
    """
    questions, pairs = [Path(file) for file in analogies], [Path(file) for file in similarity]
    if not questions and not pairs:
        raise UsageError("nothing to judge word vectors by; give --analogies FILE or --similarity FILE")
    return {
        "similarity": [similarity_figures(vectors, file) for file in pairs],
        "analogies": [analogy_figures(vectors, file) for file in questions],
    }


def similarity_figures(vectors: WordVectors, file: Path) -> dict[str, Any]:
    """Spearman's correlation on the pairs of which both words have a vector."""
    pairs = read_pairs(file)
    known = [(one, other, number) for one, other, number in pairs if one in vectors and other in vectors]
    if len(known) < _FEWEST_PAIRS:
        raise TextError(f"{file}: {len(known)} of {len(pairs)} pairs are known; Spearman needs {_FEWEST_PAIRS}")
    found = np.array([vectors.similarity(one, other) for one, other, _ in known])
    wanted = np.array([number for *_, number in known])
    low, high = spearman_interval(found, wanted)
    return {
        "file": str(file),
        "spearman": _json(spearman(found, wanted)),
        "low": _json(low),
        "high": _json(high),
        "pairs": len(pairs),
        "known": len(known),
        "coverage": len(known) / len(pairs),
    }


def analogy_figures(vectors: WordVectors, file: Path) -> dict[str, Any]:
    """Accuracy by section: of all questions, and of those whose four words are known."""
    sections = [_section_figures(vectors, section) for section in read_analogies(file)]
    total = {name: sum(section[name] for section in sections) for name in ("questions", "known", *_METHODS)}
    return {"file": str(file), "sections": sections, "total": _shares({"name": "total", **total})}


def _section_figures(vectors: WordVectors, section: Section) -> dict[str, Any]:
    rows = [[vectors.row(word) for word in question] for question in section.questions]
    known = np.array([row for row in rows if None not in row], np.int64).reshape(-1, 4)
    correct = dict.fromkeys(_METHODS, 0)
    step = vectors.questions_at_once
    for begin in range(0, len(known), step):
        block = known[begin : begin + step]
        a, b, c, d = block.T
        units = np.stack([[unit(vectors.vectors[row]) for row in rows] for rows in (b, c, a)], axis=1)
        for method in _METHODS:
            scores = vectors.scores(units, positive=2, method=method)
            scores[np.arange(len(block))[:, None], block[:, :3]] = -np.inf
            # A question whose answer is among its words can only be missed.
            correct[method] += int((scores.argmax(axis=1) == d).sum())
    return _shares({"name": section.name, "questions": len(rows), "known": len(known), **correct})


def _shares(counts: dict[str, Any]) -> dict[str, Any]:
    questions, known = counts["questions"], counts["known"]
    shares = {
        f"accuracy_{method}": {
            "of_all": counts[method] / questions if questions else None,
            "of_known": counts[method] / known if known else None,
        }
        for method in _METHODS
    }
    return {**counts, "coverage": known / questions if questions else None, **shares}


def read_pairs(file: Path) -> list[tuple[str, str, float]]:
    """The pairs of a similarity list; lines that begin with # are comments, and the first line may
    name the columns.

    Raises:
        TextError: a line is no pair with a number; says which.
    """
    pairs, began = [], False
    for number, line in _lines(file):
        parts = [part.strip() for part in re.split(r"\t|,|;", line)] if re.search(r"[\t,;]", line) else line.split()
        score = _number(parts[2]) if len(parts) >= 3 else None
        if score is None and began:
            raise TextError(f"{file}, line {number}: {line[:40]!r} is no pair of words with a number; mend that line")
        if score is not None:
            pairs.append((parts[0], parts[1], score))
        began = True
    if not pairs:
        raise TextError(f"{file}: no pairs of words; each line must be two words and a number, between tabs")
    return pairs


def read_analogies(file: Path) -> list[Section]:
    """The sections of a list of analogies.

    Raises:
        TextError: a line has not four words; says which.
    """
    sections: list[Section] = []
    for number, line in _lines(file):
        words = line.split()
        if words[0].startswith(":"):
            sections.append(Section(line.lstrip(": ").strip(), []))
            continue
        if len(words) != 4:
            raise TextError(
                f"{file}, line {number}: {counted(len(words), 'word')}; an analogy has four: a is to b as c is to d"
            )
        if not sections:
            sections.append(Section("", []))
        sections[-1].questions.append((words[0], words[1], words[2], words[3]))
    if not any(section.questions for section in sections):
        raise TextError(f"{file}: no analogies; each line must be four words")
    return [section for section in sections if section.questions]


def _lines(file: Path) -> Iterable[tuple[int, str]]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise TextError(f"{file}: cannot be read ({error.strerror}); name a list of word pairs or analogies") from error
    except UnicodeDecodeError as error:
        raise TextError(f"{file}: not UTF-8 (byte {error.start}); save it as UTF-8") from error
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.startswith("#"):
            yield number, line.strip()


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _json(number: float) -> float | None:
    return number if math.isfinite(number) else None
