"""CoNLL-U, the format of Universal Dependencies (https://universaldependencies.org/format.html).

Ten columns, separated by tabs, one word a line; CoNLL-X and CoNLL-U Plus are read as well.
Comments, multi-word tokens (``1-2``) and empty nodes (``8.1``) are kept as they are.
"""

import dataclasses
import re
from collections.abc import Iterator, Sequence
from functools import cached_property

from elman.data.tag_formats.blocks import Block, BlockPlace, line_blocks, without_end
from elman.data.tag_formats.surface import Token, escaped_spaces, nfc, place_tokens, unescaped_spaces
from elman.data.tag_formats.tag_format import UNTAGGED, ReadOptions, TagFormat
from elman.data.tagged_sentence import TaggedSentence
from elman.errors import TextError, UsageError
from elman.progress import counted
from elman.text.readers.record import listed
from elman.text.sources import Source

COLUMNS = ("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")
DEFAULT_FIELD, SPAN_FIELD = "upos", "misc.NER"
"""Where tags are, and where tags of spans are written, if nothing else is said."""

_KEYED = ("feats", "misc")
_WORD, _RANGE, _EMPTY = (
    re.compile("[1-9][0-9]{0,17}"),
    re.compile("([1-9][0-9]{0,17})-([1-9][0-9]{0,17})"),
    re.compile(r"[0-9]+\.[0-9]+"),
)
_PLUS = re.compile(r"#\s*global\.columns\s*=\s*(.+)")
_TEXT = re.compile(r"#\s*text\s*=\s?(.*)")
_NAMES_SHOWN = 200


@dataclasses.dataclass(frozen=True, slots=True)
class Field:
    """A column, or one feature of it.

    >>> Field.of("feats.Number", COLUMNS)
    Field(column=5, name='feats', key='Number')
    """

    column: int
    name: str
    key: str = ""

    @classmethod
    def of(cls, name: str, columns: Sequence[str]) -> "Field":
        """The field of a name such as ``upos``, ``5`` or ``misc.NER``.

        Raises:
            UsageError: there is no such column, or it has no features.
        """
        column, _, key = name.partition(".")
        column = column.lower()
        if column.isdecimal() and 1 <= int(column[:9]) <= len(columns):
            column = columns[int(column[:9]) - 1]
        if column not in columns:
            allowed = [*columns[1:], "feats.NAME", "misc.NAME"]
            raise UsageError(
                f"field is {name!r}, which CoNLL-U does not have; its fields are: {listed(allowed)}", field="field"
            )
        if "." in name and (column not in _KEYED or not key):
            raise UsageError(
                f"field is {name!r}; only feats and misc have features, such as feats.Number or misc.NER", field="field"
            )
        return cls(columns.index(column), column, key)

    def value(self, cells: Sequence[str]) -> str:
        """Its value; ``_`` if the feature is not there."""
        cell = cells[self.column]
        if not self.key:
            return cell
        start = f"{self.key}="
        return next((part[len(start) :] for part in cell.split("|") if part.startswith(start)), UNTAGGED)

    def put(self, cells: list[str], value: str) -> None:
        """Set it in the cells of a line.

        >>> cells = ["1", "dogs", "dog", "NOUN", "NNS", "Case=Nom|Number=Sing", "0", "root", "_", "_"]
        >>> Field.of("feats.Number", COLUMNS).put(cells, "Plur")
        >>> Field.of("misc.NER", COLUMNS).put(cells, "O")
        >>> cells[5], cells[9]
        ('Case=Nom|Number=Plur', 'NER=O')
        """
        if self.key:
            value = self._with(cells[self.column], value)
        cells[self.column] = value

    def _with(self, cell: str, value: str) -> str:
        parts = [] if cell == UNTAGGED else cell.split("|")
        start = f"{self.key}="
        places = [place for place, part in enumerate(parts) if part.startswith(start)]
        if value == UNTAGGED:
            parts = [part for part in parts if not part.startswith(start)]
        elif places:
            parts[places[0]] = start + value
        else:
            parts.append(start + value)
            if self.name == "feats":
                parts.sort(key=lambda part: part.partition("=")[0].lower())
        return "|".join(parts) or UNTAGGED


@dataclasses.dataclass(frozen=True, slots=True)
class _ConlluPlace:
    """Where a sentence stands in a file."""

    place: BlockPlace
    columns: tuple[str, ...]
    field: str | None
    format: str = "conllu"

    def position_of(self, word: int) -> str:
        return self.place.position_of(word)

    def rewritten(self, sentence: TaggedSentence, tags: Sequence[str], *, field: str | None, scheme: str | None) -> str:
        where = Field.of(field or self.field or (SPAN_FIELD if scheme else DEFAULT_FIELD), self.columns)
        new = []
        for row, tag in zip(self.place.rows, tags, strict=True):
            line = self.place.lines[row]
            content = without_end(line)
            cells = content.split("\t")
            where.put(cells, _checked(tag))
            new.append("\t".join(cells) + line[len(content) :])
        return self.place.joined(new)


