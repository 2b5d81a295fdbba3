"""Pairs of texts, source and target, for tasks that turn one text into another.

They are read from tables (TSV, CSV, JSON lines) with a field each, or from two plain files that
correspond line by line.
"""

import dataclasses
import hashlib
import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from elman.config import Config
from elman.data.example_splits import hold_out_tenth
from elman.data.examples import normalise_text, noting, obvious_field
from elman.errors import TextError, UsageError
from elman.progress import Progress
from elman.text.corpus import Sources
from elman.text.decoding import check_encoding, raw_lines
from elman.text.readers.delimited import read_csv, read_tsv
from elman.text.readers.plain import read_plain
from elman.text.readers.record import Reader, has_text, why_no_text
from elman.text.readers.table import READERS, SkippedRecords, reader_of_format, reader_of_line
from elman.text.sources import Source, find_sources, total_bytes

SOURCE_FIELDS = ("source", "src", "input")
"""Names of fields that obviously hold the source, in the order in which they are looked for."""
TARGET_FIELDS = ("target", "tgt", "output", "translation")
"""Names of fields that obviously hold the target."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class PairsConfig(Config):
    """How pairs of texts are read.

    >>> PairsConfig(source="en", target="de").format is None
    True
    """

    source: str | None = None
    """Field that holds the source (default: source, src or input, or the first column); or, if no
    DATA is named, the file of the sources, one a line."""
    target: str | None = None
    """Field that holds the target (default: target, tgt, output or translation, or the second
    column); or, if no DATA is named, the file of the targets, which corresponds to --source line by
    line."""
    format: str | None = None
    """Format of the files: tsv, csv, jsonl, or txt for two files that correspond line by line.

    Default: by the suffix, else by the first line.
    """
    encoding: str = "utf-8"
    """Encoding of the files, by a name that Python knows."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_encoding(self.encoding)
        if self.format is not None:
            reader_of_format(self.format)
        if (self.source is None) != (self.target is None):
            given, missing = ("source", "target") if self.target is None else ("target", "source")
            raise UsageError(f"--{given} is given without --{missing}; give both or neither")
        if self.source is not None and self.source == self.target:
            raise UsageError(f"source and target are both {self.source!r}; they must be two", field="source")
        if self.source == "" or self.target == "":
            raise UsageError("source or target is empty; leave both out for the default", field="source")


@dataclasses.dataclass(frozen=True)
class Pairs:
    """Texts and what they should become, in normal form and on one line each.

    >>> pairs = Pairs(["one", "two"], ["eins", "zwei"])
    >>> len(pairs), pairs.take([1]), list(pairs)[0]
    (2, Pairs(source=['two'], target=['zwei']), ('one', 'eins'))
    """

    source: list[str]
    target: list[str]

    def __post_init__(self) -> None:
        assert len(self.source) == len(self.target)

    def __len__(self) -> int:
        return len(self.source)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return zip(self.source, self.target, strict=True)

    def take(self, rows: Iterable[int]) -> "Pairs":
        """Some of the pairs, by their numbers."""
        chosen = list(rows)
        return Pairs([self.source[row] for row in chosen], [self.target[row] for row in chosen])

    @property
    def hash(self) -> str:
        """The SHA-256 of all texts, as 64 hex digits."""
        digest = hashlib.sha256()
        for source, target in self:
            digest.update(f"{source}\0{target}\n".encode())
        return digest.hexdigest()


def hold_out_pairs(pairs: Pairs) -> tuple[Pairs, Pairs]:
    """A training part, and one pair in ten for validation; equal sources stay together.

    Raises:
        TextError: too few pairs.
    """
    parts = hold_out_tenth(range(len(pairs)), lambda row: pairs.source[row], unit="pairs")
    return pairs.take(parts[0]), pairs.take(parts[1])


def named_files(sources: Sequence[str], config: PairsConfig) -> tuple[tuple[str, ...], PairsConfig]:
    """The files to read and how: ``--source FILE --target FILE`` where no other data is named.

    >>> named_files((), PairsConfig(source="train.en", target="train.de"))[0]
    ('train.en', 'train.de')
    """
    if sources or config.source is None or config.target is None:
        return tuple(sources), config
    return (config.source, config.target), config.replace(source=None, target=None, format="txt")


