"""Schemes that write spans, such as names, as one tag for each word.

A tag is ``O`` outside of spans, otherwise a prefix and the type of the span: ``B-person``. The
schemes differ in their prefixes (Ramshaw and Marcus 1995; Tjong Kim Sang and Veenstra 1999):

====== ===================================================================================
IO     ``I`` in a span. Two adjacent spans of one type cannot be told apart.
IOB1   as IO, with ``B`` on the first word of a span after another of the same type.
BIO    ``B`` on the first word of every span, ``I`` on the others. Also called IOB2.
BIOES  as BIO, with ``E`` on the last word and ``S`` on a single one. Also called IOBES.
BILOU  as BIOES, with ``L`` for ``E`` and ``U`` for ``S``.
====== ===================================================================================

A sequence that breaks the rules of its scheme has two readings. The lenient one is that of
conlleval, the script of the CoNLL shared tasks: a wrong prefix starts a span where the type changes
or the last span has ended. The strict one is that of seqeval's strict mode: a span counts only if
all its prefixes are right. They agree on every valid sequence.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

SCHEMES = ("IO", "IOB1", "BIO", "BIOES", "BILOU")
OUTSIDE = "O"

_OTHER_NAMES = {"IOB": "IOB1", "IOB2": "BIO", "BIO2": "BIO", "IOBES": "BIOES", "BILUO": "BILOU"}
_PREFIXES = {"IO": "I", "IOB1": "BI", "BIO": "BI", "BIOES": "BIES", "BILOU": "BILU"}
_WITH_ENDS = ("BIOES", "BILOU")
_AS_BIOES = {"L": "E", "U": "S"}


class Span(NamedTuple):
    """Adjacent words of one type."""

    type: str
    """Such as ``person``; empty where tags are prefixes only."""
    start: int
    """The first word."""
    end: int
    """The word after the last one."""


def standard_name(name: str) -> str | None:
    """The name in ``SCHEMES`` of a scheme, written in any case; None if there is no such scheme.

    >>> standard_name("iob2"), standard_name("penn")
    ('BIO', None)
    """
    upper = name.upper()
    upper = _OTHER_NAMES.get(upper, upper)
    return upper if upper in SCHEMES else None


def type_of(tag: str) -> str:
    """The type of a tag of any scheme; empty for ``O``, and for prefixes without types.

    >>> type_of("B-creative-work"), type_of("O")
    ('creative-work', '')
    """
    return _split(tag)[1]


def detect_scheme(sequences: Iterable[Sequence[str]]) -> str | None:
    """The scheme of tag sequences, or None if they are not spans, such as parts of speech.

    Prefixes decide. Between IOB1 and BIO it is the scheme whose rules fewer tags break, and BIO if
    they break equally many. Tags that are all ``O`` belong to no scheme.

    >>> detect_scheme([["O", "B-person", "I-person"], ["B-place"]])
    'BIO'
    >>> detect_scheme([["I-person", "B-person", "O"]])
    'IOB1'
    >>> detect_scheme([["DET", "NOUN"]])
    """
    prefixes, typed, bare = set[str](), False, False
    broken = {"IOB1": 0, "BIO": 0}
    for tags in sequences:
        for tag in set(tags):
            prefix, kind = _split(tag)
            if not prefix:
                return None
            if prefix != OUTSIDE:
                prefixes.add(prefix)
                typed, bare = typed or kind != "", bare or kind == ""
        if prefixes <= {"B", "I"}:
            for scheme in broken:
                broken[scheme] += len(invalid_at(tags, scheme))
    if not prefixes or (typed and bare) or (bare and not prefixes & {"B", "S", "U"}):
        return None
    if prefixes == {"I"}:
        return "IO"
    if prefixes <= {"B", "I"}:
        return "IOB1" if broken["IOB1"] < broken["BIO"] else "BIO"
    fitting = [scheme for scheme in _WITH_ENDS if prefixes <= set(_PREFIXES[scheme])]
    return fitting[0] if fitting else None


def spans(tags: Sequence[str], scheme: str, *, strict: bool = False) -> tuple[Span, ...]:
    """The spans of a sequence of tags, in order.

    Args:
        scheme: one of ``SCHEMES``.
        strict: leave out spans that break a rule of the scheme, as seqeval's strict mode does; by
            default they are read as conlleval reads them. An unknown tag counts as ``O``.

    >>> spans(["B-person", "I-person", "O", "I-place"], "BIO")
    (Span(type='person', start=0, end=2), Span(type='place', start=3, end=4))
    >>> spans(["B-person", "I-person", "O", "I-place"], "BIO", strict=True)
    (Span(type='person', start=0, end=2),)
    """
    assert scheme in SCHEMES, scheme
    if strict and scheme != "IO":
        return _strict_iob1(tags) if scheme == "IOB1" else _strict(tags, scheme)
    found: list[Span] = []
    start, before, kind_before = 0, OUTSIDE, ""
    for index, tag in enumerate([*tags, OUTSIDE]):
        prefix, kind = _parts(tag, scheme)
        begins = prefix != OUTSIDE and (
            prefix in "BS" or before in ("O", "E", "S") or kind != kind_before
        )  # a wrong I or E begins a span as well
        if before != OUTSIDE and (begins or prefix == OUTSIDE):
            found.append(Span(kind_before, start, index))
        if begins:
            start = index
        before, kind_before = prefix, kind
    return tuple(found)


def tags_of(spans: Iterable[Span], length: int, scheme: str) -> tuple[str, ...]:
    """The tags of ``length`` words with these spans, which do not overlap.

    >>> tags_of([Span("person", 0, 2), Span("place", 3, 4)], 4, "BIOES")
    ('B-person', 'E-person', 'O', 'S-place')
    """
    assert scheme in SCHEMES, scheme
    last, single = {"BIOES": "ES", "BILOU": "LU"}.get(scheme, "IB")
    tags, before = [OUTSIDE] * length, Span("", -1, -1)
    for span in sorted(spans, key=lambda span: span.start):
        assert before.end <= span.start < span.end <= length, (span, length)
        ending = f"-{span.type}" if span.type else ""
        prefixes = ["I"] * (span.end - span.start)
        if scheme in ("BIO", *_WITH_ENDS):
            prefixes[-1] = last
            prefixes[0] = "B" if len(prefixes) > 1 else single
        elif scheme == "IOB1" and span.start == before.end and span.type == before.type:
            prefixes[0] = "B"
        tags[span.start : span.end] = [prefix + ending for prefix in prefixes]
        before = span
    return tuple(tags)


def convert(tags: Sequence[str], source: str, target: str) -> tuple[str, ...]:
    """The tags of the same spans in another scheme; invalid sequences are read as by conlleval.

    >>> convert(["I-person", "I-person", "B-person"], "IOB1", "BIO")
    ('B-person', 'I-person', 'B-person')
    """
    return tags_of(spans(tags, source), len(tags), target)


def repair(tags: Sequence[str], scheme: str) -> tuple[str, ...]:
    """A valid sequence with the spans that conlleval reads; a valid one is given back as it is.

    >>> repair(["I-person", "I-place", "O"], "BIO")
    ('B-person', 'B-place', 'O')
    """
    return convert(tags, scheme, scheme)


def allowed(previous: str | None, tag: str | None, scheme: str) -> bool:
    """Whether a tag may follow another in a scheme.

    Args:
        previous: None for the start of a sentence.
        tag: None for its end.

    >>> allowed("B-person", "I-person", "BIO"), allowed(None, "I-person", "BIO")
    (True, False)
    >>> allowed("B-person", None, "BIOES")
    False
    """
    before, kind_before = _parts(OUTSIDE if previous is None else previous, scheme)
    if tag is not None and not _known(tag, scheme):
        return False
    prefix, kind = _parts(OUTSIDE if tag is None else tag, scheme)
    within = before in "BI" and kind == kind_before
    if scheme == "IO":
        return True
    if scheme == "IOB1":
        return prefix != "B" or within
    if scheme == "BIO":
        return prefix != "I" or within
    return within if prefix in "IE" else before not in "BI"


def invalid_at(tags: Sequence[str], scheme: str) -> tuple[int, ...]:
    """The positions of the tags that may not follow the tag before them.

    If the sentence may not end after its last tag, this is the position of the last tag. Unknown
    tags are invalid.

    >>> invalid_at(["I-person", "O", "B-place", "I-person"], "BIO")
    (0, 3)
    """
    assert scheme in SCHEMES, scheme
    pairs = zip((None, *tags), tags, strict=False)
    wrong = [index for index, pair in enumerate(pairs) if not allowed(*pair, scheme)]
    if tags and not allowed(tags[-1], None, scheme) and len(tags) - 1 not in wrong:
        wrong.append(len(tags) - 1)
    return tuple(wrong)


def _strict(tags: Sequence[str], scheme: str) -> tuple[Span, ...]:
    """From each ``B`` or ``S`` as far as prefixes and type go on; with ends, up to ``E``."""
    found: list[Span] = []
    start, kind = -1, ""
    for index, tag in enumerate([*tags, OUTSIDE]):
        prefix, kind_here = _parts(tag, scheme)
        inside = start >= 0 and prefix in "IE" and kind_here == kind
        if start >= 0 and not inside:
            if scheme not in _WITH_ENDS:
                found.append(Span(kind, start, index))
            start = -1
        if prefix == "B":
            start, kind = index, kind_here
        elif prefix == "S":
            found.append(Span(kind_here, index, index + 1))
        elif inside and prefix == "E":
            found.append(Span(kind, start, index + 1))
            start = -1
    return tuple(found)


def _strict_iob1(tags: Sequence[str]) -> tuple[Span, ...]:
    """As seqeval reads IOB1: a ``B`` counts only after a word of its type, and ends it."""
    found: list[Span] = []
    start, before, kind_before = -1, OUTSIDE, ""
    for index, tag in enumerate([*tags, OUTSIDE]):
        prefix, kind = _parts(tag, "IOB1")
        if start >= 0 and prefix == "I" and kind == kind_before:
            before = prefix
            continue
        if start >= 0 and not (before == prefix == "B" and kind != kind_before):
            found.append(Span(kind_before, start, index))
        same = kind == kind_before and before != OUTSIDE
        begins = (prefix == "B" and same) or (prefix == "I" and (before != "I" or not same))
        start = index if begins else -1
        before, kind_before = prefix, kind
    return tuple(found)


@lru_cache(maxsize=4096)
def _split(tag: str) -> tuple[str, str]:
    """Prefix and type of a tag of any scheme; two empty strings if it belongs to none."""
    prefix, hyphen, kind = tag.partition("-")
    if tag == OUTSIDE or (prefix and prefix in ("B", "I", "E", "S", "L", "U") and bool(kind) == bool(hyphen)):
        return prefix, kind
    return "", ""


def _known(tag: str, scheme: str) -> bool:
    prefix = _split(tag)[0]
    return prefix == OUTSIDE or (prefix != "" and prefix in _PREFIXES[scheme])


def _parts(tag: str, scheme: str) -> tuple[str, str]:
    """Prefix and type of a tag, in terms of BIOES; outside if the scheme does not have it."""
    prefix, kind = _split(tag)
    if prefix == OUTSIDE or not prefix or prefix not in _PREFIXES[scheme]:
        return OUTSIDE, ""
    return _AS_BIOES.get(prefix, prefix), kind
