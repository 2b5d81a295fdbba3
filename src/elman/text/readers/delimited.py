"""Tables as text: CSV as spreadsheets write it, and TSV.

The ``csv`` module of the standard library parses CSV. It is no extra dependency, its strict mode
refuses a lost quote, and it reads a stream row by row.
"""

import csv
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence

from elman.errors import TextError
from elman.text.readers.record import Record, listed

_SEPARATORS = ",;\t"
_NAMED_SEPARATOR = re.compile(r'"?sep=(.)"?', re.IGNORECASE)
_SAMPLE_LINES = 20
_SAMPLE_CHARS = 1 << 16
_LONGEST_FIELD = 1 << 28
_QUOTE_AFTER_BLANKS = re.compile(r' +"')
_NUMBER = re.compile(r"[0-9]+")
_LONG_NAME = 40

Rows = Iterator[tuple[int, list[str]]]
"""The line on which each row begins, and its cells."""


def read_csv(lines: Iterator[str], *, name: str, fields: Sequence[str] = ()) -> Iterator[Record]:
    """The rows of a CSV file; quoted cells may hold separators, doubled quotes and line ends.

    The separator is a comma, a semicolon or a tab, whichever fits the first lines best. A first
    line such as ``sep=;`` names it. The first row names the columns. Blanks around the names are
    ignored; so is their case if no name fits exactly. If ``fields`` are numbers, the file has no
    row of names, and ``"1"`` is the first column. Blank lines are skipped. Cells beyond the last
    column must be empty.

    >>> lines = iter(["id;Text", '1;"one; two"'])
    >>> next(read_csv(lines, name="a.csv", fields=["text"])).fields
    {'id': '1', 'text': 'one; two'}

    Raises:
        TextError: a quote is lost, a row has too many cells, or a field is not there.
    """
    lines = iter(lines)
    sample: list[str] = []
    size = 0
    for line in lines:
        sample.append(line)
        size += len(line)
        if len(sample) == _SAMPLE_LINES or size > _SAMPLE_CHARS:
            break
    named = _NAMED_SEPARATOR.fullmatch(sample[0]) if sample else None
    before = 0
    if named:
        separator, before = named[1], 1
        if separator == '"':
            raise TextError(f"{name}, line 1: a quote cannot separate cells; name another character, such as sep=;")
    else:
        separator = _separator(sample)
    rows = _csv_rows(
        itertools.chain(sample[before:], lines),
        name=name,
        separator=separator,
        before=before,
        blanks=_has_blanks_before_quotes(sample[before:], separator),
    )
    yield from _records(rows, name=name, fields=fields, advice="put quotes around a cell that holds the separator")


def read_tsv(lines: Iterator[str], *, name: str, fields: Sequence[str] = ()) -> Iterator[Record]:
    """The lines of a TSV file: a tab ends a cell, and quotes mean nothing.

    Columns are named as in CSV. Files with tabs and quotes, as spreadsheets write them, are CSV.

    >>> lines = iter(["good\\t1"])
    >>> next(read_tsv(lines, name="a.tsv", fields=["1", "2"])).fields
    {'1': 'good', '2': '1'}

    Raises:
        TextError: a row has too many cells, or a field is not there.
    """
    rows = ((number, line.split("\t") if line else []) for number, line in enumerate(lines, start=1))
    yield from _records(rows, name=name, fields=fields, advice="a cell must not hold a tab")


def csv_rows(lines: Iterator[str], *, name: str) -> Rows:
    """The rows of a CSV file whose first one may be no row of names, each with its line."""
    sample = list(itertools.islice(lines, _SAMPLE_LINES))
    separator = _separator(sample)
    blanks = _has_blanks_before_quotes(sample, separator)
    return _csv_rows(itertools.chain(sample, lines), name=name, separator=separator, before=0, blanks=blanks)


def _csv_rows(lines: Iterable[str], *, name: str, separator: str, before: int, blanks: bool) -> Rows:
    # Strict, because a lenient reader takes one lost quote for a cell that goes on to the end of
    # the file.
    reader = csv.reader((line + "\n" for line in lines), delimiter=separator, skipinitialspace=blanks, strict=True)
    while True:
        begin = reader.line_num + before + 1
        # The limit is global to the process, so it is restored at once.
        limit = csv.field_size_limit(_LONGEST_FIELD)
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            line = reader.line_num + before
            since = f" from line {begin} on" if begin < line else ""
            raise TextError(f"{name}, line {line}: not valid CSV ({error}); check the quotes{since}") from error
        finally:
            csv.field_size_limit(limit)
        yield begin, row


