"""Labelled examples: texts and their labels, read from the records of files.

Everything streams. The format of a file is known by its suffix, or else by its first line. The
configuration names the fields of text and label; obvious names need no configuration.
"""

import dataclasses
import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from elman.config import Config
from elman.errors import TextError, UsageError
from elman.progress import Progress, counted
from elman.text.corpus import Sources
from elman.text.decoding import check_encoding, raw_lines
from elman.text.normalise import normalise_line, split_lines
from elman.text.readers.fasttext import read_fasttext
from elman.text.readers.plain import read_plain
from elman.text.readers.record import (
    Missing,
    Reader,
    Record,
    checked_text,
    has_text,
    json_type,
    listed,
    text_of,
    why_no_text,
)
from elman.text.readers.table import READERS, reader_of_format, reader_of_line
from elman.text.sources import Source, find_sources, total_bytes

TEXT_FIELDS = ("text", "sentence", "review", "comment")
"""Names of fields that obviously hold a text, in the order in which they are looked for."""
LABEL_FIELDS = ("label", "class", "sentiment", "category", "stars")
"""Names of fields that obviously hold a label, in the order in which they are looked for."""
FIRST_WORD = "first-word"
"""As ``label``: the first word of each line is its label."""

_LONGEST_LABEL = 1000


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExamplesConfig(Config):
    """How labelled examples are read.

    >>> ExamplesConfig(text="review", label="stars").multi_label
    False
    """

    text: str | None = None
    """Field that holds the text: a name such as review or message.text, or a column number.

    Column numbers are for CSV and TSV files without a line of names: --text 1 --label 2.
    Default: text, sentence, review or comment, whichever is there.
    """
    label: str | None = None
    """Field that holds the label, or first-word for lines such as '4 a fine film'.

    Default: label, class, sentiment, category or stars, whichever is there. Lines of fastText,
    which begin with __label__NAME, need no names of fields.
    """
    multi_label: bool = False
    """Whether an example may have several labels, or none."""
    label_separator: str = ","
    """Separator of the labels in one field, with --multi-label; JSON lists need none."""
    format: str | None = None
    """Format of the files: txt, jsonl, csv, tsv or ft (fastText).

    Default: by the suffix, else by the first line.
    """
    encoding: str = "utf-8"
    """Encoding of the files, by a name that Python knows."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_encoding(self.encoding)
        if self.format is not None:
            reader_of_format(self.format)
        for name, value in (("text", self.text), ("label", self.label), ("label_separator", self.label_separator)):
            if value is not None and not value:
                raise UsageError(f"{name} is empty; leave it out for the default", field=name)
        if self.text is not None and self.text == self.label:
            raise UsageError(f"text and label are both {self.text!r}; they must be two fields", field="text")


@dataclasses.dataclass(frozen=True, slots=True)
class Example:
    """A text and its labels."""

    text: str
    """In normal form, on one line; may be empty."""
    labels: tuple[str, ...]
    """In the order of the file, each once: one label, or any number with ``multi_label``."""
    name: str
    """The file, for messages."""
    line: int
    """The line of the file on which it begins, counted from 1."""


@dataclasses.dataclass
class ReadReport:
    """Counts that grow while examples are read.

    >>> print(ReadReport(rows=120, unlabelled=3, empty=1))
    120 rows read, 3 without a label left out, 1 with an empty text
    """

    rows: int = 0
    """Rows read, those without a label too; blank ones are not counted."""
    unlabelled: int = 0
    """Rows without a label, which are left out."""
    textless: int = 0
    """Rows whose field of text holds none (null, a number), which are left out."""
    first_textless: str = ""
    """Why the first of them was."""
    empty: int = 0
    """Examples with an empty text, which are kept."""
    notes: list[str] = dataclasses.field(default_factory=list)
    """Fields chosen by default, one sentence for each choice."""

    def __str__(self) -> str:
        parts = [f"{counted(self.rows, 'row')} read"]
        if self.unlabelled:
            parts.append(f"{self.unlabelled:,} without a label left out")
        if self.textless:
            parts.append(f"{self.textless:,} without a text left out")
        if self.empty:
            parts.append(f"{self.empty:,} with an empty text")
        return ", ".join(parts)


def normalise_text(text: str) -> str:
    """A text in the normal form of language models, on one line and without blanks around it.

    Lines are joined by a space, because tokenizers and files of predictions work line by line.

    >>> normalise_text(" Cafe\\u0301\\r\\n\\n  au lait ")
    'Café au lait'
    """
    if "\n" in text or "\r" in text:
        return " ".join(filter(None, map(_normalise, split_lines(text))))
    return _normalise(text)


def read_examples(
    sources: Sources,
    *,
    config: ExamplesConfig | None = None,
    labelled: bool = True,
    progress: Progress | None = None,
    report: ReadReport | None = None,
) -> Iterator[Example]:
    """The examples of all sources in order, in one streaming pass.

    Args:
        sources: files, folders, globs or ``-``; one, or several.
        labelled: whether to read labels; rows without a label are left out and counted. If not,
            every row is an example without labels, and so is every line of plain text, blank or
            not.
        report: counts that are updated with every row.

    Raises:
        TextError: a file cannot be read, lacks a field, or is not in its format; says where.
        UsageError: the configuration does not fit the format.
    """
    all_sources = find_sources(sources, progress=progress)
    for source in all_sources:
        if source.kind == "builtin":
            raise UsageError(f"{source.name} has no labels; name files with examples")
    reading = _ExamplePass(
        config or ExamplesConfig(),
        labelled=labelled,
        progress=progress or Progress(),
        report=ReadReport() if report is None else report,
    )
    return reading.examples(all_sources)


class _ExamplePass:
    """One pass over all sources."""

    def __init__(self, config: ExamplesConfig, *, labelled: bool, progress: Progress, report: ReadReport) -> None:
        self._config = config
        self._labelled = labelled
        self._progress = progress
        self._report = report

    def examples(self, sources: Sequence[Source]) -> Iterator[Example]:
        before, textless, kept = self._report.rows, self._report.textless, False
        with self._progress.stage("reading", total=total_bytes(sources), unit="bytes") as advance:
            for source in sources:
                lines = raw_lines(source, encoding=self._config.encoding, advance=advance)
                for example in self._of_file(source, lines):
                    kept = True
                    yield example
        if self._labelled and not kept:
            what = sources[0].name if len(sources) == 1 else f"{sources[0].name} and {len(sources) - 1} more"
            rows = self._report.rows - before
            if rows and self._report.textless - textless == rows:
                raise TextError(self._report.first_textless)
            why = f"none of {rows:,} rows has a label" if rows else "empty, there is no example in it"
            raise TextError(f"{what}: {why}; give examples with a text and a label each")

    def _of_file(self, source: Source, lines: Iterator[str]) -> Iterator[Example]:
        report = self._report
        for record, text, label in self._records(source, lines):
            if self._labelled and not has_text(record, text):
                report.rows += 1
                report.textless += 1
                report.first_textless = report.first_textless or why_no_text(record, text)
                continue
            words = normalise_text(text_of(record, text))
            labels = () if label is None else _labels(record, label, self._config)
            if labels is None and not words:
                continue  # a blank row
            report.rows += 1
            if labels is None:
                report.unlabelled += 1
                continue
            report.empty += not words
            yield Example(words, labels, source.name, record.line)

    def _records(self, source: Source, lines: Iterator[str]) -> Iterator[tuple[Record, str, str | None]]:
        """The records of a file, each with the fields of its text and, if wanted, its label."""
        reader, lines = self._reader(source, lines)
        name, label = source.name, self._config.label
        if reader is read_plain and self._labelled:
            if label == FIRST_WORD:
                for record in reader(lines, name=name, fields=[self._config.text or "text"]):
                    yield _first_word(record), "text", "label"
                return
            if label is None:
                raise TextError(
                    f"{name}: lines of plain text have no label; begin each with __label__NAME, or give --label "
                    f"{FIRST_WORD}, or a .jsonl, .csv or .tsv file"
                )
        fields, lines = self._fields(reader, lines, name)
        if fields:
            for record in reader(lines, name=name, fields=fields):
                yield record, fields[0], fields[1] if self._labelled else None

    def _reader(self, source: Source, lines: Iterator[str]) -> tuple[Reader, Iterator[str]]:
        """The reader for a file, and its lines from the first on."""
        if self._config.format is not None:
            return reader_of_format(self._config.format), lines
        reader = READERS.get(source.suffix, read_plain)
        if reader is not read_plain or self._config.label == FIRST_WORD:
            return reader, lines
        # An unknown suffix, or .txt, which files of fastText often have.
        passed: list[str] = []
        for line in lines:
            passed.append(line)
            if line and not line.isspace():
                reader = reader_of_line(line)
                break
        return reader, itertools.chain(passed, lines)

    def _fields(self, reader: Reader, lines: Iterator[str], name: str) -> tuple[list[str], Iterator[str]]:
        """The fields of text and label, and the lines from the first on; no fields without a
        record.
        """
        named: list[tuple[str | None, str, Sequence[str]]] = [(self._config.text, "--text", TEXT_FIELDS)]
        if self._labelled:
            named.append((self._config.label, "--label", LABEL_FIELDS))
        fields = [field for field, _, _ in named if field is not None]
        if len(fields) == len(named):
            return fields, lines
        passed: list[str] = []
        first = next(reader(noting(lines, passed), name=name), None)
        if first is None:
            return [], iter(())
        fields, notes = [], []
        for field, flag, obvious in named:
            if field is None:
                field = obvious_field(first.fields, obvious, name=name, flag=flag)
                notes.append(f"the {flag[2:]} from {field!r}")
            fields.append(field)
        note = f"taking {' and '.join(notes)}"
        if reader not in (read_plain, read_fasttext) and note not in self._report.notes:
            self._report.notes.append(note)
        return fields, itertools.chain(passed, lines)


def noting(lines: Iterable[str], passed: list[str]) -> Iterator[str]:
    """The lines themselves; each is added to ``passed``, so that a look at the first ones loses
    none."""
    for line in lines:
        passed.append(line)
        yield line


def obvious_field(names: Iterable[str], wanted: Sequence[str], *, name: str, flag: str) -> str:
    """The first of the wanted fields that is there, as it is spelled there.

    >>> obvious_field(["id", "Text"], ("text", "sentence"), name="a.csv", flag="--text")
    'Text'

    Raises:
        TextError: none is there; ``flag`` is how to name one.
    """
    by_spelling = {field.strip().casefold(): field for field in reversed([*names])}
    for field in wanted:
        if field in by_spelling:
            return by_spelling[field]
    raise TextError(
        f"{name}: no field is called {', '.join(wanted[:-1])} or {wanted[-1]}; its fields are: {listed(names)}; "
        f"name one with {flag} (a number where no line names the columns: --text 1 --label 2)"
    )


def _first_word(record: Record) -> Record:
    label, *remainder = record.fields["text"].split(None, 1) or [""]
    return Record({"text": remainder[0] if remainder else "", "label": label}, record.line, record.name)


def _labels(record: Record, field: str, config: ExamplesConfig) -> tuple[str, ...] | None:
    """The labels of a record; None if it has none."""
    value = record.fields[field]
    if value is None:
        return None
    if isinstance(value, Missing):
        raise TextError(f"{record.position}: {value}")
    if isinstance(value, list):
        parts = [_label_text(part, record, field) for part in value]
        if not parts and config.multi_label:
            return ()
    else:
        label = _label_text(value, record, field)
        parts = label.split(config.label_separator) if config.multi_label else [label]
    labels = tuple(dict.fromkeys(filter(None, map(normalise_text, parts))))
    if len(labels) > 1 and not config.multi_label:
        raise TextError(
            f"{record.position}: {len(labels)} labels ({listed(labels)}); allow several with --multi-label, or fix it"
        )
    for label in labels:
        if len(label) > _LONGEST_LABEL:
            raise TextError(
                f"{record.position}: field {field!r} has a label of {len(label):,} characters, at most "
                f"{_LONGEST_LABEL:,} are allowed; is it the right field?"
            )
    return labels or None


def _label_text(value: Any, record: Record, field: str) -> str:
    if isinstance(value, str):
        return checked_text(value, record, field)
    if isinstance(value, (bool, int, float)):
        return json.dumps(value)
    raise TextError(
        f"{record.position}: field {field!r} has a JSON {json_type(value)} as label; choose one with labels"
    )


def _normalise(line: str) -> str:
    while (normal := normalise_line(line).strip()) != line:
        line = normal
    return line
