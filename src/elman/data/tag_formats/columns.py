"""Column files, as the CoNLL shared tasks of 2000, 2002 and 2003 have them: one word a line with
its tags, blank lines between sentences.

Columns are separated by tabs or by runs of blanks, which may be mixed. ``-DOCSTART-`` lines and
comments are kept as they are.
"""

import dataclasses
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from elman.data.tag_formats.blocks import Block, BlockPlace, line_blocks, replaced, without_end
from elman.data.tag_formats.surface import nfc
from elman.data.tag_formats.tag_format import ReadOptions, TagFormat
from elman.data.tagged_sentence import TaggedSentence
from elman.errors import TextError, UsageError
from elman.text.sources import Source

LAST = "last"
"""As a field: the last column."""
NEW = "new"
"""As a field to write to: a column behind the last one."""

_BLANKS = " \t"
_CELL = re.compile(f"[^{_BLANKS}]+")
_TABBED = re.compile("[^\t]+")
_DOCUMENT = "-DOCSTART-"
_DOCUMENT_COMMENTS = ("#begin document", "#end document")


@dataclasses.dataclass(frozen=True, slots=True)
class Layout:
    """How the lines of a file are cut into columns."""

    tabs: bool
    """Whether only tabs separate columns, so that cells may hold blanks."""
    width: int
    """How many columns there are, as far as the first sentence says."""

    @classmethod
    def of(cls, lines: Sequence[str]) -> "Layout":
        """The layout of the lines of a sentence.

        >>> Layout.of(["EU NNP B-ORG"]), Layout.of(["New York\\tB-LOC"])
        (Layout(tabs=False, width=3), Layout(tabs=True, width=2))
        """
        lines = [line for line in lines if not line.startswith("#")] or list(lines)
        tabbed = Counter(line.strip(_BLANKS).count("\t") + 1 for line in lines)
        if len(tabbed) == 1 and (width := next(iter(tabbed))) > 1:
            return cls(True, width)
        return cls(False, Counter(len(_CELL.findall(line)) for line in lines).most_common(1)[0][0])

    def cells(self, line: str) -> list[tuple[int, int]]:
        """Start and end of each cell of a line.

        >>> line = "New York \\tB-LOC"
        >>> [line[start:end] for start, end in Layout(True, 2).cells(line)]
        ['New York', 'B-LOC']
        """
        if self.tabs and line.strip(_BLANKS).count("\t") == self.width - 1:
            places = [match.span() for match in _TABBED.finditer(line) if match[0].strip(_BLANKS)]
            if len(places) == self.width:
                return [_stripped(line, *place) for place in places]
        return [match.span() for match in _CELL.finditer(line)]

    def lacks(self, line: str) -> bool:
        """Whether a line has not these columns, separated as the others."""
        return (self.tabs and "\t" not in line) or len(self.cells(line)) != self.width


def _stripped(line: str, start: int, end: int) -> tuple[int, int]:
    cell = line[start:end]
    return start + len(cell) - len(cell.lstrip(_BLANKS)), end - (len(cell) - len(cell.rstrip(_BLANKS)))


@dataclasses.dataclass(frozen=True, slots=True)
class _ColumnsPlace:
    """Where a sentence stands in a file."""

    place: BlockPlace
    layout: Layout
    field: str | None
    format: str = "columns"

    def position_of(self, word: int) -> str:
        return self.place.position_of(word)

    def rewritten(self, sentence: TaggedSentence, tags: Sequence[str], *, field: str | None, scheme: str | None) -> str:
        field = field or self.field
        new = []
        for word, (row, tag) in enumerate(zip(self.place.rows, tags, strict=True)):
            line, content = self.place.lines[row], without_end(self.place.lines[row])
            cells = self.layout.cells(content)
            _check_tag(tag, tabs=self.layout.tabs)
            at = (
                len(cells)
                if field == NEW or (field is None and len(cells) == 1)
                else _column(field, len(cells), self.position_of(word))
            )
            if at == len(cells):
                end = cells[-1][1]
                new.append(replaced(line, end, end, _separator(content, cells) + tag))
            else:
                new.append(replaced(line, *cells[at], tag))
        return self.place.joined(new)


def _separator(line: str, cells: Sequence[tuple[int, int]]) -> str:
    """What a new column is separated by: as the last two are."""
    return line[cells[-2][1] : cells[-1][0]] if len(cells) > 1 else "\t"


def _check_tag(tag: str, *, tabs: bool) -> None:
    if not tag or any(char in tag for char in ("\t\r\n" if tabs else " \t\r\n")):
        raise UsageError(f"tag is {tag!r}; a tag in a column is not empty and holds no blank and no line end")


def _column(field: str | None, width: int, position: str) -> int:
    """The index of a column; the error names the line that lacks it."""
    if field is None or field == LAST:
        return width - 1
    number = int(field)
    if number > width:
        raise TextError(f"{position}: no column {number}, there are {width}; mend that line, or choose another --field")
    return number - 1


def check_field(field: str | None) -> None:
    """Raise unless it is ``last`` or the number of a column.

    >>> check_field("upos")
    Traceback (most recent call last):
    ...
    elman.errors.UsageError: field is 'upos'; in column files it is the number of a column, 1 for the
    first, or last

    Raises:
        UsageError: it is not.
    """
    if field not in (None, LAST) and not _is_number(field):
        raise UsageError(
            f"field is {field!r}; in column files it is the number of a column, 1 for the first, or {LAST}",
            field="field",
        )


def _is_number(field: str) -> bool:
    return field.isdecimal() and field.isascii() and 0 < int(field[:9]) < 1 << 20


