import gzip
import tracemalloc
from contextlib import contextmanager

import numpy as np
import pytest

from elman.data.pretrained_vectors import MOST_DIMENSIONS, read_vectors
from elman.errors import TextError, UsageError
from elman.progress import Progress

GLOVE = "the 0.5 -1.25 3\n, 1e-3 2 .5\ncafé 1 2 3\n"
WORD2VEC = "3 3\n</s> 0 0 0 \nthe 0.5 -1.25 3 \nof 1 2 -3 \n"


def file(tmp_path, data, name="v.txt"):
    path = tmp_path / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def message(tmp_path, data, words=None, **settings):
    path = file(tmp_path, data)
    with pytest.raises(TextError) as caught:
        read_vectors(path, words, **settings)
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix(f"{path}")


def test_glove(tmp_path):
    vectors = read_vectors(file(tmp_path, GLOVE))
    assert vectors.words == ("the", ",", "café")
    assert vectors.matrix.dtype == np.float32
    assert vectors.matrix.tolist() == [[0.5, -1.25, 3], [float(np.float32(1e-3)), 2, 0.5], [1, 2, 3]]
    assert (vectors.total, vectors.duplicates, vectors.skipped) == (3, 0, 0)


def test_word2vec(tmp_path):
    vectors = read_vectors(file(tmp_path, WORD2VEC))
    assert vectors.words == ("</s>", "the", "of")
    assert vectors.matrix.tolist() == [[0, 0, 0], [0.5, -1.25, 3], [1, 2, -3]]
    assert vectors.total == 3


@pytest.mark.parametrize("data", [GLOVE, WORD2VEC, GLOVE.replace("\n", "\r\n"), WORD2VEC.replace(" ", "\t"), GLOVE[:-1],
                                  "\ufeff" + GLOVE, GLOVE + "\n\n", WORD2VEC.replace("3 3", "3  3 ")])  # fmt: skip
@pytest.mark.parametrize("words", [None, {"the"}, ["of", "the", "café", "no"], []])
def test_every_form_of_a_file_gives_the_same(tmp_path, data, words):
    plain = read_vectors(file(tmp_path, data), words)
    expected = read_vectors(file(tmp_path, GLOVE if "café" in data else WORD2VEC), words)
    packed = read_vectors(file(tmp_path, gzip.compress(data.encode(), mtime=0), "v.vec"), words)  # seen by its content
    for found in (plain, packed):
        assert (found.words, found.total) == (expected.words, 3)
        assert found.matrix.tolist() == expected.matrix.tolist()
        assert found.matrix.shape == (len(found.words), 3)


def test_some_words_are_the_rows_of_all(tmp_path):
    rng = np.random.default_rng(0)
    rows = [(f"wörd{n}" if n % 3 else f"word{n}", rng.normal(size=20).astype(np.float32)) for n in range(300)]
    path = file(tmp_path, "".join(f"{word} {' '.join(map(repr, row.tolist()))}\n" for word, row in rows))
    wanted = {word for word, _ in rows[::7]} | {"none"}
    vectors = read_vectors(path, wanted)
    assert vectors.words == tuple(word for word, _ in rows[::7])
    assert np.array_equal(vectors.matrix, np.stack([row for _, row in rows[::7]]))
    assert np.array_equal(read_vectors(path).matrix, np.stack([row for _, row in rows]))
    assert vectors.total == 300


def test_words_that_hold_spaces(tmp_path):
    data = "the 1 2\n. . . 3 4\nat name@domain.com 5 6\nat 7 8\n"
    vectors = read_vectors(file(tmp_path, data))
    assert vectors.words == ("the", ". . .", "at name@domain.com", "at")
    assert vectors.matrix.tolist() == [[1, 2], [3, 4], [5, 6], [7, 8]]
    assert read_vectors(file(tmp_path, data), {"at name@domain.com"}).matrix.tolist() == [[5, 6]]
    assert read_vectors(file(tmp_path, data), {"at"}).matrix.tolist() == [[7, 8]]
    # The first line has no other to go by.
    assert read_vectors(file(tmp_path, ". . . 3 4\nthe 1 2\n")).words == (". . .", "the")


def test_words_that_look_like_numbers(tmp_path):
    vectors = read_vectors(file(tmp_path, "2000 1 2\n1/2 3 4\nnan 5 6\ninf 7 8\nto nan 9 9\n"))
    assert vectors.words == ("2000", "1/2", "nan", "inf", "to nan")


def test_the_first_vector_of_a_word_counts(tmp_path):
    vectors = read_vectors(file(tmp_path, "a 1 1\nb 2 2\na 3 3\nb 4 4\nb 5 5\ncafe\u0301 6 6\ncafé 7 7\n"))
    assert vectors.words == ("a", "b", "café")
    assert vectors.matrix.tolist() == [[1, 1], [2, 2], [6, 6]]
    assert (vectors.total, vectors.duplicates) == (7, 4)
    assert read_vectors(file(tmp_path, "cafe\u0301 6 6\ncafé 7 7\n"), {"café"}).matrix.tolist() == [[6, 6]]


