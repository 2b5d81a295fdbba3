"""N-best lists as a table, TSV or CSV: a row for each hypothesis, those of an utterance together.

Without a line of names the columns are ``id<TAB>words[<TAB>score ...]``. With one, which has
``id``, ``utt`` or the like, they may come in any order: ``text`` or ``hyp`` has the words, ``ref``
the reference, ``group`` the conversation, and every other column is a score under its own name.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from elman.apps.nbest.json_lines import IDS, nbest_of_json
from elman.apps.nbest.lists import SCORE, NbestList, find_lines, number_of
from elman.errors import TextError
from elman.progress import counted
from elman.text.readers.delimited import csv_rows
from elman.text.readers.record import listed

TEXTS = ("text", "hyp", "hypothesis", "words")
_OTHERS = {"ref": "ref", "reference": "ref", "group": "group", "conversation": "group", "rank": None}


def read_tab_separated(path: Path, *, commas: bool = False) -> Iterator[NbestList]:
    """The lists of a file.

    Args:
        commas: the columns are those of CSV.

    Raises:
        TextError: a row has too few columns, or a score is no number; says which.
    """
    names, separator = list[str](), "," if commas else "\t"
    utterance, first, number = None, "", 0
    value: dict[str, Any] = {}
    for position, cells in table_rows(path, commas):
        if not names:
            names = _names(cells, position)
            if _has_names(cells):
                continue
        if len(cells) != len(names):
            raise TextError(
                f"{position}: {counted(len(cells), 'column')} ({separator.join(cells)[:40]!r}); there must be "
                f"{len(names)}, between {'commas' if commas else 'tabs'}"
            )
        row = dict(zip(names, cells, strict=True))
        if row["id"] != utterance:
            if utterance is not None:
                yield nbest_of_json(value, first, number=number)
            utterance, first, number = row["id"], position, number + 1
            value = {"id": utterance, "hyps": [], **{name: row[name] for name in ("ref", "group") if name in row}}
        scores = {
            name: number_of(cell, position, f"score {name[:40]!r}") for name, cell in row.items() if name not in _TAKEN
        }
        value["hyps"].append({"text": row["text"], **scores})
    if utterance is None:
        raise TextError(f"{path}: empty, there is no n-best list in it")
    yield nbest_of_json(value, first, number=number)


def write_tab_separated(lists: Iterable[NbestList]) -> Iterator[str]:
    """A line of names, and one for each hypothesis."""
    names: list[str] = []
    for each in lists:
        if not names:
            names = [*each.hypotheses[0].scores]
            yield "\t".join(["id", "text", *names])
        for hypothesis in each.hypotheses:
            yield "\t".join([each.utterance, hypothesis.text, *(f"{hypothesis.scores[name]:.6g}" for name in names)])


def table_rows(path: Path, commas: bool) -> Iterator[tuple[str, list[str]]]:
    """The cells of each row that is not blank."""
    for name, lines in find_lines(path):
        rows = csv_rows(lines, name=name) if commas else enumerate((line.split("\t") for line in lines), start=1)
        for number, row in rows:
            cells = [cell.strip() for cell in row]
            if any(cells):
                yield f"{name}, line {number}", cells


_TAKEN = ("id", "text", "ref", "group", "")


def _has_names(cells: Sequence[str]) -> bool:
    """Whether a row names the columns: it begins with the id's, or names both id and text."""
    found = {cell.casefold() for cell in cells}
    return cells[0].casefold() in IDS or (not found.isdisjoint(IDS) and not found.isdisjoint(TEXTS))


def _names(cells: Sequence[str], position: str) -> list[str]:
    if len(cells) < 2:
        raise TextError(
            f"{position}: {' '.join(cells)[:40]!r} has one column; give id<TAB>words, and scores after them"
        )
    if not _has_names(cells):
        scores = [SCORE] if len(cells) == 3 else [f"score{number}" for number in range(1, len(cells) - 1)]
        return ["id", "text", *scores]
    names: list[str] = []
    for cell in cells:
        name = cell.casefold()
        if name in IDS and "id" not in names:
            names.append("id")
            continue
        names.append("text" if name in TEXTS else (_OTHERS[name] or "") if name in _OTHERS else cell)
    named = [name for name in names if name]
    if names.count("text") != 1 or len(set(named)) != len(named):
        raise TextError(f"{position}: columns {listed(cells)}; there must be one called text, and no two alike")
    return names
