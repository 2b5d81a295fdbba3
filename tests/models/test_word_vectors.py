"""What word vectors answer; figures of small tables by hand."""

import numpy as np
import pytest

from elman.data.vocabulary import Vocabulary
from elman.errors import FolderError, UsageError
from elman.models.vectors.subwords import subword_buckets
from elman.models.word_vectors import Subwords, WordVectors, largest

WORDS = ["north", "east", "northeast", "south", "origin"]


@pytest.fixture
def vectors() -> WordVectors:
    matrix = np.array([[0, 2], [1, 0], [3, 3], [0, -1], [0, 0]], np.float32)
    return WordVectors(Vocabulary(WORDS, [5, 4, 3, 2, 1]), matrix, lowercase=True)


def test_cosines_by_hand(vectors: WordVectors) -> None:
    half = np.sqrt(0.5)
    assert vectors.similarity("north", "northeast") == pytest.approx(half)
    assert vectors.similarity("North", "SOUTH") == pytest.approx(-1)
    assert vectors.similarity("origin", "north") == 0
    assert vectors.most_similar("north", topn=2) == [("northeast", pytest.approx(half)), ("east", 0)]
    assert [word for word, _ in vectors.most_similar("north", topn=99)] == ["northeast", "east", "origin", "south"]
    # (north + east) / sqrt 2, without its own words
    assert vectors.most_similar(["north", "east"], topn=1) == [("northeast", pytest.approx(1))]
    assert vectors.most_similar(negative=["south"], topn=1) == [("north", pytest.approx(1))]
    assert vectors.most_similar(np.array([0, -5.0]), topn=1) == [("south", pytest.approx(1))]
    # of northeast: (1 + half) / 2 for north times the same for east, over (1 - half) / 2 for south
    wanted = ((1 + half) / 2) ** 2 / ((1 - half) / 2 + 1e-6)
    found = vectors.most_similar(["north", "east"], ["south"], method="mul")
    assert found[0] == ("northeast", pytest.approx(wanted, rel=1e-5))
    assert vectors.most_similar_cosmul(["north", "east"], ["south"]) == found
    # mean of (0, 2) and (1, 0) against mean of (3, 3)
    assert vectors.n_similarity(["north", "east"], ["northeast"]) == pytest.approx(1.5 / np.sqrt(1.25 * 2))
    assert vectors.doesnt_match(["north", "northeast", "south", "never seen"]) == "south"


def test_as_a_mapping(vectors: WordVectors) -> None:
    assert "North" in vectors and "west" not in vectors and 3 not in vectors and len(vectors) == 5
    assert vectors["east"].tolist() == [1, 0] and vectors[["east", "north"]].tolist() == [[1, 0], [0, 2]]
    with pytest.raises(KeyError, match="'nroth' has no vector; words spelled nearly so: north"):
        vectors["nroth"]
    with pytest.raises(UsageError, match="nothing like it"):
        vectors.similarity("north", "zzz")


@pytest.mark.parametrize(
    "call",
    [
        lambda v: v.most_similar(),
        lambda v: v.most_similar("north", topn=0),
        lambda v: v.most_similar("north", method="div"),
        lambda v: v.n_similarity([], ["north"]),
        lambda v: v.n_similarity("north", ["north"]),
        lambda v: v.doesnt_match(["never", "seen"]),
        lambda v: v[3],
    ],
)
def test_wrong_questions(vectors: WordVectors, call) -> None:
    with pytest.raises((UsageError, TypeError)):
        call(vectors)


def test_unknown_words_have_vectors_of_subwords() -> None:
    _, buckets = subword_buckets(["abc"], smallest=3, largest=3, buckets=1000)  # <ab abc bc>
    order = np.argsort(buckets)
    rows = np.array([[1, 0], [0, 1], [5, 5]], np.float32)
    subwords = Subwords(rows[order], buckets[order], sizes=(3, 3), count=1000)
    vectors = WordVectors(Vocabulary(["x"], [1]), np.ones((1, 2), np.float32), subwords=subwords)
    assert "abd" not in vectors and vectors["abd"].tolist() == [1, 0]  # only <ab is known
    assert vectors["abc"].tolist() == [2, 2] and vectors["abcd"].tolist() == [0.5, 0.5]  # <ab and abc
    assert vectors.similarity("abd", "x") == pytest.approx(np.sqrt(0.5))
    with pytest.raises(KeyError):
        vectors["zzzz"]


def test_ties_come_in_the_order_of_rows() -> None:
    scores = np.array([1, 2, 2, 2, 0], np.float32)
    assert largest(scores, 2) == [1, 2] and largest(scores, 9) == [1, 2, 3, 0, 4]


@pytest.mark.parametrize("data", [b"", b"a\n", b"a\t1\na\t2\n", b"a\tx\n", b"a\t-1\n", b"\xff\t1\n"])
def test_damaged_vocabularies(data: bytes) -> None:
    with pytest.raises(FolderError):
        Vocabulary.from_bytes(data)
    odd = Vocabulary(["a\u2028b", "c d", "e"], [3, 2, 0])
    assert Vocabulary.from_bytes(odd.to_bytes()).words == odd.words
