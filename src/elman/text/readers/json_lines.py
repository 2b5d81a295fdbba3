"""JSON lines: each line is a record, written as one JSON object."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from elman.errors import TextError
from elman.text.readers.record import Record, json_type, listed


def read_json_lines(lines: Iterator[str], *, name: str, fields: Sequence[str] = ()) -> Iterator[Record]:
    """The object of each line; blank lines are skipped.

    A field that is not there by its whole name is looked for inside: ``message.text`` is the field
    ``text`` of the object ``message``.

    >>> lines = iter(['{"id": 7, "message": {"text": "good"}}'])
    >>> next(read_json_lines(lines, name="a.jsonl", fields=["message.text"])).fields["message.text"]
    'good'

    Raises:
        TextError: a line is not a JSON object, or lacks a field.
    """
    for number, line in enumerate(lines, start=1):
        if not line or line.isspace():
            continue
        position = f"{name}, line {number}"
        record = _object(line, position)
        for field in fields:
            if field not in record:
                record[field] = _nested(record, field, position)
        yield Record(record, number, name)


def _object(line: str, position: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        what = error.msg if isinstance(error, json.JSONDecodeError) else "too large or too deep"
        raise TextError(f"{position}: not valid JSON ({what}); each line must be one JSON object") from error
    if not isinstance(record, dict):
        raise TextError(f"{position}: a JSON {json_type(record)}, not an object; each line must be one JSON object")
    return record


def _nested(record: dict[str, Any], field: str, position: str) -> Any:
    value: Any = record
    path = ""
    for part in field.split("."):
        if not isinstance(value, dict) or part not in value:
            names = [f"{path}{key}" for key in value] if path and isinstance(value, dict) else [*record]
            raise TextError(f"{position}: no field {field!r}; its fields are: {listed(names)}")
        value, path = value[part], f"{path}{part}."
    return value
