"""Lists of misspellings, in the formats in which they are published.

right: wrong, wrong*3        Norvig's errors; ``*3``: seen three times
wrong->right, other          Wikipedia; several corrections are all right
$right                       aspell and Mitton: a word, then its misspellings, one a line
wrong<TAB>right              a table
tests = {'right': 'wrong wrong', ...}    Norvig's tests
"""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from elman.errors import TextError
from elman.text.normalise import split_lines

_TIMES = re.compile(r"\*(\d{1,6})$")
_DICT = re.compile(r"^\s*\w+\s*=\s*(?=\{)", re.MULTILINE)


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
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise TextError(f"{path}: {error.strerror or error}; give a file of misspellings") from error
    except UnicodeDecodeError as error:
        raise TextError(f"{path}: not UTF-8 at byte {error.start}; convert it to UTF-8") from error
    pairs = _of_dict(text, str(path)) if _DICT.search(text) else list(parse_pairs(split_lines(text), name=str(path)))
    if not pairs:
        raise TextError(f"{path}: no misspelling; lines are right: wrong, wrong->right, wrong<TAB>right, or $right")
    return pairs


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
            yield from (Pair(wrong.strip(), each.strip()) for each in rights.split(",") if each.strip())
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


def _counted(wrong: str, right: str) -> Pair:
    times = _TIMES.search(wrong)
    return Pair(wrong[: times.start()], right, int(times[1])) if times else Pair(wrong, right)


def _of_dict(text: str, name: str) -> list[Pair]:
    try:
        value = ast.literal_eval(_DICT.sub("", text, count=1).strip())
        return [Pair(wrong, right) for right, wrongs in value.items() for wrong in wrongs.split()]
    except (ValueError, SyntaxError, AttributeError, MemoryError, RecursionError) as error:
        raise TextError(f"{name}: no dict of words and their misspellings; see the formats of lists") from error
