"""JSON lines with spans of characters, as annotation tools export them.

A record is a sentence, in any of the usual spellings:

    {"text": "Ann slept", "spans": [{"start": 0, "end": 3, "label": "person"}]}     Prodigy, Label Studio
    {"text": "Ann slept", "entities": [{"start_offset": 0, "end_offset": 3, "label": "person"}]}  doccano
    {"text": "Ann slept", "label": [[0, 3, "person"]]}                               doccano
    [["Ann slept", {"entities": [[0, 3, "person"]]}], ...]                           spaCy 2
    {"tokens": ["Ann", "slept"], "tags": ["B-person", "O"]}                          Hugging Face datasets

An array of such records, or one record on many lines, is read as well.
"""

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from elman.data.examples import TEXT_FIELDS
from elman.data.span_alignment import SCHEME, CharSpan, char_spans, with_text, words_at
from elman.data.tag_formats.blocks import BYTE_ORDER_MARK
from elman.data.tag_formats.columns import LAST, NEW
from elman.data.tag_formats.surface import Token, nfc, place_tokens
from elman.data.tag_formats.tag_format import ReadOptions, TagFormat
from elman.data.tagged_sentence import TaggedSentence
from elman.data.tagged_text import split_text
from elman.errors import TextError
from elman.progress import counted
from elman.text.readers.json_stream import json_values
from elman.text.readers.record import Record, checked_text, json_type, listed, text_of
from elman.text.sources import Source

SPAN_FIELDS = ("spans", "entities", "label", "labels", "ents", "annotations")
"""Names of fields that obviously hold spans, in the order in which they are looked for."""
TAG_FIELDS = ("tags", "ner_tags", "pos_tags", "upos", "labels", "ner")
"""Names of fields that obviously hold a tag for each of the ``tokens``."""
TOKEN_FIELDS = ("tokens", "words")
TOKEN_TAG = "tag"
"""The key of the tag in a token that is an object."""

_STARTS, _ENDS = ("start", "start_offset", "begin"), ("end", "end_offset", "stop")
_LABELS = ("label", "type", "tag", "labels", "entity", "entity_group", "category")
_REFUSED = ("reject", "ignore")
"""Answers of Prodigy that say that the spans are not right."""
_SURFACES = ("text", "value", "word", "surface")


@dataclasses.dataclass(frozen=True, slots=True)
class _JsonPlace:
    """The record that a sentence was read from."""

    record: dict[str, Any]
    position: str
    field: str
    """Where the spans or tags are."""
    format: str = "jsonl"

    def position_of(self, word: int) -> str:
        return self.position

    def rewritten(self, sentence: TaggedSentence, tags: Sequence[str], *, field: str | None, scheme: str | None) -> str:
        record, field = dict(self.record), field or self.field
        name, tokens = _tokens(record)
        if tokens and isinstance(tokens[0], str):
            record[field] = list(tags)
        elif scheme is None and tokens and field in tokens[0]:
            new = iter(tags)
            blank = _blank_tokens(tokens, sentence.text)
            record[name] = [
                token if is_blank else {**token, field: next(new)}
                for token, is_blank in zip(tokens, blank, strict=True)
            ]
        elif scheme is None and not sentence.tags:
            record[TOKEN_FIELDS[0]] = _tagged_tokens(sentence, tags, field if field not in SPAN_FIELDS else TOKEN_TAG)
        else:
            record[field] = _spelled(char_spans(sentence, tags, scheme or SCHEME), sentence, like=record.get(field))
        return json.dumps(record, ensure_ascii=False) + "\n"


def read_json_spans(lines: Iterator[str], *, source: Source, options: ReadOptions) -> Iterator[TaggedSentence]:
    """The records of a file, each as one sentence; the tags of spans are BIO.

    Raises:
        TextError: it is not valid JSON, a record has no text or no spans, or a span does not fit.
    """
    unmarked = (line.removeprefix(BYTE_ORDER_MARK) for line in lines)
    for line, value in json_values(unmarked, name=source.name):
        record = Record(_as_object(value, f"{source.name}, line {line}"), line, source.name)
        if options.tagged and record.fields.get("answer") in _REFUSED:
            options.report.add("refused", f"{record.position}: answer is {record.fields['answer']!r}")
            continue
        yield _read_words(record, options) if _has_words(record) else _read_text(record, options)


def _as_object(value: Any, position: str) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    if isinstance(value, list) and len(value) == 2 and isinstance(value[0], str):
        rest = value[1] if isinstance(value[1], dict) else {SPAN_FIELDS[0]: value[1]}
        return {TEXT_FIELDS[0]: value[0], **rest}
    raise TextError(f"{position}: a JSON {json_type(value)}; each record must be an object with a text and its spans")


