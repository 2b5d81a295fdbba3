"""Documents and queries in files with marks of their own: those of SMART's collections (CISI, CACM,
Cranfield, MED), ``.I 1`` with ``.T`` and ``.W``, and TREC's ``<DOC>`` and ``<top>``."""

import html
import re
from collections.abc import Callable, Iterator, Sequence

from elman.errors import TextError
from elman.text.readers.record import Missing, Reader, Record

_SMART = re.compile(r"\.([A-Z])(?:\s+(.*))?")
_FIELDS = {"I": "id", "T": "title", "W": "text", "A": "author", "B": "source", "K": "keywords"}
_BEGIN = re.compile(r"<(doc|top)>", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")
_TITLES = ("title", "headline", "hl", "head", "ttl")
_LABELS = re.compile(r"^\s*(?:Number|Topic|Description|Narrative)\s*:")


def marked_reader(first: str) -> Reader | None:
    """The reader of a file that begins with such a line, if it is one of these.

    >>> marked_reader(".I 1") is read_smart, marked_reader("<DOC>") is read_trec, marked_reader(".I am")
    (True, True, None)
    """
    if re.fullmatch(r"\.I\s+[0-9]+\s*", first):
        return read_smart
    return read_trec if _BEGIN.match(first.strip()) else None


def read_smart(lines: Iterator[str], *, name: str, fields: Sequence[str] = ()) -> Iterator[Record]:
    """The records of a SMART file; fields without a name here are left out.

    >>> lines = iter([".I 1", ".T", "Two kinds", "of power", ".A", "Wilson, P.", ".W", "The essay."])
    >>> record = next(read_smart(lines, name="CISI.ALL"))
    >>> record.fields["id"], record.fields["title"], record.fields["text"]
    ('1', 'Two kinds of power', 'The essay.')

    Raises:
        TextError: a record has no number.
    """
    begun, found, field = 0, dict[str, list[str]](), ""
    for number, line in enumerate(lines, start=1):
        mark = _SMART.fullmatch(line.rstrip())
        if mark is None:
            found.setdefault(field, []).append(line.strip())
            continue
        if mark[1] == "I":
            if begun:
                yield _record(found, begun, name, fields)
            begun, found = number, {}
        field = _FIELDS.get(mark[1], "")
        found.setdefault(field, []).append((mark[2] or "").strip())
    if begun:
        yield _record(found, begun, name, fields)


def read_trec(lines: Iterator[str], *, name: str, fields: Sequence[str] = ()) -> Iterator[Record]:
    """The documents or topics of a TREC file, without their tags. The text of a document is that of
    its ``<TEXT>``, or all of it; that of a topic is its title, or its description.

    >>> topic = ["<top>", "<num> Number: 301", "<title> Rain &amp; wind", "<desc> Description:", "Which?", "</top>"]
    >>> record = next(read_trec(iter(topic), name="topics"))
    >>> record.fields["id"], record.fields["text"], record.fields["desc"]
    ('301', 'Rain & wind', 'Which?')

    Raises:
        TextError: a document has no ``<DOCNO>``, a topic no ``<num>``, or one has no end.
    """
    kind, begun, held = "", 0, list[str]()
    for number, line in enumerate(lines, start=1):
        if not kind:
            begin = _BEGIN.match(line.strip())
            if begin is not None:
                kind, begun, held = begin[1].lower(), number, []
        elif line.strip().lower() == f"</{kind}>":
            yield _record(_PARTS[kind]("\n".join(held)), begun, name, fields)
            kind = ""
        else:
            held.append(line)
    if kind:
        raise TextError(f"{name}, line {begun}: this <{kind.upper()}> has no end; </{kind.upper()}> must follow it")


def _document_parts(whole: str) -> dict[str, list[str]]:
    parts: dict[str, list[str]] = {"id": _between(whole, "docno")}
    parts["title"] = next(filter(None, (_between(whole, tag) for tag in _TITLES)), [])
    rest = re.sub(r"<(docno|dochdr)>.*?</\1>", "", whole, flags=re.IGNORECASE | re.DOTALL)
    parts["text"] = _between(whole, "text") or [rest]
    return parts


def _topic_parts(whole: str) -> dict[str, list[str]]:
    found = re.split(r"<(\w+)>", re.sub(r"</\w+>", "", whole))
    named = zip(found[1::2], found[2::2], strict=True)
    parts = {tag.lower(): [_LABELS.sub("", text)] for tag, text in named}
    title = parts.get("title", [""])
    text = title if title[0].strip() else parts.get("desc", [])
    return {**parts, "id": parts.get("num", []), "text": text, "title": []}


_PARTS: dict[str, Callable[[str], dict[str, list[str]]]] = {"doc": _document_parts, "top": _topic_parts}


def _between(whole: str, tag: str) -> list[str]:
    return re.findall(rf"<{tag}>(.*?)</{tag}>", whole, flags=re.IGNORECASE | re.DOTALL)


def _record(parts: dict[str, list[str]], line: int, name: str, fields: Sequence[str]) -> Record:
    found = {field: _plain(" " if field == "title" else "\n", some) for field, some in parts.items() if field}
    if not found.get("id"):
        raise TextError(
            f"{name}, line {line}: this document or query has no name, which stands in .I, <DOCNO> or <num>"
        )
    title, text = found.get("title", ""), found.get("text", "")
    values = {**found, "title": title, "text": text or title}
    missing = {field: Missing(field, lambda: ([*values], None)) for field in fields if field not in values}
    return Record({**values, **missing}, line, name)


def _plain(blank: str, parts: Sequence[str]) -> str:
    lines = html.unescape(_TAG.sub(" ", "\n".join(parts))).split("\n")
    return blank.join(filter(None, (line.strip() for line in lines)))
