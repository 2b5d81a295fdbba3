"""Texts out of records: one field of JSON lines, CSV or TSV."""

import csv
import json
from collections.abc import Iterator
from typing import Literal

from elman.errors import TextError

RecordKind = Literal["json", "csv", "tsv"]

RECORD_SUFFIXES: dict[str, RecordKind] = {
    ".jsonl": "json",
    ".ndjson": "json",
    ".json": "json",
    ".csv": "csv",
    ".tsv": "tsv",
}
"""Which files hold records, if a field is asked for."""

_LONGEST_FIELD = 2**31 - 1


def field_texts(lines: Iterator[str], *, kind: RecordKind, field: str, name: str) -> Iterator[str]:
    """That field of each record, in order.

    JSON lines: one object a line, blank lines skipped. CSV: quoted fields may hold line ends. TSV: a line is a
    record and a tab ends a field, quotes mean nothing. Both have a header line.

    >>> list(field_texts(iter(["id,text", '1,"one, two"']), kind="csv", field="text", name="a.csv"))
    ['one, two']

    Raises:
        TextError: a record is broken, or has no such field or no text in it; says where.
    """
    if kind == "json":
        return _from_json(lines, field=field, name=name)
    rows = _csv_rows(lines, name=name) if kind == "csv" else _tsv_rows(lines)
    return _from_rows(rows, field=field, name=name)


def _from_json(lines: Iterator[str], *, field: str, name: str) -> Iterator[str]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        where = f"{name}, line {number}"
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            what = error.msg if isinstance(error, json.JSONDecodeError) else "too large or too deep"
            raise TextError(f"{where}: not valid JSON ({what}); each line must be one JSON object") from error
        if not isinstance(record, dict):
            raise TextError(f"{where}: a JSON {_spell(record)}, not an object; each line must be one JSON object")
        if field not in record:
            raise TextError(f"{where}: no field {field!r}; its fields are: {_listed(record)}")
        text = record[field]
        if not isinstance(text, str):
            raise TextError(f"{where}: field {field!r} is a JSON {_spell(text)}, not a string; choose one with text")
        if "\0" in text:
            raise TextError(f"{where}: field {field!r} has a NUL character, which is no text; remove it")
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise TextError(f"{where}: field {field!r} has half a character (a lone surrogate); remove it") from error
        yield text


def _from_rows(rows: Iterator[tuple[int, list[str]]], *, field: str, name: str) -> Iterator[str]:
    _, header = next(rows, (0, []))
    if field not in header:
        raise TextError(f"{name}: no field {field!r} in its first line; its fields are: {_listed(header)}")
    column = header.index(field)
    for number, row in rows:
        if row in ([], [""]):
            continue
        if column >= len(row):
            raise TextError(
                f"{name}, line {number}: only {len(row)} of {len(header)} fields, {field!r} is missing; mend that line"
            )
        yield row[column]


def _csv_rows(lines: Iterator[str], *, name: str) -> Iterator[tuple[int, list[str]]]:
    # Strict, because a lenient reader takes one lost quote for a field that goes on to the end of the file.
    reader = csv.reader((line + "\n" for line in lines), strict=True)
    while True:
        # The limit belongs to the whole process: it is given back before anyone else can notice.
        limit = csv.field_size_limit(_LONGEST_FIELD)
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise TextError(f"{name}, line {reader.line_num}: not valid CSV ({error}); check the quotes") from error
        finally:
            csv.field_size_limit(limit)
        yield reader.line_num, row


def _tsv_rows(lines: Iterator[str]) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(lines, start=1):
        yield number, line.split("\t")


def _listed(names) -> str:
    shown = [str(name) for name in names]
    return ", ".join(shown[:12]) + (", ..." if len(shown) > 12 else "") if shown else "(none)"


def _spell(value: object) -> str:
    if value is None:
        return "null"
    names = {bool: "true/false value", int: "number", float: "number", str: "string", list: "list", dict: "object"}
    return names[type(value)]