def _tokens(record: Mapping[str, Any]) -> tuple[str, list[Any]]:
    """The field of tokens, and the tokens: strings or objects; none if there is no such field."""
    for name in TOKEN_FIELDS:
        tokens = record.get(name)
        if isinstance(tokens, list) and tokens and all(isinstance(token, type(tokens[0])) for token in tokens):
            return name, tokens if isinstance(tokens[0], (str, dict)) else []
    return "", []


def _has_words(record: Record) -> bool:
    tokens = _tokens(record.fields)[1]
    return bool(tokens) and isinstance(tokens[0], str)


def _read_words(record: Record, options: ReadOptions) -> TaggedSentence:
    """A record of words and tags."""
    fields, position = record.fields, record.position
    words = _tokens(fields)[1]
    if empty := [place for place, word in enumerate(words) if not word.strip()]:
        raise TextError(f"{position}: token {empty[0]} is {words[empty[0]]!r}; remove it, or put a word there")
    checked_text(" ".join(words), record, _tokens(fields)[0])
    text, offsets = "", ()
    if isinstance(fields.get(TEXT_FIELDS[0]), str):
        text, offsets = place_tokens([Token(word, [word]) for word in words], fields[TEXT_FIELDS[0]])
    names = [name for name in TAG_FIELDS if isinstance(fields.get(name), list)]
    field = options.field or (names[0] if names else TAG_FIELDS[0])
    tags: list[Any] = []
    if options.tagged:
        tags = fields.get(field, ())
        if not isinstance(tags, list):
            raise TextError(f"{position}: no list of tags {field!r}; its fields are: {listed(fields)}")
        if len(tags) != len(words):
            raise TextError(
                f"{position}: {counted(len(words), 'token')}, but {counted(len(tags), 'tag')} in {field!r}; "
                "each needs one"
            )
        if wrong := [tag for tag in tags if not isinstance(tag, str) or not tag]:
            raise TextError(
                f"{position}: {field!r} has a JSON {json_type(wrong[0])}; tags must be names, such as B-LOC"
            )
    return TaggedSentence(
        words=tuple(map(nfc, words)),
        tags=tuple(tags),
        text=text,
        offsets=offsets,
        position=position,
        source=_JsonPlace(dict(fields), position, field),
    )


def _read_text(record: Record, options: ReadOptions) -> TaggedSentence:
    """A record of a text with spans, or with tokens that have tags."""
    fields, position = record.fields, record.position
    name = options.word or next((name for name in TEXT_FIELDS if name in fields), TEXT_FIELDS[0])
    if name not in fields:
        raise TextError(f"{position}: no field {name!r}; its fields are: {listed(fields)}; name the text with --word")
    text = text_of(record, name)
    tokens = _tokens(fields)[1]
    sentence = options.split(text, position=position)
    if tokens and all(_bounds(token) for token in tokens):
        offsets = tuple(bounds for token in tokens if (bounds := _bounds(token)) is not None)
        sentence = words_at(sentence, offsets)
        tokens = [token for token, blank in zip(tokens, _blank_tokens(tokens, text), strict=True) if not blank]
    else:
        tokens = []
    field = options.field or next((name for name in SPAN_FIELDS if isinstance(fields.get(name), list)), "")
    if not field and tokens and TOKEN_TAG in tokens[0]:
        field = TOKEN_TAG
    place = _JsonPlace(dict(fields), position, field or SPAN_FIELDS[0])
    sentence = dataclasses.replace(sentence, source=place)
    if not options.tagged:
        return sentence
    if isinstance(spans := fields.get(field), list):
        wanted = [_span(span, text, position) for span in spans]
        return options.tag_spans(sentence, wanted)
    if tokens and field and all(isinstance(token.get(field), str) and token[field] for token in tokens):
        return dataclasses.replace(sentence, tags=tuple(token[field] for token in tokens))
    what = f"no list of spans {field!r}" if field else "no list of spans"
    raise TextError(f"{position}: {what}; its fields are: {listed(fields)}; name the spans with --field")


def _bounds(token: Mapping[str, Any]) -> tuple[int, int] | None:
    start, end = _first(token, _STARTS), _first(token, _ENDS)
    if type(start) is int and type(end) is int:
        return start, end
    return None


def _blank_tokens(tokens: Sequence[Mapping[str, Any]], text: str) -> list[bool]:
    """Which tokens are blanks, as spaCy makes of several spaces."""
    return [text[slice(*(_bounds(token) or (0, 0)))].isspace() for token in tokens]


def _first(values: Mapping[str, Any], names: Sequence[str]) -> Any:
    return next((values[name] for name in names if name in values), None)


