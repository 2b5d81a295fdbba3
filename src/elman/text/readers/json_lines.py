"""JSON: each record is one object, on a line of its own or in an array."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from elman.errors import TextError
from elman.text.readers.json_stream import json_values
from elman.text.readers.record import Missing, Record, json_type

_DEEPEST = 5
_LOOKED_AT = 20


def read_json_lines(lines: Iterator[str], *, name: str, fields: Sequence[str] = ()) -> Iterator[Record]:
    """The objects of a file: one a line, the items of an array, or written over many lines.

    A field that is not there by its whole name is looked for inside: ``message.text`` is the field
    ``text`` of the object ``message``. ``messages[].text`` is that of each item of the list
    ``messages``, and each item is a record. A list of strings and objects, such as a message with
    links in it, is one string. A field that is not there is ``Missing``.

    >>> lines = iter(['{"id": 7, "message": {"text": "good"}}'])
    >>> next(read_json_lines(lines, name="a.jsonl", fields=["message.text"])).fields["message.text"]
    'good'

    Raises:
        TextError: it is not valid JSON, or a record is not an object.
    """
    lists = next((field.rpartition("[]")[0] + "[]" for field in fields if "[]" in field), "")
    for line, value in json_values(lines, name=name):
        if not isinstance(value, dict):
            raise TextError(
                f"{name}, line {line}: a JSON {json_type(value)}, not an object; each record must be a JSON object"
            )
        for item in _items(value, lists):
            record = dict(value)
            for field in fields:
                inside = lists and field.startswith(lists)
                found = _find(item, field.removeprefix(lists).removeprefix(".")) if inside else _find(value, field)
                record[field] = (
                    Missing(field, partial(_near, value, field)) if found is None else _joined(found[0], field)
                )
            yield Record(record, line, name)


def _items(value: Any, path: str) -> Iterator[Any]:
    """The items of the lists on a path such as ``threads[].messages[]``; without lists, the value
    itself.
    """
    if not path:
        yield value
        return
    first, _, later = path.partition("[]")
    found = _find(value, first.removeprefix("."))
    for item in found[0] if found and isinstance(found[0], list) else [None]:
        yield from _items(item, later)


def _find(value: Any, field: str) -> tuple[Any] | None:
    """The value of a field, in a tuple; None if it is not there."""
    if not field:
        return (value,)
    if isinstance(value, dict) and field in value:
        return (value[field],)
    for part in field.split("."):
        if not isinstance(value, dict) or part not in value:
            return None
        value = value[part]
    return (value,)


def _joined(value: Any, field: str) -> Any:
    if not isinstance(value, list) or not any(isinstance(part, dict) for part in value):
        return value
    key = field.rpartition(".")[2]
    parts = [part.get(key) if isinstance(part, dict) else part for part in value]
    strings = [part for part in parts if isinstance(part, str)]
    return "".join(strings) if len(strings) == len(parts) else value


def _near(record: dict[str, Any], field: str) -> tuple[list[str], str | None]:
    """The names to choose from instead of a field, and the one that is probably meant."""
    before, _, last = field.rpartition(".")
    while before:
        found = _find(record, before)
        if found and isinstance(found[0], dict):
            return [f"{before}.{key}" for key in found[0]], None
        before = before.rpartition(".")[0]
    meant = (path for path in _paths(record, _DEEPEST) if path.rpartition(".")[2].casefold() == last.casefold())
    return [*record], next(meant, None)


def _paths(value: Any, depth: int) -> Iterator[str]:
    """The paths to what is inside a value, the nearest first."""
    if isinstance(value, list):
        inner = dict.fromkeys(path for item in value[:_LOOKED_AT] for path in _paths(item, depth))
        yield from (f"[].{path}" if not path.startswith("[]") else f"[]{path}" for path in inner)
    elif isinstance(value, dict):
        yield from map(str, value)
        for key, item in value.items() if depth else ():
            yield from (
                f"{key}{path}" if path.startswith("[]") else f"{key}.{path}" for path in _paths(item, depth - 1)
            )
