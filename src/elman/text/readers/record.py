"""A record: what every reader yields, and the checks of its fields."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from elman.errors import TextError

_SHOWN_NAMES = 12
_SHOWN_CHARS = 40


@dataclasses.dataclass(frozen=True, slots=True)
class Record:
    """One record of a file.

    >>> Record({"text": "good", "label": 1}, 3, "a.jsonl").position
    'a.jsonl, line 3'
    """

    fields: Mapping[str, Any]
    """Values by field name. A cell that a short row of a table lacks is None."""
    line: int
    """The line of the file on which the record begins, counted from 1."""
    name: str
    """The name of the file, for messages."""

    @property
    def position(self) -> str:
        """The file and the line, for messages."""
        return f"{self.name}, line {self.line}"


class Reader(Protocol):
    """A function that turns the lines of one file into records, one after the other."""

    def __call__(self, lines: Iterator[str], *, name: str, fields: Sequence[str] = ()) -> Iterator[Record]:
        """Read records.

        Args:
            lines: decoded lines without their line ends.
            name: the name of the file, for messages.
            fields: names that every record has, spelled like this; a JSON record may have
                ``Missing`` there.

        Raises:
            TextError: the file is not in this format, or a record lacks a field.
        """
        ...


@dataclasses.dataclass(frozen=True, slots=True)
class Missing:
    """The value of a field that a record lacks.

    >>> print(Missing("text", lambda: (["id", "Text"], "Text")))
    no field 'text'; its fields are: id, Text; did you mean 'Text'?
    """

    field: str
    near: Callable[[], tuple[Sequence[str], str | None]]
    """Gives the fields that are there, and the one that is probably meant."""

    def __str__(self) -> str:
        names, meant = self.near()
        advice = "" if meant is None else f"; did you mean {meant!r}?"
        return f"no field {self.field!r}; its fields are: {listed(names)}{advice}"


def text_of(record: Record, field: str) -> str:
    """The text in a field of a record.

    >>> text_of(Record({"text": "good"}, 1, "a.csv"), "text")
    'good'

    Raises:
        TextError: the value is not a string, or holds characters that no text has.
    """
    if not has_text(record, field):
        raise TextError(why_no_text(record, field))
    return record.fields[field]


def has_text(record: Record, field: str) -> bool:
    """Whether a field is a string without NUL characters and halves of surrogate pairs."""
    value = record.fields[field]
    return isinstance(value, str) and "\0" not in value and _is_unicode(value)


def why_no_text(record: Record, field: str) -> str:
    """What is wrong with a field that has no text.

    >>> why_no_text(Record({"text": None}, 2, "a.jsonl"), "text")
    "a.jsonl, line 2: field 'text' is a JSON null, not a string; choose one with text"
    """
    value = record.fields[field]
    if isinstance(value, Missing):
        return f"{record.position}: {value}"
    if not isinstance(value, str):
        what = f"is a JSON {json_type(value)}, not a string; choose one with text"
    elif "\0" in value:
        what = "has a NUL character, which is no text; remove it"
    else:
        what = "has half a character (a lone surrogate); remove it"
    return f"{record.position}: field {field!r} {what}"


def checked_text(text: str, record: Record, field: str) -> str:
    """The text itself, if it holds no NUL character and no half of a surrogate pair.

    Raises:
        TextError: it does.
    """
    return text_of(Record({field: text}, record.line, record.name), field)


def _is_unicode(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def listed(names: Iterable[object]) -> str:
    """Field names as messages list them: at most twelve, long ones cut.

    >>> listed(["id", "text"]), listed([])
    ('id, text', '(none)')
    """
    shown = [" ".join(str(name)[: 4 * _SHOWN_CHARS].split()) for name in names]
    cut = [name if len(name) <= _SHOWN_CHARS else name[:_SHOWN_CHARS] + "..." for name in shown]
    return ", ".join(cut[:_SHOWN_NAMES]) + (", ..." if len(cut) > _SHOWN_NAMES else "") if cut else "(none)"


def json_type(value: object) -> str:
    """What JSON calls a value of this type.

    >>> json_type(None), json_type([1])
    ('null', 'list')
    """
    if value is None:
        return "null"
    names: dict[type, str] = {
        bool: "true/false value",
        int: "number",
        float: "number",
        str: "string",
        list: "list",
        dict: "object",
    }
    return names.get(type(value), type(value).__name__)
