"""Tagged sentences: read from files in any of the formats, and written back with other tags.

Everything streams. The format of a file is known by its suffix, or else by its first lines.
"""

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from elman.config import Config
from elman.data.tag_formats.brat import BRAT, annotations_of
from elman.data.tag_formats.table import FORMATS, format_of_lines, format_of_name, formats_of_suffix
from elman.data.tag_formats.tag_format import ReadOptions, Split, TagFormat
from elman.data.tagged_sentence import TaggedSentence as TaggedSentence
from elman.data.tagged_text import split_text
from elman.errors import UsageError
from elman.metrics.span_schemes import SCHEMES, standard_name
from elman.progress import Progress
from elman.text.corpus import Sources
from elman.text.decoding import check_encoding, raw_lines
from elman.text.sources import Source, find_sources, total_bytes

AUTO = "auto"
"""As ``format`` or ``scheme``: found out by a look at the data."""

_SAMPLE = 40


@dataclasses.dataclass(frozen=True, kw_only=True)
class TaggedConfig(Config):
    """How tagged text is read.

    >>> TaggedConfig(field="upos").format
    'auto'
    """

    field: str | None = None
    """Where the tags are.

    CoNLL-U: a column or a feature, such as upos, xpos, feats.Number or misc.NER (default upos).
    Column files: the number of a column, or last (default). JSON lines: the name of the field with
    the spans (default spans, entities or label, whichever is there).
    """
    word: str | None = None
    """Where the words are: a column (default: form in CoNLL-U, the first one in column files), or
    the field of the text in JSON lines (default text)."""
    format: str = AUTO
    """Format of the files: conllu, columns, jsonl (JSON lines with spans), brat, spacy (documents
    as JSON), or text for plain text.

    Default: by the suffix, else by the first lines.
    """
    scheme: str = AUTO
    """How spans are written as tags: IO, IOB1, BIO, BIOES or BILOU (default: found in the data)."""
    strict: bool = False
    """Refuse tags that break the rules of their scheme; by default they are repaired as conlleval
    reads them, and counted."""
    misaligned: Literal["error", "split"] = "error"
    """What to do with a span that begins or ends within a word: refuse it, or split the word
    there."""
    nested: Literal["error", "longest"] = "error"
    """What to do with spans that overlap, which one tag a word cannot say: refuse them, or take the
    longest; a span in several parts is refused, or taken from its first word to its last."""
    encoding: str = "utf-8"
    """Encoding of the files, by a name that Python knows."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_encoding(self.encoding)
        if self.format != AUTO:
            format_of_name(self.format)
        if self.scheme != AUTO and standard_name(self.scheme) is None:
            raise UsageError.of("scheme", self.scheme, f"{AUTO} or one of {', '.join(SCHEMES)}")
        for name in ("field", "word"):
            if getattr(self, name) == "":
                raise UsageError(f"{name} is empty; leave it out for the default", field=name)


def read_tagged(
    sources: Sources,
    *,
    config: TaggedConfig | None = None,
    tagged: bool = True,
    for_writing: bool = False,
    split: Split = split_text,
    progress: Progress | None = None,
    **settings: Any,
) -> Iterator[TaggedSentence]:
    """The sentences of all sources in order, in one streaming pass, with the tags of the files.

    Args:
        sources: files, folders, globs or ``-``; one, or several.
        tagged: whether to read tags; if not, there may be none, and files that look like no other
            format are plain text, a sentence a line.
        for_writing: let each file end with a sentence without words, if lines follow its last
            sentence, so that the rewritten sentences together are the file.
        split: what cuts raw text into words, such as ``WordRules.split``.
        settings: fields of ``TaggedConfig``, if there is no ``config``.

    Raises:
        TextError: a file cannot be read, or is not in its format; says where.
        UsageError: a setting is not allowed, or does not fit the format.

    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "bank.conll")
    ...     _ = file.write_text("The DET\\nbank NOUN\\n\\nWe PRON\\nbank VERB\\n")
    ...     print([sentence.tags for sentence in read_tagged(file)])
    [('DET', 'NOUN'), ('PRON', 'VERB')]
    """
    assert config is None or not settings
    config = config or TaggedConfig(**settings)
    progress = progress or Progress()
    all_sources = _tagged_sources(find_sources(sources, progress=progress), config, progress)
    for source in all_sources:
        if source.kind == "builtin":
            raise UsageError(f"{source.name} has no sentences with tags; name files")
    options = ReadOptions(
        field=config.field,
        word=config.word,
        tagged=tagged,
        for_writing=for_writing,
        misaligned=config.misaligned,
        nested=config.nested,
        split=split,
        encoding=config.encoding,
    )
    return _sentences(all_sources, config, options, progress)


def _tagged_sources(sources: Sequence[Source], config: TaggedConfig, progress: Progress) -> list[Source]:
    """Sources without what is no tagged text of its own: texts that belong to annotations, and
    other files of a folder.
    """
    if config.format not in (AUTO, BRAT.name):
        return list(sources)
    chosen = {source.name: source for each in sources for source in [annotations_of(each) or each]}
    known = [source for source in chosen.values() if source.given or formats_of_suffix(source.suffix)]
    if left_out := [source.name for source in chosen.values() if source not in known] if known else []:
        more = f" and {len(left_out) - 1} more" if len(left_out) > 1 else ""
        progress.say(f"note: {left_out[0]}{more} left out, as its suffix is of no format of tagged text")
    return known or list(chosen.values())


def _sentences(
    sources: Sequence[Source], config: TaggedConfig, options: ReadOptions, progress: Progress
) -> Iterator[TaggedSentence]:
    with progress.stage("reading", total=total_bytes(sources), unit="bytes") as advance:
        for source in sources:
            lines = raw_lines(source, encoding=config.encoding, advance=advance, exact=True)
            file_format, lines = _format(source, lines, config.format, tagged=options.tagged)
            yield from file_format.read(lines, source=source, options=options)
    options.report.tell(progress)


def _format(source: Source, lines: Iterator[str], name: str, *, tagged: bool) -> tuple[TagFormat, Iterator[str]]:
    """The format of a file, and its lines again."""
    known = [format_of_name(name)] if name != AUTO else formats_of_suffix(source.suffix)
    if len(known) == 1:
        return known[0], lines
    taken: list[str] = []
    sample: list[str] = []
    for line in lines:
        taken.append(line)
        if not line.isspace():
            sample.append(line.rstrip("\r\n").lstrip("\ufeff"))
            # Raw text is answered line by line.
            if not tagged and not line.startswith("#"):
                break
        elif sample and not all(row.startswith(("#", "-DOCSTART-")) for row in sample):
            break  # the end of the first sentence
        if len(sample) == _SAMPLE:
            break
    return format_of_lines(sample, known), itertools.chain(taken, lines)


def write_tagged(
    sentence: TaggedSentence,
    tags: Sequence[str],
    *,
    format: str | None = None,  # noqa: A002
    field: str | None = None,
    scheme: str | None = None,
) -> str:
    """A sentence with new tags, as it stands in a file of a format.

    In the format that it was read from, all but the tags is as it was, to the byte.

    Args:
        format: default: the one that it was read from; for raw text it must be named.
        field: where the tags go, as in ``TaggedConfig``; ``new`` is a column behind the last one of
            a column file. Default: where the tags were read from, or else the usual place; also if
            it is a field of another format.
        scheme: the scheme of the tags; None if they are not spans.

    Raises:
        UsageError: the format is only read, or a tag cannot stand in it.

    >>> from elman.data.tagged_text import split_text
    >>> write_tagged(split_text("We bank"), ["PRON", "VERB"], format="columns")
    'We\\tPRON\\nbank\\tVERB\\n\\n'
    """
    source = sentence.source
    name = format if format is not None or source is None else source.format
    if field is not None and name in FORMATS and not FORMATS[name].has_field(field):
        field = None
    if source is not None and name == source.format:
        return source.rewritten(sentence, tags, field=field, scheme=scheme)
    write = None if format is None else format_of_name(format).write
    if write is None:
        allowed = ", ".join(each.name for each in FORMATS.values() if each.write is not None)
        raise UsageError(f"format is {format!r}, which is not written; choose one of {allowed}", field="format")
    return write(sentence, tags, field=field, scheme=scheme)
