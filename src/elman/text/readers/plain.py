"""Plain text: each line is a record with the one field ``text``."""

from collections.abc import Iterator, Sequence

from elman.errors import TextError
from elman.text.readers.record import Record


def read_plain(lines: Iterator[str], *, name: str, fields: Sequence[str] = ()) -> Iterator[Record]:
    """Each line as it stands, blank ones too.

    >>> [record.fields for record in read_plain(iter(["one", ""]), name="a.txt")]
    [{'text': 'one'}, {'text': ''}]

    Raises:
        TextError: another field than ``text`` is asked for.
    """
    for field in fields:
        if field != "text":
            raise TextError(
                f"{name}: lines of plain text have no field {field!r}; give a .jsonl, .csv or .tsv file, or --format"
            )
    for number, line in enumerate(lines, start=1):
        yield Record({"text": line}, number, name)
