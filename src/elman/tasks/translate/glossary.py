"""Glossaries: terms of the source that must be translated in a given way.

A translation that lacks its term is begun again: what was written before the decoder looked at the
term of the source stays, the target's term follows, and the rest is searched for anew.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from elman.errors import TextError


def read_glossary(lines: Iterable[str], *, name: str) -> dict[str, str]:
    """Terms and their translations, a pair on each line with a tab between.

    Raises:
        TextError: a line that is no pair.

    >>> read_glossary(["sofa\\tCouch", ""], name="terms.tsv")
    {'sofa': 'Couch'}
    """
    terms: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        parts = [part.strip() for part in line.split("\t")]
        if line.strip() and (len(parts) != 2 or not all(parts)):
            raise TextError(f"{name}:{number}: {line[:40]!r} is no pair; write a term, a tab and its translation")
        if line.strip():
            terms[parts[0]] = parts[1]
    return terms


def terms_in(text: str, glossary: Mapping[str, str]) -> list[tuple[int, int, str]]:
    """Start and end of each term in a text as whole words, and its translation, in order.

    >>> terms_in("The sofa, a sofabed", {"Sofa": "Couch"})
    [(4, 8, 'Couch')]
    """
    found = []
    for term, translation in glossary.items():
        for match in re.finditer(rf"(?<!\w){re.escape(term)}(?!\w)", text, re.IGNORECASE):
            found.append((match.start(), match.end(), translation))
    return sorted(found)


def begun_with(
    term: tuple[int, int, str], weights: NDArray[np.floating], spans: Sequence[tuple[int, int]], pieces: Sequence[str]
) -> str:
    """How a translation begins that has its term.

    Args:
        term: of ``terms_in``.
        weights: of attention before each token of the translation without it ``[T, S]``.
        spans: start and end of each of the source's tokens, in the order of the weights; the last
            column is `</s>`.
        pieces: what each token of that translation adds to its text ``[T]``.

    >>> weights = np.array([[0.9, 0.1, 0], [0.2, 0.7, 0.1], [0.1, 0.1, 0.8]])
    >>> begun_with((2, 6, "Couch"), weights, [(0, 1), (1, 6)], ["Ein", " So", "fa"])
    'Ein Couch'
    """
    start, end, translation = term
    inside = [place for place, (first, last) in enumerate(spans) if first < end and last > start]
    step = int(weights[:, inside].sum(axis=1).argmax()) if inside and len(weights) else 0
    while step and not pieces[step].startswith(" "):
        step -= 1
    before = "".join(pieces[:step])
    return f"{before} {translation}" if before else translation