def read_conllu(lines: Iterator[str], *, source: Source, options: ReadOptions) -> Iterator[TaggedSentence]:
    """The sentences of a file.

    Raises:
        TextError: a line has another number of columns, ids are not in order, a form is empty, or
            no word has a tag.
        UsageError: there is no such field.
    """
    reading = _Reading(source.name, options)
    pending: Block | None = None
    for block in line_blocks(lines):
        pending = block if pending is None else pending + block
        sentence = reading.sentence(pending)
        if sentence is not None:
            pending = None
            yield sentence
    if pending is not None and options.for_writing:
        place = BlockPlace.of(pending, (), name=source.name)
        yield TaggedSentence(words=(), position=f"{source.name}, line {pending.number}", source=reading.place(place))
    reading.check_tagged()


class _Reading:
    def __init__(self, name: str, options: ReadOptions) -> None:
        self._name = name
        self._options = options
        self._set_columns(COLUMNS)
        self._words = 0
        self._tagged = False
        self._keys: dict[str, None] = {}

    def _set_columns(self, columns: tuple[str, ...]) -> None:
        self._columns = columns
        self._misc = columns.index("misc") if "misc" in columns else None

    @cached_property
    def _field(self) -> Field:
        return Field.of(self._options.field or DEFAULT_FIELD, self._columns)

    @cached_property
    def _form(self) -> Field:
        return Field.of(self._options.word or "form", self._columns)

    def place(self, place: BlockPlace) -> _ConlluPlace:
        options = self._options
        return _ConlluPlace(place, self._columns, options.field or (DEFAULT_FIELD if options.tagged else None))

    def check_tagged(self) -> None:
        if not self._options.tagged or self._tagged or not self._words:
            return
        field, name = self._field, self._options.field or DEFAULT_FIELD
        if field.key:
            raise TextError(f"{self._name}: no word has {name}; {field.name} has: {listed(self._keys)}")
        raise TextError(f"{self._name}: no word has a tag in {name}, there is only {UNTAGGED}; choose another field")

    def sentence(self, block: Block) -> TaggedSentence | None:
        """The sentence of a block; None if it is only comments."""
        rows: list[int] = []
        words: list[str] = []
        tags: list[str] = []
        tokens: list[Token] = []
        text: str | None = None
        in_token = 0
        for index, line in enumerate(block.lines):
            if line.startswith("#"):
                text = self._comment(line, text)
                continue
            content = without_end(line)
            if not content or content.isspace():
                continue
            cells = content.split("\t")
            position = f"{self._name}, line {block.number + index}"
            if len(cells) != len(self._columns):
                raise TextError(f"{position}: {_wrong_columns(content, len(self._columns))}")
            number = cells[0]
            if _EMPTY.fullmatch(number):
                continue
            form = self._form.value(cells)
            if not form:
                raise TextError(f"{position}: no word, its {self._form.name} is empty; put one there")
            if _WORD.fullmatch(number):
                if number != str(len(words) + 1):
                    raise TextError(f"{position}: {_wrong_id(number, len(words))}")
                rows.append(index)
                words.append(nfc(form))
                self._add_tag(cells, tags, position)
                if in_token:
                    in_token -= 1
                    tokens[-1].words.append(form)
                else:
                    tokens.append(Token(form, [form], self._space_after(cells)))
                continue
            bounds = _RANGE.fullmatch(number)
            if not bounds or int(bounds[1]) != len(words) + 1 or int(bounds[2]) < int(bounds[1]) or in_token:
                raise TextError(f"{position}: {_wrong_id(number, len(words))}")
            in_token = int(bounds[2]) - int(bounds[1]) + 1
            tokens.append(Token(form, [], self._space_after(cells)))
        if in_token:
            last = block.number + len(block.lines) - 1
            what = f"the words of the multi-word token {tokens[-1].form!r} are not all there"
            raise TextError(f"{self._name}, line {last}: {what}; mend that sentence")
        if not rows:
            return None
        self._words += len(words)
        text, offsets = place_tokens(tokens, text)
        place = BlockPlace.of(block, rows, name=self._name)
        return TaggedSentence(
            words=tuple(words),
            tags=tuple(tags),
            text=text,
            offsets=offsets,
            position=place.position_of(0),
            source=self.place(place),
        )

    def _comment(self, line: str, text: str | None) -> str | None:
        """The text of the sentence, if a comment gives it."""
        content = without_end(line)
        if (found := _TEXT.fullmatch(content)) is not None:
            return found[1]
        if (plus := _PLUS.fullmatch(content)) is not None:
            names = tuple(name.lower() for name in plus[1].split())
            if not {"id", "form"} <= {*names}:
                raise TextError(
                    f"{self._name}: its first line names the columns {listed(names)}; ID and FORM must be there"
                )
            self._set_columns(names)
        return text

    def _add_tag(self, cells: Sequence[str], tags: list[str], position: str) -> None:
        if not self._options.tagged:
            return
        tag = self._field.value(cells)
        if not tag:
            raise TextError(f"{position}: {self._field.name} is empty; write {UNTAGGED} where there is nothing")
        tags.append(tag)
        if tag != UNTAGGED:
            self._tagged = True
        elif not self._tagged and self._field.key and len(self._keys) < _NAMES_SHOWN:
            parts = cells[self._field.column].split("|")
            self._keys.update(dict.fromkeys(part.partition("=")[0] for part in parts if "=" in part))

    def _space_after(self, cells: Sequence[str]) -> str:
        if self._misc is None or (misc := cells[self._misc]) == UNTAGGED or "Space" not in misc:
            return " "
        for part in misc.split("|"):
            name, _, value = part.partition("=")
            if name == "SpaceAfter" and value == "No":
                return ""
            if name == "SpacesAfter":
                return unescaped_spaces(value)
        return " "


