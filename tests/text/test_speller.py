"""Speller: exact fractions by hand, all strings together have probability 1, damage."""

import json
import math
import struct
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

from elman.errors import FolderError
from elman.text import speller as module
from elman.text.speller import Speller

END, START = 256, 257
WORDS = {" Zoë": 3, " Zo": 1, " Zoran": 2, "": 1, "ab": 5}


class Reference:
    """Witten-Bell by the book, symbol by symbol, in exact fractions."""

    def __init__(self, words: dict[str, int]) -> None:
        self.counts: dict[tuple[int, ...], Counter[int]] = {}
        for word, times in words.items():
            symbols = [START, START, *word.encode(), END]
            for place in range(2, len(symbols)):
                for length in (0, 1, 2):
                    context = tuple(symbols[place - length : place])
                    self.counts.setdefault(context, Counter())[symbols[place]] += times

    def probability(self, symbol: int, context: tuple[int, ...]) -> Fraction:
        shorter = self.probability(symbol, context[1:]) if context else Fraction(1, 257)
        seen = self.counts.get(context)
        if not seen:
            return shorter
        return (seen[symbol] + len(seen) * shorter) / (seen.total() + len(seen))

    def prefix(self, data: bytes) -> Fraction:
        """The probability that a string begins so."""
        symbols = [START, START, *data]
        parts = (self.probability(symbols[i], (symbols[i - 2], symbols[i - 1])) for i in range(2, len(symbols)))
        return math.prod(parts, start=Fraction(1))

    def word(self, data: bytes) -> Fraction:
        context = tuple([START, START, *data][-2:])
        return self.prefix(data) * self.probability(END, context)


def test_nothing_seen_is_uniform() -> None:
    speller = Speller.fit({})
    assert speller.nats("") == pytest.approx(math.log(257), rel=1e-12)
    assert speller.nats("é猫") == pytest.approx(6 * math.log(257), rel=1e-12)


def test_one_word_by_hand() -> None:
    # "a" seen once: after the start "a" (1 of 1, 1 kind), after "a" the end; each symbol once of
    # two, 2 kinds.
    unigram = (1 + 2 * Fraction(1, 257)) / 4
    bigram = (1 + unigram) / 2
    trigram = (1 + bigram) / 2
    assert Speller.fit({"a": 1}).nats("a") == pytest.approx(-2 * math.log(trigram), rel=1e-12)
    # "b" was never seen: what is left over at each order, down to the uniform share of two kinds.
    missing = Fraction(1, 2) * Fraction(1, 2) * Fraction(2, 4) * Fraction(1, 257)
    assert Speller.fit({"a": 1}).nats("b") == pytest.approx(-math.log(missing) - math.log(unigram), rel=1e-12)


@given(
    words=st.dictionaries(st.text("abé", max_size=4), st.integers(1, 5), max_size=6),
    asked=st.text("abcé", max_size=5),
)
@settings(max_examples=60, deadline=None)
def test_equals_the_reference(words: dict[str, int], asked: str) -> None:
    assert Speller.fit(words).nats(asked) == pytest.approx(-math.log(Reference(words).word(asked.encode())), rel=1e-9)


def test_all_strings_together_have_probability_one() -> None:
    speller, reference = Speller.fit(WORDS), Reference(WORDS)
    # The tree of all strings: the root, its 256 children, and the children of three of these.
    children = [bytes([byte]) for byte in range(256)]
    opened = [b" ", b"a", b"Z"]
    grandchildren = [parent + child for parent in opened for child in children]
    spelled = math.fsum(math.exp(-speller.nats(data)) for data in [b"", *children, *grandchildren])
    # What remains lies below the leaves: all that begins so and is longer.
    leaves = [*grandchildren, *(child for child in children if child not in opened)]
    remaining = sum(reference.prefix(leaf) - reference.word(leaf) for leaf in leaves)
    assert spelled + float(remaining) == pytest.approx(1, abs=1e-12)
    assert 0.3 < spelled < 0.7


def test_strings_and_their_bytes_are_the_same() -> None:
    speller = Speller.fit(WORDS)
    assert speller.nats("Zoë") == speller.nats("Zoë".encode())
    for word in ("\0", "\ud83d", "猫" * 2000, "\U0010ffff"):
        assert 0 < speller.nats(word) < math.inf


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Speller.fit(WORDS).to_bytes()
    monkeypatch.setattr(module, "_CHUNK_BYTES", 3)
    assert Speller.fit(WORDS).to_bytes() == whole
    assert Speller.fit(dict(reversed(WORDS.items()))).to_bytes() == whole


def test_exact_bytes() -> None:
    # Start, start, "a" and start, "a", end.
    keys = [(257 * 258 + 257) * 257 + 97, (257 * 258 + 97) * 257 + 256]
    body = struct.pack("<2q", 7, 7), struct.pack("<2I", *sorted(keys))
    data = Speller.fit({"a": 7}).to_bytes()
    header = json.loads(data[8 : 8 + struct.unpack("<Q", data[:8])[0]])
    assert {name: (entry["dtype"], entry["shape"]) for name, entry in header.items()} == {
        "counts": ("I64", [2]),
        "keys": ("U32", [2]),
    }
    assert data.endswith(b"".join(body))


@pytest.mark.parametrize("words", [{}, WORDS])
def test_bytes_and_back(words: dict[str, int]) -> None:
    data = Speller.fit(words).to_bytes()
    again = Speller.from_bytes(data)
    assert again.to_bytes() == data
    for word in ("", " Zora", "猫"):
        assert again.nats(word) == Speller.fit(words).nats(word)


ARRAYS = {"keys": np.array([5, 9], dtype=np.uint32), "counts": np.array([1, 2], dtype=np.int64)}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"keys": np.array([9, 5], dtype=np.uint32)}, "rising order"),
        ({"keys": np.array([5, 5], dtype=np.uint32)}, "rising order"),
        ({"keys": np.array([5, 258 * 258 * 257], dtype=np.uint32)}, "rising order"),
        ({"keys": np.array([5, 9], dtype=np.int64)}, "not two rows of whole numbers"),
        ({"keys": np.array([5], dtype=np.uint32)}, "not two rows of whole numbers"),
        ({"counts": np.array([1, 0], dtype=np.int64)}, "a count is out of range"),
        ({"counts": np.array([1, 2**62], dtype=np.int64)}, "a count is out of range"),
        ({"counts": np.array([1.0, 2.0])}, "not two rows of whole numbers"),
        ({"more": np.array([1.0])}, "does not hold keys and counts"),
    ],
)
def test_damaged_arrays(change: dict[str, np.ndarray], message: str) -> None:
    assert Speller.from_bytes(save(ARRAYS)).nats("a") > 0
    with pytest.raises(FolderError, match=message) as caught:
        Speller.from_bytes(save({**ARRAYS, **change}))
    assert "\n" not in str(caught.value)


def test_damaged_bytes() -> None:
    data = Speller.fit(WORDS).to_bytes()
    for broken in (b"", b"{}", data[:40], data[:-1], data + b"\0", b"\xff" * 200):
        with pytest.raises(FolderError, match=r"^the speller is damaged \("):
            Speller.from_bytes(broken)


def test_numbers_of_a_kind_that_numpy_lacks() -> None:
    header = json.dumps({"keys": {"dtype": "BF16", "shape": [1], "data_offsets": [0, 2]}}).encode()
    with pytest.raises(FolderError, match="the speller is damaged"):
        Speller.from_bytes(struct.pack("<Q", len(header)) + header + b"\0\0")