def _span(value: Any, text: str, position: str) -> CharSpan:
    """A span in any spelling.

    >>> _span([0, 3, "person"], "Ann slept", "a.jsonl, line 1")
    CharSpan(start=0, end=3, label='person', position='')
    """
    surface = None
    if isinstance(value, dict):
        bounds, label, surface = _bounds(value), _first(value, _LABELS), _first(value, _SURFACES)
        label = label[0] if isinstance(label, list) and len(label) == 1 else label
    elif isinstance(value, list) and len(value) >= 3:
        (label, *two) = value if isinstance(value[0], str) else (value[2], *value[:2])
        bounds = _bounds({"start": two[0], "end": two[1]})
    else:
        bounds, label = None, None
    if bounds is None or not isinstance(label, str):
        shown = json.dumps(value, ensure_ascii=False)[:80]
        raise TextError(
            f"{position}: a span is {shown}; write it as [start, end, label], or as an object with start, end and label"
        )
    inside = text[max(bounds[0], 0) : max(bounds[1], 0)]
    if isinstance(surface, str) and surface != inside:
        raise TextError(
            f"{position}: span {bounds[0]}-{bounds[1]} ({label}) should be {surface[:60]!r}, but {inside[:60]!r} is "
            "there; offsets count characters, not bytes"
        )
    return CharSpan(*bounds, label)


def _spelled(spans: Sequence[CharSpan], sentence: TaggedSentence, *, like: Any) -> list[Any]:
    """Spans as those of a record are spelled."""
    first = like[0] if isinstance(like, list) and like else None
    if isinstance(first, list):
        named_first = bool(first) and isinstance(first[0], str)
        return [[span.label, *span[:2]] if named_first else list(span[:3]) for span in spans]
    first = first if isinstance(first, dict) else {}
    start, end = (next((name for name in names if name in first), names[0]) for names in (_STARTS, _ENDS))
    label = next((name for name in _LABELS if name in first), _LABELS[0])
    surface = next((name for name in _SURFACES if name in first), None)
    found = []
    for span in spans:
        one: dict[str, Any] = {start: span.start, end: span.end}
        if surface is not None:
            one[surface] = sentence.text[span.start : span.end]
        one[label] = [span.label] if isinstance(first.get(label), list) else span.label
        found.append(one)
    return found


def _tagged_tokens(sentence: TaggedSentence, tags: Sequence[str], field: str) -> list[dict[str, Any]]:
    return [
        {"text": sentence.surface(number, number + 1), "start": start, "end": end, field: tag}
        for number, ((start, end), tag) in enumerate(zip(sentence.offsets, tags, strict=True))
    ]


def write_json_spans(sentence: TaggedSentence, tags: Sequence[str], *, field: str | None, scheme: str | None) -> str:
    """A sentence that came from elsewhere: its text with spans, or with a tag for each token.

    >>> from elman.data.tagged_text import split_text
    >>> print(write_json_spans(split_text("Ann slept"), ["B-person", "O"], field=None, scheme="BIO"), end="")
    {"text": "Ann slept", "spans": [{"start": 0, "end": 3, "label": "person"}]}
    >>> print(write_json_spans(split_text("Go!"), ["VERB", "PUNCT"], field=None, scheme=None), end="")
    {"text": "Go!", "tokens": [{"text": "Go", "start": 0, "end": 2, "tag": "VERB"},
    {"text": "!", "start": 2, "end": 3, "tag": "PUNCT"}]}

    Words that are not elman's own have their places in the record.
    """
    sentence = with_text(sentence)
    record: dict[str, Any] = {TEXT_FIELDS[0]: sentence.text}
    if scheme is not None:
        if sentence.offsets != split_text(sentence.text).offsets:
            # Spans alone would be read with other words.
            record[TOKEN_FIELDS[0]] = [{"start": start, "end": end} for start, end in sentence.offsets]
        record[field or SPAN_FIELDS[0]] = _spelled(char_spans(sentence, tags, scheme), sentence, like=None)
    else:
        record[TOKEN_FIELDS[0]] = _tagged_tokens(sentence, tags, field or TOKEN_TAG)
    return json.dumps(record, ensure_ascii=False) + "\n"


def looks_like_json(lines: Sequence[str]) -> bool:
    """Whether the first line begins a JSON object or array."""
    first = lines[0].strip() if lines else ""
    return first in ("[", "{") or first.startswith(('{"', "{ ", '["', "[{", "[["))


JSON_SPANS = TagFormat(
    name="jsonl",
    title="JSON lines with spans",
    suffixes=(".jsonl", ".ndjson", ".json"),
    read=read_json_spans,
    write=write_json_spans,
    has_field=lambda name: (
        not name.isdecimal() and name not in (LAST, NEW) and not name.startswith(("feats.", "misc."))
    ),
    looks_like=looks_like_json,
)
