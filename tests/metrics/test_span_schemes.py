"""Span schemes against seqeval's strict mode and conlleval's reading of invalid sequences."""

import itertools
from collections.abc import Iterator

import pytest

from elman.metrics.span_schemes import (
    SCHEMES,
    Span,
    allowed,
    convert,
    detect_scheme,
    invalid_at,
    repair,
    spans,
    standard_name,
    tags_of,
)

# Tags, the spans that seqeval 1.2.2 finds with mode="strict", and those that conlleval finds
# (2004-01-26; for schemes with ends, seqeval's default mode, since conlleval does not know S, L and
# U).
READ_ELSEWHERE = [
    ("IOB1", "B-B O I-A", "A2:3", "B0:1 A2:3"),
    ("IOB1", "B-B O B-A I-B I-B B-B B-B", "B3:5 B5:6 B6:7", "B0:1 A2:3 B3:5 B5:6 B6:7"),
    ("IOB1", "B-A B-A B-A I-A B-B O I-B", "A1:2 A2:4 B6:7", "A0:1 A1:2 A2:4 B4:5 B6:7"),
    ("IOB1", "O B-B I-B B-B I-B", "B2:3 B3:5", "B1:3 B3:5"),
    ("IOB1", "I-A I-A B-A B-A B-B", "A0:2 A2:3", "A0:2 A2:3 A3:4 B4:5"),
    ("BIO", "O O O I-A B-B", "B4:5", "A3:4 B4:5"),
    ("BIO", "I-B I-A B-B B-A B-A O I-A", "B2:3 A3:4 A4:5", "B0:1 A1:2 B2:3 A3:4 A4:5 A6:7"),
    ("BIO", "I-A I-B B-B I-B B-A", "B2:4 A4:5", "A0:1 B1:2 B2:4 A4:5"),
    ("BIO", "B-A O B-B B-A B-B I-A O", "A0:1 B2:3 A3:4 B4:5", "A0:1 B2:3 A3:4 B4:5 A5:6"),
    ("BIOES", "B-A S-A I-A E-B I-A B-A O", "A1:2", "A0:1 A1:2 A2:3 B3:4 A4:5 A5:6"),
    ("BIOES", "O S-B S-A I-A E-A O B-A", "B1:2 A2:3", "B1:2 A2:3 A3:5 A6:7"),
    ("BIOES", "I-B E-B I-A S-A I-A I-A S-A", "A3:4 A6:7", "B0:2 A2:3 A3:4 A4:6 A6:7"),
    ("BIOES", "E-B O S-A E-B B-A E-B I-A", "A2:3", "B0:1 A2:3 B3:4 A4:5 B5:6 A6:7"),
    ("BILOU", "B-B L-A I-B U-A L-A L-B U-B", "A3:4 B6:7", "B0:1 A1:2 B2:3 A3:4 A4:5 B5:6 B6:7"),
    ("BILOU", "B-B I-B O B-B U-A U-A L-B", "A4:5 A5:6", "B0:2 B3:4 A4:5 A5:6 B6:7"),
    ("BILOU", "I-B B-A L-B L-B I-A U-B O", "B5:6", "B0:1 A1:2 B2:3 B3:4 A4:5 B5:6"),
]
PREFIXES = {"IO": "I", "IOB1": "BI", "BIO": "BI", "BIOES": "BIES", "BILOU": "BILU"}


def read(line: str) -> tuple[Span, ...]:
    parts = ((each[0], *map(int, each[1:].split(":"))) for each in line.split())
    return tuple(Span(*part) for part in parts)


def sequences(scheme: str, *, most: int) -> Iterator[tuple[str, ...]]:
    tags = ["O", *(f"{prefix}-{kind}" for prefix in PREFIXES[scheme] for kind in "AB")]
    for length in range(most + 1):
        yield from itertools.product(tags, repeat=length)