def _has_blanks_before_quotes(sample: list[str], separator: str) -> bool:
    """Whether cells look like ``1, "one, two"``: quotes that would be part of the cell."""
    rows = csv.reader((line + "\n" for line in "\n".join(sample)[:_SAMPLE_CHARS].split("\n")), delimiter=separator)
    return any(_QUOTE_AFTER_BLANKS.match(cell) for row in rows for cell in row)


def _separator(sample: list[str]) -> str:
    """The separator that gives all sampled rows the same number of cells, else the most cells."""
    best, best_score = _SEPARATORS[0], (False, 1)
    lines = [line + "\n" for line in "\n".join(sample)[:_SAMPLE_CHARS].split("\n")]
    for separator in _SEPARATORS:
        rows = [row for row in csv.reader(lines, delimiter=separator) if row]
        if len(rows) > 1:
            rows.pop()  # may be incomplete
        width = len(rows[0]) if rows else 0
        score = (width > 1 and all(len(row) == width for row in rows), width)
        if score > best_score:
            best, best_score = separator, score
    return best


def _records(rows: Rows, *, name: str, fields: Sequence[str], advice: str) -> Iterator[Record]:
    rows = ((line, row) for line, row in rows if row)
    line, first = next(rows, (1, []))
    if any(map(_NUMBER.fullmatch, fields)):
        if not first:
            return
        keys = _numbered_columns(len(first), fields, position=f"{name}, line {line}")
        rows = itertools.chain([(line, first)], rows)
    else:
        keys = _named_columns(first, fields, name=name)
    width = len(keys)
    # Blank rows are shorter than the others, unless there is one column only.
    blank = width > 1
    last = max(map(keys.index, fields), default=-1)
    for line, row in rows:
        if len(row) < width:
            if blank and len(row) == 1 and not row[0].strip():
                continue
            if last >= len(row):
                missing = next(field for field in fields if keys.index(field) >= len(row))
                raise TextError(
                    f"{name}, line {line}: only {len(row)} of {width} fields, {missing!r} is missing; mend that line"
                )
        elif len(row) > width and any(row[width:]):
            raise TextError(f"{name}, line {line}: {len(row)} fields, but the first row has {width}; {advice}")
        yield Record(dict(itertools.zip_longest(keys, row[:width])), line, name)


def _numbered_columns(width: int, fields: Sequence[str], *, position: str) -> list[str]:
    """The numbers of the columns, spelled as in ``fields``."""
    keys = [str(number) for number in range(1, width + 1)]
    for field in fields:
        if not _NUMBER.fullmatch(field):
            names = " and ".join(map(repr, fields))
            raise TextError(
                f"{position}: {names} mix column numbers and names; give numbers for all (no line names the "
                "columns) or names for all"
            )
        number = int(field[:20])
        if not 1 <= number <= width:
            raise TextError(f"{position}: no column {number}; there are {width}, the first is 1")
        keys[number - 1] = field
    return keys


def _named_columns(header: list[str], fields: Sequence[str], *, name: str) -> list[str]:
    """The names of the columns, spelled as in ``fields``."""
    names = [column.strip() for column in header]
    keys = list(names)
    taken: dict[int, str] = {}
    for field in fields:
        wanted = field.strip()
        matches = [number for number, column in enumerate(names) if column == wanted] or [
            number for number, column in enumerate(names) if column.casefold() == wanted.casefold()
        ]
        if not matches:
            raise TextError(
                f"{name}: no field {field!r} in its first line; its fields are: {listed(names)}{_doubt(names)}"
            )
        if len(matches) > 1:
            columns = " and ".join(str(number + 1) for number in matches[:12])
            raise TextError(f"{name}: columns {columns} are all called {field!r}; rename all but one")
        if taken.setdefault(matches[0], field) != field:
            raise TextError(f"{name}: {taken[matches[0]]!r} and {field!r} are the same column; name two")
        keys[matches[0]] = field
    return keys


def _doubt(names: list[str]) -> str:
    data = any(not name or len(name) > _LONG_NAME or name.isdecimal() for name in names)
    return "; where no line names the columns, give their numbers (1 is the first)" if data else ""
