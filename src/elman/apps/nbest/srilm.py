"""SRILM's n-best lists, one file for each utterance, in its three formats.

    NBestList1.0                      (score) word word ...
    NBestList2.0                      (score) word ( st: 0 et: 9 g: -12 a: -345 ) word ...
    without a header                  acoustic lm words word word ...

Scores of the first two are bytelogs (logarithms to base 1.0001, divided by 1024), those of the
third logarithms to base 10; all become nats. Units inside a word (phones, states) are left out.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from elman.apps.nbest.lists import ACOUSTIC, LN_10, OLD_LM, SCORE, Hypothesis, NbestList, lines_of, number_of
from elman.errors import TextError
from elman.text.sources import COMPRESSED, find_sources

_BYTELOG = 1024 * math.log(1.0001)
_HEADERS = {"NBestList1.0": 1, "NBestList2.0": 2}
_FIELDS = ("(", "st:", None, "et:", None, "g:", None, "a:", None, ")")
_EDGES = ("<s>", "</s>")
_SUFFIXES = (*COMPRESSED, ".nbest", ".score", ".txt", ".srilm")


def read_srilm(path: Path) -> Iterator[NbestList]:
    """The list of a file, or of each file of a folder or pattern; a file has the name of its
    utterance.

    Raises:
        TextError: a line is not in the format; says which.
    """
    for source in find_sources(path):
        yield _list(source.path or Path(source.name))


def write_srilm(lists: Iterable[NbestList]) -> Iterator[tuple[str, list[str]]]:
    """The utterance and the lines of each list in SRILM's own format, for a file each.

    Scores that are not acoustic and not of a language model are taken for acoustic ones.
    """
    for each in lists:
        lines = []
        for hypothesis in each.hypotheses:
            old = hypothesis.scores.get(OLD_LM, 0.0)
            acoustic = hypothesis.scores.get(ACOUSTIC, hypothesis.scores.get(SCORE, 0.0))
            count = len(hypothesis.text.split())
            lines.append(f"{acoustic / LN_10:.6g} {old / LN_10:.6g} {count} {hypothesis.text}".rstrip())
        yield each.utterance, lines


def _list(path: Path) -> NbestList:
    kind, hypotheses = 3, []
    for number, (position, line) in enumerate(lines_of(path), start=1):
        parts = line.split()
        if number == 1 and parts and parts[0] in _HEADERS:
            kind = _HEADERS[parts[0]]
        elif parts:
            hypotheses.append(_READ[kind](parts, position))
    name = path.name
    while Path(name).suffix in _SUFFIXES:
        name = Path(name).stem
    if not hypotheses:
        raise TextError(f"{path}: empty, there is no hypothesis in it")
    return NbestList(name, tuple(hypotheses), position=str(path))


def _first(parts: Sequence[str], position: str) -> Hypothesis:
    return Hypothesis(_joined(parts[1:]), {SCORE: _composite(parts[0], position)})


def _second(parts: Sequence[str], position: str) -> Hypothesis:
    scores = {SCORE: _composite(parts[0], position), ACOUSTIC: 0.0, OLD_LM: 0.0}
    words, last = [], -math.inf
    for start in range(1, len(parts), len(_FIELDS) + 1):
        word, *fields = parts[start : start + len(_FIELDS) + 1]
        shape = [wanted is None or wanted == found for wanted, found in zip(_FIELDS, fields, strict=False)]
        if len(fields) != len(_FIELDS) or not all(shape):
            raise TextError(f"{position}: {word[:40]!r} is not followed by ( st: 0 et: 9 g: -12 a: -345 )")
        begin, end, language, acoustic = (
            number_of(fields[index], position, f"a score of {word!r}") for index in (2, 4, 6, 8)
        )
        if begin <= last:
            continue  # a phone or a state of the word before
        last = end
        words.append(word)
        scores[ACOUSTIC] += acoustic * _BYTELOG
        scores[OLD_LM] += language * _BYTELOG
    del scores[SCORE]  # the sum of the others, weighted
    return Hypothesis(_joined(words), scores)


def _third(parts: Sequence[str], position: str) -> Hypothesis:
    if len(parts) < 3 or not parts[2].isdecimal():
        raise TextError(
            f"{position}: {' '.join(parts)[:40]!r} has no acoustic score, language model score and number of words "
            "before its words; other formats of SRILM begin with the line NBestList1.0 or NBestList2.0"
        )
    acoustic, language = (number_of(part, position, "a score") * LN_10 for part in parts[:2])
    return Hypothesis(_joined(parts[3:]), {ACOUSTIC: acoustic, OLD_LM: language})


_READ = {1: _first, 2: _second, 3: _third}


def _composite(part: str, position: str) -> float:
    if not (part.startswith("(") and part.endswith(")")):
        raise TextError(f"{position}: {part[:40]!r} is no score in parentheses; each line begins with one")
    return number_of(part[1:-1], position, "the score") * _BYTELOG


def _joined(words: Sequence[str]) -> str:
    return " ".join(word for word in words if word not in _EDGES)
