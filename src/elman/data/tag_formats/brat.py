"""brat stand-off (https://brat.nlplab.org/standoff.html): a text file, and spans in an .ann file.

A line of the text is a sentence. Of the annotations only text-bound ones (``T``) are read.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from elman.data.span_alignment import CharSpan
from elman.data.tag_formats.blocks import BYTE_ORDER_MARK, without_end
from elman.data.tag_formats.documents import cut_document
from elman.data.tag_formats.tag_format import ReadOptions, TagFormat
from elman.data.tagged_sentence import TaggedSentence
from elman.errors import TextError, UsageError
from elman.text.decoding import raw_lines
from elman.text.sources import COMPRESSED, Source

ANNOTATIONS, TEXT = ".ann", ".txt"

_SPAN = re.compile(r"T[^\t]*\t([^\t ]+) +([0-9]+ +[0-9]+(?: *; *[0-9]+ +[0-9]+)*) *(?:\t(.*))?")
_LINE = re.compile("[^\r\n]*(?:\r\n?|\n)|[^\r\n]+")
_NUMBERS = re.compile("[0-9]+")


class _Annotation(NamedTuple):
    spans: tuple[CharSpan, ...]
    """Its parts; usually one."""
    surface: str | None


def annotations_of(source: Source) -> Source | None:
    """The annotations beside a text, as a source; None if there are none."""
    return _beside(source, ANNOTATIONS) if source.suffix == TEXT else None


def _beside(source: Source, suffix: str) -> Source | None:
    if source.path is None:
        return None
    stem = source.path.with_suffix("") if source.compression else source.path
    for compression in ("", *COMPRESSED):
        path = Path(f"{stem.with_suffix(suffix)}{compression}")
        if path.is_file():
            return Source("file", str(path), path, given=source.given)
    return None


def read_brat(lines: Iterator[str], *, source: Source, options: ReadOptions) -> Iterator[TaggedSentence]:
    """The sentences of one document; ``lines`` are those of its annotations.

    Raises:
        TextError: the text is missing, or a span does not fit.
        UsageError: a field is named.
    """
    if options.field is not None or options.word is not None:
        raise UsageError("brat files have no fields; leave out --field and --word")
    text_source = _beside(source, TEXT) if source.suffix == ANNOTATIONS else None
    if text_source is None:
        raise TextError(f"{source.name}: brat has the text in NAME.txt and the spans in NAME.ann beside it; give both")
    annotations = list(_annotations(lines, source.name)) if options.tagged else []
    exact = list(raw_lines(text_source, encoding=options.encoding, advance=lambda amount: None, exact=True))
    texts = ["".join(exact), "".join(f"{without_end(line)}\n" for line in exact).removeprefix(BYTE_ORDER_MARK)]
    # Tools differ in whether the two characters of a Windows line end count as two.
    text = next((text for text in texts if all(_fits(each, text) for each in annotations)), texts[0])
    wanted = [_whole(each, text, options) for each in annotations]
    starts, words, offsets = [0], list[str](), list[tuple[int, int]]()
    for line in _LINE.findall(text):
        start = starts[-1]
        part = options.split(line)
        words += part.words
        offsets += [(start + left, start + right) for left, right in part.offsets]
        starts.append(start + len(line))
    document = TaggedSentence(
        words=tuple(words), text=text, offsets=tuple(offsets), position=f"{text_source.name}, line 1"
    )
    if options.tagged:
        document = options.tag_spans(document, wanted)
    yield from cut_document(
        document, starts[:-1] or [0], lambda start: f"{text_source.name}, line {bisect_right(starts, start)}"
    )


def _annotations(lines: Iterator[str], name: str) -> Iterator[_Annotation]:
    for number, line in enumerate(lines, start=1):
        content = without_end(line).removeprefix(BYTE_ORDER_MARK)
        if not content.startswith("T"):
            continue
        position = f"{name}, line {number}"
        match = _SPAN.fullmatch(content)
        if match is None:
            raise TextError(
                f"{position}: {content[:60]!r} is no span; brat writes: T1, a tab, TYPE START END, a tab, the text"
            )
        numbers = list(map(int, _NUMBERS.findall(match[2])))
        spans = (
            CharSpan(start, end, match[1], position) for start, end in zip(numbers[::2], numbers[1::2], strict=True)
        )
        yield _Annotation(tuple(spans), match[3])


def _inside(annotation: _Annotation, text: str) -> str:
    return re.sub(r"\s", " ", " ".join(text[span.start : span.end] for span in annotation.spans))


def _fits(annotation: _Annotation, text: str) -> bool:
    """Whether the text of a span stands at its place."""
    return annotation.surface is None or re.sub(r"\s", " ", annotation.surface) == _inside(annotation, text)


def _whole(annotation: _Annotation, text: str, options: ReadOptions) -> CharSpan:
    """A span as one stretch of text.

    Raises:
        TextError: it is another text, or has several parts and ``nested`` does not join them.
    """
    first = annotation.spans[0]
    if not _fits(annotation, text):
        raise TextError(
            f"{first.position}: span {first.start}-{annotation.spans[-1].end} ({first.label}) should be "
            f"{repr(annotation.surface)[:60]}, but {_inside(annotation, text)[:60]!r} is there; offsets count "
            "characters of the text"
        )
    if len(annotation.spans) == 1:
        return first
    whole = first._replace(
        start=min(span.start for span in annotation.spans), end=max(span.end for span in annotation.spans)
    )
    where = f"{first.position}: span {whole.start}-{whole.end} ({whole.label})"
    if options.nested == "error":
        raise TextError(
            f"{where} has {len(annotation.spans)} parts, which one tag a word cannot say; join them, or take all from "
            "its first word to its last with --nested longest"
        )
    options.report.add("joined", where)
    return whole


def _looks_like(lines: Sequence[str]) -> bool:
    return bool(lines) and _SPAN.fullmatch(lines[0]) is not None


BRAT = TagFormat(name="brat", title="brat stand-off", suffixes=(ANNOTATIONS,), read=read_brat, looks_like=_looks_like)