def _wrong_columns(content: str, expected: int) -> str:
    if "\t" not in content and len(content.split()) >= expected:
        return "columns are separated by spaces, but CoNLL-U has tabs there; write tabs, or read it as --format columns"
    found = content.count("\t") + 1
    what = "column" if found == 1 else "columns"
    return f"{found} {what}, but CoNLL-U has {expected}, separated by tabs; mend that line"


def _wrong_id(number: str, before: int) -> str:
    if number == "1" and before:
        return f"id is 1 after word {before}; put a blank line between the sentences"
    return (
        f"id is {number[:40]!r} after {counted(before, 'word')}; ids are 1, 2, 3, ..., ranges such as 1-2, and 1.1 for "
        "empty nodes"
    )


def _checked(tag: str) -> str:
    if "\t" in tag or "\n" in tag or not tag:
        raise UsageError(f"tag is {tag!r}; a tag in CoNLL-U is not empty and has no tab or line end")
    return tag


def write_conllu(sentence: TaggedSentence, tags: Sequence[str], *, field: str | None, scheme: str | None) -> str:
    """A sentence that came from elsewhere; ``SpaceAfter`` and ``SpacesAfter`` say what stands
    between words.

    >>> from elman.data.tagged_text import split_text
    >>> print(write_conllu(split_text("Hi!"), ["INTJ", "PUNCT"], field="upos", scheme=None), end="")
    # text = Hi!
    1	Hi	_	INTJ	_	_	_	_	_	SpaceAfter=No
    2	!	_	PUNCT	_	_	_	_	_	_
    <BLANKLINE>
    """
    where = Field.of(field or (SPAN_FIELD if scheme else DEFAULT_FIELD), COLUMNS)
    if not sentence.words:
        return ""
    lines = [f"# text = {sentence.text or ' '.join(sentence.words)}\n"]
    for number, (word, tag) in enumerate(zip(sentence.words, tags, strict=True), start=1):
        cells = [str(number), word, *["_"] * 8]
        if sentence.offsets:
            surface = sentence.surface(number - 1, number)
            cells[1] = surface if nfc(surface) == word else word
            if number < len(sentence):
                end, start = sentence.offsets[number - 1][1], sentence.offsets[number][0]
                cells[9] = _spaces_misc(sentence.text[end:start])
        where.put(cells, _checked(tag))
        lines.append("\t".join(cells) + "\n")
    return "".join([*lines, "\n"])


def _spaces_misc(between: str) -> str:
    if between == " ":
        return UNTAGGED
    return f"SpacesAfter={escaped_spaces(between)}" if between else "SpaceAfter=No"


def _has_field(name: str) -> bool:
    try:
        Field.of(name, COLUMNS)
    except UsageError:
        return ":" in name  # of CoNLL-U Plus
    return not name.isdecimal()


def _looks_like(lines: Sequence[str]) -> bool:
    rows = [line for line in lines if not line.startswith("#")]
    return bool(rows) and rows[0].count("\t") == 9 and rows[0].split("\t")[0][:1].isdecimal()


CONLLU = TagFormat(
    name="conllu",
    title="CoNLL-U",
    suffixes=(".conllu", ".conllup", ".conllx"),
    read=read_conllu,
    write=write_conllu,
    has_field=_has_field,
    looks_like=_looks_like,
)