def test_lines_without_a_readable_word_are_counted(tmp_path):
    for words in (None, {"a", "b"}):
        vectors = read_vectors(file(tmp_path, b"a 1 2\n 3 4\n\xff\xfe 5 6\nb 7 8\n"), words)
        assert (vectors.words, vectors.skipped, vectors.total) == (("a", "b"), 2, 4)
        assert vectors.matrix.tolist() == [[1, 2], [7, 8]]


def test_the_first_vectors_only(tmp_path):
    assert read_vectors(file(tmp_path, WORD2VEC), most=2).words == ("</s>", "the")
    assert read_vectors(file(tmp_path, WORD2VEC), {"of"}, most=2).words == ()
    assert read_vectors(file(tmp_path, GLOVE), most=9).total == 3
    with pytest.raises(UsageError, match="most is 0"):
        read_vectors(file(tmp_path, GLOVE), most=0)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("", ", line 1: a vector of 0 numbers; a line must be a word and 1 to 16,384 numbers"),
        ("the cat sat\n", ", line 1: a vector of 0 numbers"),
        ("5 0\n", ", line 1: a vector of 0 numbers"),
        ("5 99999999999\n", ", line 1: a vector of 99999999999 numbers"),
        ("a" + " 1" * (MOST_DIMENSIONS + 1) + "\n", f", line 1: a vector of {MOST_DIMENSIONS + 1} numbers"),
        ("a 1 2\nb 1\n", ", line 2: 1 number, but 2 are expected; mend that line"),
        ("a 1 2\nb 1 2 3\n", ", line 2: 3 numbers, but 2 are expected"),
        ("a 1 2\nb 1 2 3 -4e5\n", ", line 2: 4 numbers, but 2 are expected"),
        ("a 1 2\nb\n", ", line 2: 0 numbers, but 2 are expected"),
        ("a 1 2\n3 4\n", ", line 2: 1 number, but 2 are expected"),
        ("a 1 2\nb 1 x\n", ", line 2: 'x' is no number; mend that line"),
        ("a 1 2\nb 1 nan\n", ", line 2: a value is not finite"),
        ("a 1 2\n\nb inf 1\n", ", line 3: a value is not finite"),
        ("a 1 2\nb 1 1e39\n", ", line 2: a value is not finite, or above 1e+17"),
        ("2 2\na 1 2\nb 1 2 3\n", ", line 3: 3 numbers, but 2 are expected"),
        ("3 2\na 1 2\nb 3 4\n", ": its first line states 3 vectors, and there are 2; copy it again"),
        ("1 2\na 1 2\nb 3 4\n", ": its first line states 1 vectors, and there are 2"),
        ("999999999999999999 2\na 1 2\n", ": its first line states 999,999,999,999,999,999 vectors, and there are 1"),
        (b"2 2\na \0\0\x80?\0\0\0@\n", ": its first line states 2 vectors, and it ends in number 2; copy it again"),
        (b"1 2\na \0\0\x80?\0\0\0@\nb", ": goes on after its 1 vectors"),
        (b"1 2\na \0\0\x80?\0\0\xc0\x7f\n", ": a value of the vector of 'a' is not finite"),
        (b"1 9999999\na \0\0\x80?\0\0\xc0\x7f\n", ": vectors of 9999999 numbers"),
        (b"a 1 \0\n", ": binary, not text; convert it to the text format of word2vec"),
        ("a 1 2\n" + "b" * (1 << 20) + " 1 2\n", ", line 2: longer than 1,048,576 bytes"),
        (gzip.compress(GLOVE.encode(), mtime=0)[:-9], ": damaged or cut off; copy it again"),
        (gzip.compress(GLOVE.encode(), mtime=0)[:20] + b"\xff" * 30, ": damaged or cut off"),
        (b"\x1f\x8bnot gzip", ": damaged or cut off"),
    ],
)
def test_files_that_are_wrong(tmp_path, data, said):
    assert message(tmp_path, data).startswith(said)


def test_wrong_columns_are_found_in_lines_that_are_not_wanted(tmp_path):
    assert message(tmp_path, "a 1 2\nb 1\nc 3 4\n", {"c"}).startswith(", line 2: 1 number,")
    # Their numbers are not parsed.
    assert read_vectors(file(tmp_path, "a 1 2\nb 1 x\nc 3 4\n"), {"c"}).words == ("c",)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(TextError, match=r"none.txt: cannot be read \(No such file or directory\)"):
        read_vectors(tmp_path / "none.txt")
    with pytest.raises(TextError, match="cannot be read"):
        read_vectors(tmp_path)


@pytest.mark.slow
def test_memory_follows_the_words_that_are_wanted(tmp_path):
    path = file(tmp_path, "".join(f"word{n} " + " ".join(["0.25"] * 50) + "\n" for n in range(20_000)))
    tracemalloc.start()
    vectors = read_vectors(path, {"word7", "word19999"})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert vectors.words == ("word7", "word19999") and path.stat().st_size > 5_000_000 and peak < 200_000


def test_progress(tmp_path):
    stages = []

    class Recorded(Progress):
        @contextmanager
        def stage(self, name, *, total=None, unit=""):
            amounts = []
            yield amounts.append
            stages.append((name, total, unit, sum(amounts)))

    path = file(tmp_path, gzip.compress(GLOVE.encode() * 1000, mtime=0))
    read_vectors(path, {"the"}, progress=Recorded())
    size = path.stat().st_size
    assert stages == [("reading v.txt", size, "bytes", size)]