def read_columns(lines: Iterator[str], *, source: Source, options: ReadOptions) -> Iterator[TaggedSentence]:
    """The sentences of a file; the tags are in the last column and the words in the first, unless
    ``options`` say otherwise.

    Raises:
        TextError: a line has another number of columns than the lines around it, or lacks one.
        UsageError: a field is not a number or ``last``.
    """
    check_field(None if options.field == NEW and not options.tagged else options.field)
    check_field(options.word)
    reading: _Reading | None = None
    pending: Block | None = None
    for block in line_blocks(lines):
        pending = block if pending is None else pending + block
        if reading is None and (rows := [without_end(line) for line in pending.lines if _may_be_row(line)]):
            reading = _Reading(source.name, options, Layout.of(rows))
        sentence = reading.sentence(pending) if reading else None
        if sentence is not None:
            pending = None
            yield sentence
    if pending is not None and options.for_writing:
        place = _ColumnsPlace(BlockPlace.of(pending, (), name=source.name), Layout(True, 1), options.field)
        yield TaggedSentence(words=(), position=f"{source.name}, line {pending.number}", source=place)


def _may_be_row(line: str) -> bool:
    return not line.isspace() and not line.startswith((_DOCUMENT, *_DOCUMENT_COMMENTS))


class _Reading:
    def __init__(self, name: str, options: ReadOptions, layout: Layout) -> None:
        self._name = name
        self._options = options
        self._layout = layout
        if options.tagged and layout.width == 1:
            raise TextError(
                f"{name}: its lines have one column, the words, and no tags; give a file with a tag behind each word"
            )
        by_number = options.field not in (None, LAST, NEW)
        self._fixed = options.tagged and not by_number
        """Whether all sentences have the same number of columns, for the last one is meant."""

    def sentence(self, block: Block) -> TaggedSentence | None:
        """The sentence of a block; None if there is no word in it."""
        rows: list[int] = []
        words: list[str] = []
        tags: list[str] = []
        width = self._layout.width if self._fixed else 0
        for index, line in enumerate(block.lines):
            if not _may_be_row(line):
                continue
            content = without_end(line)
            cells = self._layout.cells(content)
            if not rows and line.startswith("#") and self._layout.lacks(content):
                continue  # a comment
            position = f"{self._name}, line {block.number + index}"
            if width and len(cells) != width:
                raise TextError(f"{position}: {self._wrong_width(content, cells, width, first=not rows)}")
            width = len(cells)
            word, tag = self._values(content, cells, position)
            rows.append(index)
            words.append(nfc(word))
            if self._options.tagged:
                tags.append(tag)
        if not rows:
            return None
        place = BlockPlace.of(block, rows, name=self._name)
        return TaggedSentence(
            words=tuple(words),
            tags=tuple(tags),
            position=place.position_of(0),
            source=_ColumnsPlace(place, self._layout, self._options.field),
        )

    def _values(self, content: str, cells: Sequence[tuple[int, int]], position: str) -> tuple[str, str]:
        start, end = cells[_column(self._options.word or "1", len(cells), position)]
        word = content[start:end]
        if not self._options.tagged:
            return word, ""
        start, end = cells[_column(self._options.field, len(cells), position)]
        return word, content[start:end]

    def _wrong_width(self, content: str, cells: Sequence[tuple[int, int]], width: int, *, first: bool) -> str:
        found = len(cells)
        before = "in the sentences before" if first else "in the lines before"
        what = f"{found} column{'s' * (found != 1)}, but {width} {before}"
        if content.startswith("\t") or "\t\t" in content or content.endswith("\t"):
            return f"{what}; a cell is empty: put a word and a tag there, or remove that line"
        if self._fixed and first:
            return f"{what}; mend that line, or name the column of the tags by its number with --field"
        if found > width and not self._layout.tabs:
            return f"{what}; a word must not hold a blank, unless tabs separate all columns"
        return f"{what}; mend that line"


def write_columns(sentence: TaggedSentence, tags: Sequence[str], *, field: str | None, scheme: str | None) -> str:
    """A sentence that came from elsewhere: word, tab, tag.

    >>> write_columns(TaggedSentence(words=("Hi", "!")), ["INTJ", "PUNCT"], field=None, scheme=None)
    'Hi\\tINTJ\\n!\\tPUNCT\\n\\n'
    """
    for tag in tags:
        _check_tag(tag, tabs=True)
    lines = [f"{word}\t{tag}\n" for word, tag in zip(sentence.words, tags, strict=True)]
    return "".join([*lines, "\n"])


def _looks_like(lines: Sequence[str]) -> bool:
    """Whether all lines have the same number of columns, two or more; plain text has not."""
    rows = [line for line in lines if _may_be_row(line) and not line.startswith("# ")]
    if not rows:
        return bool(lines) and lines[0].startswith((_DOCUMENT, *_DOCUMENT_COMMENTS))
    layout = Layout.of(rows)
    widths = {len(layout.cells(row)) for row in rows}
    return widths == {layout.width} and layout.width > 1 and (layout.tabs or len(rows) > 1)


COLUMNS = TagFormat(
    name="columns",
    title="columns (CoNLL-2000, 2002, 2003)",
    suffixes=(".conll", ".conll03", ".conll2003", ".iob", ".iob2", ".bio", ".bioes", ".bilou", ".tsv", ".cols"),
    read=read_columns,
    write=write_columns,
    has_field=lambda name: name in (LAST, NEW) or _is_number(name),
    looks_like=_looks_like,
)
