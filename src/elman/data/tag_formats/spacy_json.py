"""Documents of spaCy as JSON (``Doc.to_json``): one a line, or in an array.

Sentences are those of spaCy, if the document has them; otherwise it is one sentence.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

from elman.data.span_alignment import CharSpan, words_at
from elman.data.tag_formats.blocks import BYTE_ORDER_MARK
from elman.data.tag_formats.documents import cut_document
from elman.data.tag_formats.json_spans import looks_like_json
from elman.data.tag_formats.tag_format import ReadOptions, TagFormat
from elman.data.tagged_sentence import TaggedSentence
from elman.errors import TextError, UsageError
from elman.text.readers.json_stream import json_values
from elman.text.readers.record import Record, json_type, listed, text_of
from elman.text.sources import Source

DEFAULT_FIELD = "ents"
TOKEN_FIELDS = ("pos", "tag", "lemma", "morph", "dep")

_OTHER_NAMES = {"upos": "pos", "xpos": "tag", "feats": "morph", "deprel": "dep", "ner": "ents", "entities": "ents"}
_MARKS = ('"ents":', '"sents":', '"ents" :', '"sents" :')


def read_spacy(lines: Iterator[str], *, source: Source, options: ReadOptions) -> Iterator[TaggedSentence]:
    """The sentences of all documents; entities are tags in BIO.

    Raises:
        TextError: it is not valid JSON or no document, or lacks the field.
        UsageError: there is no such field.
    """
    field = options.field or DEFAULT_FIELD
    field = _OTHER_NAMES.get(field, field)
    if field not in (DEFAULT_FIELD, *TOKEN_FIELDS):
        raise UsageError(
            f"field is {options.field!r}; documents of spaCy have: {DEFAULT_FIELD}, {', '.join(TOKEN_FIELDS)}",
            field="field",
        )
    unmarked = (line.removeprefix(BYTE_ORDER_MARK) for line in lines)
    for line, value in json_values(unmarked, name=source.name):
        position = f"{source.name}, line {line}"
        if not isinstance(value, dict) or not isinstance(value.get("text"), str):
            raise TextError(
                f"{position}: a JSON {json_type(value)} without a text; spaCy writes documents with doc.to_json()"
            )
        text = text_of(Record(value, line, source.name), "text")
        tokens = _objects(value, "tokens", position)
        document = options.split(text, position=position)
        if tokens:
            document = words_at(document, [_bounds(token, position) for token in tokens])
        if options.tagged:
            document = _tagged(document, value, tokens, field, options)
        starts = [_bounds(sentence, position)[0] for sentence in _objects(value, "sents", position)]
        yield from cut_document(document, sorted({0, *starts}), lambda start, position=position: position)


def _tagged(
    document: TaggedSentence, value: dict[str, Any], tokens: Sequence[dict[str, Any]], field: str, options: ReadOptions
) -> TaggedSentence:
    position = document.position
    if field == DEFAULT_FIELD:
        if field not in value:
            raise TextError(f"{position}: no entities, 'ents' is missing; its fields are: {listed(value)}")
        entities = _objects(value, field, position)
        return options.tag_spans(
            document, [CharSpan(*_bounds(entity, position), str(entity.get("label", ""))) for entity in entities]
        )
    words = [token for token in tokens if not document.text[slice(*_bounds(token, position))].isspace()]
    if not words and document.words:
        raise TextError(f"{position}: no tokens, and so no {field!r} of them; write the document with doc.to_json()")
    if lacking := [token for token in words if not isinstance(token.get(field), str) or not token[field]]:
        start, end = _bounds(lacking[0], position)
        raise TextError(
            f"{position}: token {document.text[start:end]!r} at {start} has no {field!r}; its fields are: "
            f"{listed(lacking[0])}; choose another --field, or run the part of the pipeline that sets it"
        )
    return dataclasses.replace(document, tags=tuple(token[field] for token in words))


def _objects(value: dict[str, Any], name: str, position: str) -> list[dict[str, Any]]:
    found = value.get(name) or []
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise TextError(f"{position}: {name!r} is no list of objects; write the document with doc.to_json()")
    return found


def _bounds(value: dict[str, Any], position: str) -> tuple[int, int]:
    start, end = value.get("start"), value.get("end")
    if type(start) is not int or type(end) is not int:
        raise TextError(f"{position}: {listed(map(repr, value.items()))}: start and end must be whole numbers")
    return start, end


def _looks_like(lines: Sequence[str]) -> bool:
    return looks_like_json(lines) and any(mark in line for line in lines for mark in _MARKS)


SPACY = TagFormat(
    name="spacy",
    title="spaCy documents (doc.to_json())",
    suffixes=(".jsonl", ".ndjson", ".json"),
    read=read_spacy,
    looks_like=_looks_like,
)
