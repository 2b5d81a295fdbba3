"""The table of readers: which one reads which file, by its suffix."""

import dataclasses
from collections.abc import Iterator

from elman.errors import TextError, UsageError
from elman.progress import Progress
from elman.text.readers.delimited import read_csv, read_tsv
from elman.text.readers.fasttext import PREFIX, read_fasttext
from elman.text.readers.json_lines import read_json_lines
from elman.text.readers.plain import read_plain
from elman.text.readers.record import Reader, has_text, why_no_text

READERS: dict[str, Reader] = {
    ".txt": read_plain,
    ".jsonl": read_json_lines,
    ".ndjson": read_json_lines,
    ".json": read_json_lines,
    ".csv": read_csv,
    ".tsv": read_tsv,
    ".ft": read_fasttext,
}
"""Readers by the suffix of the files that they read."""


def register_reader(suffix: str, reader: Reader) -> None:
    """Add a format of your own: files with this suffix are read by ``reader`` from then on.

    >>> def read_pairs(lines, *, name, fields=()):
    ...     for number, line in enumerate(lines, start=1):
    ...         yield Record(dict(pair.split("=") for pair in line.split("&")), number, name)
    >>> from elman.text.readers.record import Record
    >>> register_reader(".pairs", read_pairs)
    >>> next(reader_of_format("pairs")(iter(["text=good&label=1"]), name="a.pairs")).fields
    {'text': 'good', 'label': '1'}
    >>> del READERS[".pairs"]

    Raises:
        UsageError: the suffix is taken, or is not a dot and lower-case characters.
    """
    if not suffix.startswith(".") or suffix in (".", "..") or suffix != suffix.lower() or "." in suffix[1:]:
        raise UsageError.of("suffix", suffix, "a dot and lower-case characters, such as '.xml'")
    if suffix in READERS:
        raise UsageError(f"files with suffix {suffix!r} have a reader already; choose another suffix")
    READERS[suffix] = reader


def reader_of_format(name: str) -> Reader:
    """The reader of a format, which is called like its suffix: ``csv``.

    Raises:
        UsageError: there is no such format.
    """
    reader = READERS.get(f".{name}")
    if reader is None:
        formats = ", ".join(suffix.removeprefix(".") for suffix in READERS)
        raise UsageError(f"unknown format {name!r}; known: {formats}")
    return reader


def reader_of_line(line: str) -> Reader:
    """The reader that fits a line where no suffix says it: fastText, JSON lines or plain text.

    >>> reader_of_line('{"text": "good"}').__name__, reader_of_line("__label__1 good").__name__
    ('read_json_lines', 'read_fasttext')
    """
    start = line.lstrip()
    if start.startswith(PREFIX):
        return read_fasttext
    return read_json_lines if start.startswith("{") else read_plain


@dataclasses.dataclass
class SkippedRecords:
    """Counts of records without text, which grow while files are read."""

    records: int = 0
    skipped: int = 0
    first: str = ""
    """Why the first one was skipped."""

    def tell(self, progress: Progress) -> None:
        """Say it, if there are any."""
        if self.skipped:
            progress.say(
                f"note: {self.skipped:,} of {self.records:,} records left out, as there is no text in them; "
                f"{self.first}"
            )


def field_texts(
    lines: Iterator[str], *, reader: Reader, field: str, name: str, report: SkippedRecords | None = None
) -> Iterator[str]:
    """One field of each record as text, in order; records without text are skipped and counted.

    >>> lines = iter(["id,text", '1,"one, two"'])
    >>> list(field_texts(lines, reader=read_csv, field="text", name="a.csv"))
    ['one, two']

    Raises:
        TextError: a record is broken, or none of a file has text in that field; says where.
    """
    report = SkippedRecords() if report is None else report
    first, some = "", False
    for record in reader(lines, name=name, fields=[field]):
        report.records += 1
        if has_text(record, field):
            some = True
            yield record.fields[field]
            continue
        report.skipped += 1
        first = first or why_no_text(record, field)
        report.first = report.first or first
    if first and not some:
        raise TextError(first)
