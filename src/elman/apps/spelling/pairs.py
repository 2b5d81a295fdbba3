"""Lists of misspellings, in the formats in which they are published.

right: wrong, wrong*3        Norvig's errors; ``*3``: seen three times
wrong->right, other          Wikipedia, codespell; several corrections are a pair each
$right                       aspell and Mitton: a word, then its misspellings, one a line
wrong<TAB>right              a table; with a line of names, or as CSV or JSON lines, of fields that are
                             called wrong and right, or source and target, or the like
S ... with A ... below       M2: what is marked as spelling in learners' sentences
tests = {'right': 'wrong wrong', ...}    Norvig's tests
"""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from elman.apps.spelling.m2 import is_m2, read_m2
from elman.errors import TextError
from elman.text.normalise import split_lines
from elman.text.readers.record import Record, listed
from elman.text.readers.table import READERS

_TIMES = re.compile(r"\*(\d{1,6})$")
_DICT = re.compile(r"^\s*\w+\s*=\s*(?=\{)", re.MULTILINE)
_WRONG = ("wrong", "misspelling", "misspelled", "typo", "error", "incorrect", "source", "src", "original", "input")
_RIGHT = ("right", "correct", "correction", "corrected", "meant", "intended", "target", "tgt", "output", "label")


_REMARK = "disabled"
"""With this a codespell list gives a reason instead of a correction."""


class Pair(NamedTuple):
    """A misspelling and what was meant."""

    wrong: str
    right: str
    count: int = 1


def read_pairs(path: Path) -> list[Pair]:
    """The pairs of a file; its format is recognised.

    Raises:
        TextError: it cannot be read, holds a line of no format, or no pair.
    """
    text, name = read_text(path), str(path)
    lines = list(split_lines(text))
    if _DICT.search(text):
        pairs = _of_dict(text, name)
    elif is_m2(lines):
        pairs = [Pair(*each) for sentence in read_m2(lines, name=name) for each in sentence.misspellings()]
    elif _has_fields(path, lines):
        pairs = list(_of_fields(path, lines))
    else:
        pairs = list(parse_pairs(lines, name=name))
    if not pairs:
        raise TextError(f"{path}: no misspelling; lines are right: wrong, wrong->right, wrong<TAB>right, or $right")
    return pairs


def read_text(path: Path) -> str:
    """The text of a file of misspellings.

    Raises:
        TextError: it cannot be read.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise TextError(f"{path}: {error.strerror or error}; give a file of misspellings") from error
    except UnicodeDecodeError as error:
        raise TextError(f"{path}: not UTF-8 at byte {error.start}; convert it to UTF-8") from error


def parse_pairs(lines: Iterable[str], *, name: str = "pairs") -> Iterator[Pair]:
    """The pairs of lines of any of these formats.

    >>> [pair[:2] for pair in parse_pairs(["their: thier*2, ther", "recieve->receive", "$get", "gett"])]
    [('thier', 'their'), ('ther', 'their'), ('recieve', 'receive'), ('gett', 'get')]

    Raises:
        TextError: a line of no format; says which.
    """
    right = ""
    for number, line in enumerate(lines, start=1):
        found = line.strip()
        if not found or found.startswith("#"):
            continue
        if found.startswith("$"):
            right = found[1:].strip()
        elif "->" in found:
            wrong, _, rights = found.partition("->")
            meanings = (each.strip() for each in rights.split(","))
            yield from (Pair(wrong.strip(), each) for each in meanings if each and not each.startswith(_REMARK))
        elif "\t" in found:
            wrong, meant, *_ = found.split("\t")
            yield Pair(wrong.strip(), meant.strip())
        elif ": " in found or found.endswith(":"):
            meant, _, wrongs = found.partition(":")
            yield from (_counted(each.strip(), meant.strip()) for each in wrongs.split(",") if each.strip())
        elif right:
            wrong, _, times = found.partition(" ")
            yield Pair(wrong, right, int(times) if times.isdecimal() and len(times) < 7 else 1)
        else:
            raise TextError(
                f"{name}:{number}: {found[:60]!r} is no pair; write right: wrong, wrong->right, wrong<TAB>right, "
                "or $right before its misspellings"
            )


def _has_fields(path: Path, lines: list[str]) -> bool:
    """Whether the lines are records: JSON, CSV, or a table whose first line has names."""
    first = next((line for line in lines if line.strip()), "")
    if first.lstrip().startswith("{") or path.suffix.lower() == ".csv":
        return True
    names = [cell.strip().casefold() for cell in first.split("\t")]
    return any(name in names for name in _WRONG) and any(name in names for name in _RIGHT)


def _of_fields(path: Path, lines: list[str]) -> Iterator[Pair]:
    first = next((line for line in lines if line.strip()), "")
    if first.lstrip().startswith("{"):
        reader = READERS[".jsonl"]
    else:
        reader = READERS[".csv" if path.suffix.lower() == ".csv" else ".tsv"]
    for record in reader(iter(lines), name=str(path)):
        yield Pair(_named(record, _WRONG), _named(record, _RIGHT))


def _named(record: Record, names: tuple[str, ...]) -> str:
    """The text of the first field of a record that has one of these names.

    Raises:
        TextError: it has none.
    """
    fields = {name.strip().casefold(): value for name, value in record.fields.items()}
    found = next((fields[name] for name in names if name in fields), None)
    if not isinstance(found, str):
        raise TextError(
            f"{record.position}: no text in a field called {names[0]}, {names[1]}, ... or {names[-1]}; the fields are: "
            f"{listed(record.fields)}"
        )
    return " ".join(found.split())


def _counted(wrong: str, right: str) -> Pair:
    times = _TIMES.search(wrong)
    return Pair(wrong[: times.start()], right, int(times[1])) if times else Pair(wrong, right)


def _of_dict(text: str, name: str) -> list[Pair]:
    try:
        value = ast.literal_eval(_DICT.sub("", text, count=1).strip())
        return [Pair(wrong, right) for right, wrongs in value.items() for wrong in wrongs.split()]
    except (ValueError, SyntaxError, AttributeError, MemoryError, RecursionError) as error:
        raise TextError(f"{name}: no dict of words and their misspellings; see the formats of lists") from error