@pytest.mark.parametrize(("scheme", "tags", "strict", "lenient"), READ_ELSEWHERE)
def test_invalid_sequences_are_read_as_elsewhere(scheme: str, tags: str, strict: str, lenient: str) -> None:
    assert spans(tags.split(), scheme, strict=True) == read(strict)
    assert spans(tags.split(), scheme) == read(lenient)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_short_sequence(scheme: str) -> None:
    for tags in sequences(scheme, most=3):
        found = spans(tags, scheme)
        if invalid_at(tags, scheme):
            repaired = repair(tags, scheme)
            assert repaired != tags and not invalid_at(repaired, scheme)
            assert spans(repaired, scheme, strict=True) == found
        else:
            assert spans(tags, scheme, strict=True) == found
            assert repair(tags, scheme) == tags
        for target in SCHEMES[1:]:  # IO would join adjacent spans
            written = convert(tags, scheme, target)
            assert not invalid_at(written, target)
            assert spans(written, target) == found


def test_every_short_sequence_as_seqeval() -> None:
    oracle = pytest.importorskip("seqeval.scheme")
    known = {"IOB1": oracle.IOB1, "BIO": oracle.IOB2, "BIOES": oracle.IOBES, "BILOU": oracle.BILOU}
    for scheme, oracle_scheme in known.items():
        for tags in sequences(scheme, most=3):
            entities = oracle.Tokens(list(tags), oracle_scheme).entities if tags else []
            assert spans(tags, scheme, strict=True) == tuple((each.tag, each.start, each.end) for each in entities)


def test_conversions_by_hand() -> None:
    found = [Span("A", 0, 3), Span("A", 3, 4), Span("B", 4, 5), Span("B", 6, 8)]
    written = {
        "IO": "I-A I-A I-A I-A I-B O I-B I-B",
        "IOB1": "I-A I-A I-A B-A I-B O I-B I-B",
        "BIO": "B-A I-A I-A B-A B-B O B-B I-B",
        "BIOES": "B-A I-A E-A S-A S-B O B-B E-B",
        "BILOU": "B-A I-A L-A U-A U-B O B-B L-B",
    }
    for scheme, tags in written.items():
        assert tags_of(found, 8, scheme) == tuple(tags.split())
    assert spans(written["IO"].split(), "IO")[0] == Span("A", 0, 4)
    assert tags_of([], 2, "BIO") == ("O", "O")


def test_broken_rules_are_found() -> None:
    assert invalid_at(["I-A", "O", "B-A", "I-B", "I-B"], "BIO") == (0, 3)
    assert invalid_at(["I-A", "O", "B-A", "I-B", "B-B"], "IOB1") == (2,)
    # A span that never ends, and one that the end of the sentence cuts.
    assert invalid_at(["B-A", "O", "S-A", "B-A", "I-A"], "BIOES") == (1, 4)
    assert invalid_at(["S-A"], "BIO") == invalid_at(["NOUN"], "BIO") == (0,)
    tags = ("O", "B-A", "S-A", "I-A", "E-A", "E-B", None)
    first, within = ({tag for tag in tags if allowed(before, tag, "BIOES")} for before in (None, "I-A"))
    assert first == {"O", "B-A", "S-A", None} and within == {"I-A", "E-A"}


def test_schemes_are_detected() -> None:
    for scheme in SCHEMES:
        words = [Span("A", 0, 3), Span("A", 3, 4), Span("B", 5, 6)]
        assert detect_scheme([["O"], tags_of(words, 6, scheme)]) == scheme
    assert detect_scheme([]) is detect_scheme([["O", "O"]]) is None
    assert detect_scheme([["B-A", "X-A"]]) is detect_scheme([["O", "I"]]) is detect_scheme([["E-A", "L-A"]]) is None
    assert detect_scheme([["B", "I", "E"], ["S"]]) == "BIOES"  # segments without types
    # One mistake in a file does not change its scheme.
    assert detect_scheme([["I-A", "O"], ["B-A"], ["O", "B-A"]]) == "BIO"
    assert [standard_name(name) for name in ("iob2", "BIOES", "iobes", "biluo", "upos")] == [
        "BIO", "BIOES", "BIOES", "BILOU", None,
    ]  # fmt: skip
