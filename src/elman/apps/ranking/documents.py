"""Documents and queries from files, one after the other, with their names."""

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from elman.apps.ranking.build import IndexedDocument
from elman.errors import TextError
from elman.progress import Progress
from elman.text.decoding import raw_lines
from elman.text.readers.delimited import read_tsv
from elman.text.readers.plain import read_plain
from elman.text.readers.record import Record, checked_text, has_text, listed, text_of
from elman.text.readers.table import READERS, reader_of_line
from elman.text.sources import Source, find_sources, total_bytes

ID_FIELDS = ("id", "_id", "docno", "doc_id", "docid", "query_id", "qid")
"""Names of fields that name a document or a query, in the order in which they are looked for."""
TEXT_FIELDS = ("text", "contents", "body", "query", "question")
"""Names of fields that hold its text."""
_TITLE = "title"


def read_named(
    sources: str | Path | Sequence[str],
    *,
    field: str | None = None,
    encoding: str = "utf-8",
    progress: Progress | None = None,
) -> Iterator[IndexedDocument]:
    """Texts with their names, in one streaming pass.

    A record of .jsonl, .csv or .tsv has an id and a text, and a title is put before the text unless that begins
    with it. Lines ``ID<TAB>TEXT`` of a .tsv file need no line of names. In a folder each file of plain text is a
    document, called by its path; otherwise each line is, called by its number.

    Args:
        field: the field that holds the text, without the title.

    Raises:
        TextError: the sources cannot be read, or a record has no text.
    """
    found = find_sources(sources, progress=progress)
    with (progress or Progress()).stage("reading", total=total_bytes(found), unit="bytes") as advance:
        for source in found:
            lines = raw_lines(source, encoding=encoding, advance=advance)
            yield from _of_file(source, lines, field)


def _of_file(source: Source, lines: Iterator[str], field: str | None) -> Iterator[IndexedDocument]:
    first = next(lines, None)
    if first is None:
        return
    lines = chain([first], lines)
    reader = READERS.get(source.suffix, reader_of_line(first))
    if reader is read_plain and field is None:
        if source.given:
            yield from (IndexedDocument(str(number), line.strip()) for number, line in enumerate(lines, start=1))
        elif text := "\n".join(lines).strip():
            yield IndexedDocument(source.name, text)
        return
    fields = [] if field is None else [field]
    names = {name.strip().casefold() for name in first.split("\t")}
    if reader is read_tsv and field is None and not names & {*ID_FIELDS, *TEXT_FIELDS}:
        for record in reader(lines, name=source.name, fields=["1", "2"]):
            yield IndexedDocument(
                _name(record.fields["1"], record), checked_text(record.fields["2"], record, "2").strip()
            )
        return
    for number, record in enumerate(reader(lines, name=source.name, fields=fields), start=1):
        yield _document(record, number, field)


def _document(record: Record, number: int, field: str | None) -> IndexedDocument:
    fields = record.fields
    name = next((fields[each] for each in ID_FIELDS if fields.get(each) is not None), number)
    chosen = field or next((each for each in TEXT_FIELDS if each in fields), None)
    if chosen is None:
        raise TextError(
            f"{record.position}: no field {TEXT_FIELDS[0]!r}; its fields are: {listed(fields)}; name the one with the "
            "text: --field NAME"
        )
    text, title = text_of(record, chosen).strip(), ""
    if field is None and _TITLE in fields and has_text(record, _TITLE):
        title = str(fields[_TITLE]).strip()
    if title and not text.startswith(title):
        text = f"{title}\n{text}"
    return IndexedDocument(_name(name, record), text)


def _name(value: Any, record: Record) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int)) or not str(value).strip():
        raise TextError(f"{record.position}: the id is neither a string nor a whole number")
    return checked_text(str(value).strip(), record, "id")
