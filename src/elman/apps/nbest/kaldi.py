"""Kaldi's n-best lists: ``UTT-1 words``, with files of costs ``UTT-1 12.3``.

A folder has them under their usual names: ``words_text`` (or ``text``) with ``ac_cost`` or
``acwt``, and ``lm_cost``, ``lmwt`` or ``lmwt.nolm``. Costs are negative log-probabilities. Each
line of the words begins with the id of an entry, which ends in its rank; a line without one is an
error, so no word is lost to an id and no id read as a word.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from elman.apps.nbest.lists import ACOUSTIC, OLD_LM, Hypothesis, NbestList, lines_of, number_of, words_of
from elman.errors import TextError

_ENTRY = re.compile(r"(?P<utterance>\S+)-(?P<rank>[0-9]{1,18})")
_WORDS = ("words_text", "text", "words.txt")
_COSTS = {ACOUSTIC: ("ac_cost", "acwt"), OLD_LM: ("lm_cost", "lmwt", "lmwt.nolm")}


def kaldi_files(folder: Path) -> tuple[Path, dict[str, Path]]:
    """The words and the files of costs in a folder.

    Raises:
        TextError: it has no words.
    """
    words = next((folder / name for name in _WORDS if (folder / name).is_file()), None)
    if words is None:
        raise TextError(f"{folder}: no n-best list in this folder; Kaldi's has a file words_text or text")
    found = {score: [folder / name for name in names] for score, names in _COSTS.items()}
    return words, {
        score: next(filter(Path.is_file, files)) for score, files in found.items() if any(map(Path.is_file, files))
    }


def read_kaldi(path: Path, *, costs: Mapping[str, Path] | None = None) -> Iterator[NbestList]:
    """The lists of a file of words, or of a folder.

    Args:
        costs: a file of costs by the name of its score; for a folder those that it holds, too.

    Raises:
        TextError: a line is broken, an entry comes twice, or has no cost.
    """
    costs = dict(costs or {})
    if path.is_dir():
        path, found = kaldi_files(path)
        costs = {**found, **costs}
    tables = {score: _costs(file) for score, file in costs.items()}
    seen: set[str] = set()
    utterance, entries, first = None, [], ""
    for position, line in lines_of(path):
        if not line.strip():
            continue
        entry, _, words = line.strip().partition(" ")
        entry, _, more = entry.partition("\t")
        match = _ENTRY.fullmatch(entry)
        if match is None:
            raise TextError(
                f"{position}: {entry[:40]!r} is no id of an n-best entry, such as UTT-1; each line begins with one"
            )
        if entry in seen:
            raise TextError(f"{position}: entry {entry!r} comes twice; each is listed once")
        seen.add(entry)
        if match["utterance"] != utterance:
            if utterance is not None:
                yield _sorted(utterance, entries, first)
            utterance, entries, first = match["utterance"], [], position
        missing = next((costs[score] for score, table in tables.items() if entry not in table), None)
        if missing is not None:
            raise TextError(f"{missing}: no cost for {entry!r} ({position})")
        scores = {score: -table[entry] for score, table in tables.items()}
        entries.append((int(match["rank"]), Hypothesis(words_of(f"{more} {words}"), scores)))
    if utterance is None:
        raise TextError(f"{path}: empty, there is no n-best list in it")
    yield _sorted(utterance, entries, first)


def write_kaldi(lists: Iterable[NbestList]) -> Iterator[str]:
    """The lines ``UTT-RANK words`` of lists."""
    for each in lists:
        for rank, hypothesis in enumerate(each.hypotheses, start=1):
            yield f"{each.utterance}-{rank} {hypothesis.text}".rstrip()


def _sorted(utterance: str, entries: Sequence[tuple[int, Hypothesis]], position: str) -> NbestList:
    ranked = sorted(entries, key=lambda entry: entry[0])
    return NbestList(utterance, tuple(hypothesis for _, hypothesis in ranked), position=position)


def _costs(path: Path) -> dict[str, float]:
    table = {}
    for position, line in lines_of(path):
        parts = line.split()
        if not parts:
            continue
        if len(parts) != 2:
            raise TextError(f"{position}: {line[:40]!r} is no id with its cost, such as UTT-1 12.3")
        table[parts[0]] = number_of(parts[1], position, "the cost")
    return table