def read_pairs(sources: Sources, *, config: PairsConfig | None = None, progress: Progress | None = None) -> Pairs:
    """The pairs of all sources, in order.

    Plain files come in twos: first the sources, then the targets, line by line. A plain file whose
    first line has a tab is a table. In a table without obvious names, the first column is the
    source, the second the target.

    Raises:
        TextError: a file cannot be read or lacks a field; two files differ in their number of
            lines.
        UsageError: a plain file without a second one.

    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "numbers.tsv")
    ...     _ = file.write_text("one\\teins\\ntwo\\tzwei\\n")
    ...     print(read_pairs(file))
    Pairs(source=['one', 'two'], target=['eins', 'zwei'])
    """
    progress = progress or Progress()
    reading = _Reading(config or PairsConfig(), progress)
    found = find_sources(sources, progress=progress)
    for source in found:
        if source.kind == "builtin":
            raise UsageError(f"{source.name} has no pairs of texts; name files")
    with progress.stage("reading", total=total_bytes(found), unit="bytes") as advance:
        pairs = reading.pairs(found, advance)
    reading.skipped.tell(progress)
    for note in reading.notes:
        progress.say(f"note: {note}")
    if not len(pairs):
        raise TextError(f"{', '.join(source.name for source in found)}: no pair of texts in it; give at least one")
    return pairs


class _Reading:
    """One pass over all sources."""

    def __init__(self, config: PairsConfig, progress: Progress) -> None:
        self._config, self._progress = config, progress
        self.skipped = SkippedRecords()
        self.notes: dict[str, None] = {}

    def pairs(self, sources: Sequence[Source], advance: Any) -> Pairs:
        pairs = Pairs([], [])
        waiting: tuple[Source, list[str]] | None = None
        for source in sources:
            lines = raw_lines(source, encoding=self._config.encoding, advance=advance)
            reader, lines = self._reader(source, lines)
            if reader is not read_plain:
                for one, other in self._of_table(reader, lines, source.name):
                    pairs.source.append(normalise_text(one))
                    pairs.target.append(normalise_text(other))
                continue
            texts = [normalise_text(line) for line in lines]
            if waiting is None:
                waiting = source, texts
                continue
            (first, others), waiting = waiting, None
            if len(others) != len(texts):
                raise TextError(
                    f"{first.name} has {len(others):,} lines and {source.name} {len(texts):,}; two plain files must "
                    "correspond line by line"
                )
            self.notes[f"the lines of {first.name} are the sources, those of {source.name} the targets"] = None
            pairs.source.extend(others)
            pairs.target.extend(texts)
        if waiting is not None:
            raise UsageError(
                f"{waiting[0].name} is plain text without a second file of its translations; give both files (sources "
                "first), or a .tsv, .csv or .jsonl file with two fields"
            )
        return pairs

    def _reader(self, source: Source, lines: Iterator[str]) -> tuple[Reader, Iterator[str]]:
        if self._config.format is not None:
            return reader_of_format(self._config.format), lines
        reader = READERS.get(source.suffix, read_plain)
        if reader is not read_plain:
            return reader, lines
        passed: list[str] = []
        first = next((line for line in noting(lines, passed) if line.strip()), "")
        reader = read_tsv if "\t" in first.strip() else reader_of_line(first)
        return reader, itertools.chain(passed, lines)

    def _of_table(self, reader: Reader, lines: Iterator[str], name: str) -> Iterator[tuple[str, str]]:
        fields, lines = self._fields(reader, lines, name)
        for record in reader(lines, name=name, fields=fields) if fields else ():
            self.skipped.records += 1
            without = next((field for field in fields if not has_text(record, field)), None)
            if without is None:
                yield record.fields[fields[0]], record.fields[fields[1]]
            else:
                self.skipped.skipped += 1
                self.skipped.first = self.skipped.first or why_no_text(record, without)

    def _fields(self, reader: Reader, lines: Iterator[str], name: str) -> tuple[tuple[str, ...], Iterator[str]]:
        """The fields of source and target, and the lines from the first on; no fields without a
        record."""
        if self._config.source is not None and self._config.target is not None:
            return (self._config.source, self._config.target), lines
        passed: list[str] = []
        table = reader in (read_csv, read_tsv)
        first = next(reader(noting(lines, passed), name=name, fields=["1"] if table else []), None)
        if first is None:
            return (), iter(())
        texts = {key: value for key, value in first.fields.items() if isinstance(value, str)}
        names = [*texts.values()] if table else [*first.fields]
        if len(names) < 2:
            raise TextError(f"{first.position}: one field, but a pair has two; separate source and target by a tab")
        try:
            fields = tuple(
                obvious_field(names, wanted, name=name, flag=flag)
                for wanted, flag in ((SOURCE_FIELDS, "--source"), (TARGET_FIELDS, "--target"))
            )
        except TextError:
            if not table and len(texts) != 2:
                raise
            fields = ("1", "2") if table else tuple(texts)
        known = "columns" if table and fields == ("1", "2") else "fields"
        self.notes[f"taking the source and the target from {known} {fields[0]!r} and {fields[1]!r}"] = None
        return fields, itertools.chain(passed, lines)
