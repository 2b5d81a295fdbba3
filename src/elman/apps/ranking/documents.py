"""Documents and queries from files, one after the other, with their names."""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from elman.apps.ranking.build import IndexedDocument
from elman.apps.ranking.marked_files import marked_reader
from elman.errors import TextError
from elman.progress import Progress
from elman.text.corpus import CorpusConfig, read_lines
from elman.text.decoding import raw_lines
from elman.text.readers.delimited import read_tsv
from elman.text.readers.plain import read_plain
from elman.text.readers.record import Record, checked_text, has_text, listed, text_of
from elman.text.readers.table import READERS, reader_of_line
from elman.text.sentences import sentence_spans
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
    whole: bool = False,
    encoding: str = "utf-8",
    progress: Progress | None = None,
) -> Iterator[IndexedDocument]:
    """Texts with their names, in one streaming pass.

    A record of .jsonl, .csv or .tsv has an id and a text, and a title is put before the text
    unless that begins with it; the words of a title count twice. Lines ``ID<TAB>TEXT`` of a .tsv
    file need no line of names. SMART's and TREC's files have names and titles too. In a folder
    each file of plain text is a document, called by its path; otherwise each line is, called by
    its number.

    Args:
        field: the field that holds the text, without the title.
        whole: whether a file of plain text is one document too, called by its name.

    Raises:
        TextError: the sources cannot be read, a record has no text, or two have the same id.
    """
    found, ids = find_sources(sources, progress=progress), _Ids()
    with (progress or Progress()).stage("reading", total=total_bytes(found), unit="bytes") as advance:
        for source in found:
            if source.kind == "builtin":
                yield from _built_in(source.name)
                continue
            lines = raw_lines(source, encoding=encoding, advance=advance)
            yield from _of_file(source, lines, field, whole, ids)
    ids.check()


def _built_in(name: str) -> Iterator[IndexedDocument]:
    """The documents of a built-in text, called by their numbers."""
    lines: list[str] = []
    number = 0
    for line, starts in chain(read_lines(name, config=CorpusConfig(document="file")), [("", True)]):
        if starts and lines:
            number += 1
            yield IndexedDocument(str(number), "\n".join(lines))
            lines = []
        lines.append(line)


def passages(documents: Iterable[IndexedDocument], words: int) -> Iterator[IndexedDocument]:
    """Documents cut at ends of sentences into parts of at most so many words, or of one sentence.

    A part is called by its document and the line on which it begins; a document that is short
    enough keeps its name.

    >>> long = IndexedDocument("a.txt", "One two.\\nThree four. Five.")
    >>> [part[:2] for part in passages([long], 3)]
    [('a.txt:1', 'One two.'), ('a.txt:2', 'Three four. Five.')]
    """
    for each in documents:
        if len(each.text.split()) <= words:
            yield each
            continue
        start = end = size = line = 0
        for first, last in sentence_spans(each.text):
            own = len(each.text[first:last].split())
            if size and size + own > words:
                yield IndexedDocument(f"{each.id}:{line}", each.text[start:end])
                size = 0
            if not size:
                # Lines are counted from the last part on.
                line, start = (line or 1) + each.text.count("\n", start, first), first
            end, size = last, size + own
        if size:
            yield IndexedDocument(f"{each.id}:{line}", each.text[start:end])


class _Ids:
    """The ids of records as 64 bits and a line each, since millions of them may come."""

    def __init__(self) -> None:
        self._hashes, self._lines = array("q"), array("q")
        self._files: list[tuple[int, str]] = []
        """The first id of each file, and its name."""

    def add(self, name: str, record: Record) -> str:
        if not self._files or self._files[-1][1] != record.name:
            self._files.append((len(self._hashes), record.name))
        self._hashes.append(hash(name))
        self._lines.append(record.line)
        return name

    def check(self) -> None:
        """Refuse an id that comes twice.

        Raises:
            TextError: says where.
        """
        hashes = np.array(self._hashes)
        order = np.argsort(hashes, kind="stable")
        again = np.flatnonzero(np.diff(hashes[order]) == 0)
        if len(again):
            at = again[order[again + 1].argmin()]
            first, second = (self._position(int(place)) for place in order[at : at + 2])
            raise TextError(f"{second}: its id is that of {first}; give each an id of its own")

    def _position(self, place: int) -> str:
        name = next(name for first, name in reversed(self._files) if first <= place)
        return f"{name}, line {self._lines[place]}"


def _of_file(
    source: Source, lines: Iterator[str], field: str | None, whole: bool, ids: _Ids
) -> Iterator[IndexedDocument]:
    first = next(lines, None)
    if first is None:
        return
    lines = chain([first], lines)
    reader = READERS.get(source.suffix, reader_of_line(first))
    reader = (marked_reader(first) if reader is read_plain else None) or reader
    if reader is read_plain and field is None:
        if source.given and not whole:
            yield from (IndexedDocument(str(number), line.strip()) for number, line in enumerate(lines, start=1))
        elif text := "\n".join(lines).strip():
            yield IndexedDocument(source.name, text)
        return
    fields = [] if field is None else [field]
    names = {name.strip().casefold() for name in first.split("\t")}
    if reader is read_tsv and field is None and not names & {*ID_FIELDS, *TEXT_FIELDS}:
        columns = _columns(first, source.name)
        for record in reader(lines, name=source.name, fields=[str(number) for number in range(1, len(columns) + 1)]):
            if len(columns) > 2:
                values = dict(zip(columns, record.fields.values(), strict=True))
                document = _document(Record(values, record.line, record.name), "", None)
                ids.add(document.id, record)
                yield document
                continue
            name = ids.add(_name(record.fields["1"], record), record)
            yield IndexedDocument(name, checked_text(record.fields["2"], record, "2").strip())
        return
    for number, record in enumerate(reader(lines, name=source.name, fields=fields), start=1):
        # In a folder, other files have numbers too.
        own = str(number) if source.given else f"{source.name}:{number}"
        document = _document(record, own, field)
        ids.add(document.id, record)
        yield document


def _columns(first: str, name: str) -> list[str]:
    """The names of columns that have none: ID<TAB>TEXT, or MS MARCO's documents.

    Raises:
        TextError: there are others, which would be lost.
    """
    cells = first.split("\t")
    if len(cells) == 4 and cells[1].startswith("http"):
        return [ID_FIELDS[0], "url", _TITLE, TEXT_FIELDS[0]]
    if len(cells) > 2:
        raise TextError(
            f"{name}, line 1: {len(cells)} columns, and ID<TAB>TEXT has two; name them in a first line, such as "
            "id<TAB>title<TAB>text"
        )
    return [ID_FIELDS[0], TEXT_FIELDS[0]]


def _document(record: Record, own: str, field: str | None) -> IndexedDocument:
    fields = record.fields
    name = next((fields[each] for each in ID_FIELDS if fields.get(each) is not None), own)
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
    return IndexedDocument(_name(name, record), text, title)


def _name(value: Any, record: Record) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int)) or not str(value).strip():
        raise TextError(
            f"{record.position}: the id is {value!r:.60}; it must be a string that is not blank, or a whole number"
        )
    return checked_text(str(value).strip(), record, "id")
