"""A file of fastText, written by hand as its program writes it: words, subwords, and hostile
sizes."""

import gzip
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import elman
from elman.data import pretrained_vectors
from elman.data.fasttext_binary import is_fasttext_binary, read_fasttext_binary
from elman.errors import TextError
from elman.models.vectors import fasttext_file
from elman.models.word_vectors import UnknownWord

WORDS: list[tuple[bytes, int]] = [(b"</s>", 9), (b"king", 7), ("née".encode(), 3), (b"\xff\xfe", 2), (b"a", 1)]
BUCKETS, SIZE = 11, 3
ROWS = np.random.default_rng(5).standard_normal((len(WORDS) + BUCKETS, SIZE)).astype("<f4")


def binary(
    words: list[tuple[bytes, int]] = WORDS,
    *,
    labels: int = 0,
    ngrams: tuple[int, int] = (2, 4),
    buckets: int = BUCKETS,
    matrix: Any = ROWS,
    magic: int = 793712314,
    version: int = 12,
    model: int = 2,
    pruned: int = -1,
    quantised: int = 0,
    **sizes: int,
) -> bytes:
    dimensions, rows = sizes.get("dimensions", SIZE), sizes.get("rows", len(matrix))
    data = struct.pack("<2i", magic, version)
    data += struct.pack("<12id", dimensions, 5, 5, 1, 5, 1, 2, model, buckets, *ngrams, 100, 1e-4)
    entries = sizes.get("entries", len(words) + labels)
    data += struct.pack("<3i2q", entries, sizes.get("known", len(words)), labels, 100, pruned)
    for word, count in words:
        data += word + b"\0" + struct.pack("<qb", count, 0)
    for number in range(labels):
        data += b"__label__%d\0" % number + struct.pack("<qb", 4, 1)
    data += struct.pack("<B2q", quantised, rows, sizes.get("columns", dimensions)) + matrix.tobytes()
    return data + struct.pack("<B2q", 0, len(words), dimensions) + bytes(4 * len(words) * SIZE)


def bucket(text: str) -> int:
    """FNV-1a as the program computes it: bytes are signed there."""
    mixed = 2166136261
    for byte in text.encode():
        mixed = (mixed ^ (byte if byte < 128 else byte | 0xFFFFFF00)) * 16777619 % 2**32
    return mixed % BUCKETS


def mean(word: str, row: int | None) -> Any:
    marked = f"<{word}>"
    grams = [marked[at : at + size] for at in range(len(marked)) for size in (2, 3, 4) if at + size <= len(marked)]
    rows = [] if row is None else [row]
    return ROWS[[*rows, *(len(WORDS) + bucket(gram) for gram in grams)]].mean(axis=0)


def test_words_have_the_means_of_their_subwords(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "v.bin"
    path.write_bytes(binary(labels=2))
    assert is_fasttext_binary(path)
    for numbers in (1 << 24, 40):  # all words at once, and one word in several parts
        monkeypatch.setattr(fasttext_file, "_BLOCK_NUMBERS", numbers)
        vectors = elman.load(path)
        assert vectors.words == ("</s>", "king", "née", "a") and vectors.vocabulary.counts.tolist() == [9, 7, 3, 1]
        assert np.array_equal(vectors["</s>"], ROWS[0])
        for word, row in (("king", 1), ("née", 2), ("a", 4)):
            assert np.allclose(vectors[word], mean(word, row), atol=1e-6), word
        assert "kings" not in vectors and np.allclose(vectors["kings"], mean("kings", None), atol=1e-6)
        assert np.array_equal(vectors["KING"], vectors["king"])


def test_without_subwords_unknown_words_have_no_vector(tmp_path: Path) -> None:
    path = tmp_path / "v.bin"
    for data in (
        binary(ngrams=(0, 0), buckets=0, matrix=ROWS[:5]),
        binary(pruned=0),
        binary(version=11, model=3),
    ):
        path.write_bytes(data)
        vectors = elman.load(path)
        assert np.array_equal(vectors[["king", "a"]], ROWS[[1, 4]])
        with pytest.raises(UnknownWord):
            vectors["kings"]


HUGE = 2**31 - 1
HOSTILE: dict[str, dict[str, Any]] = {
    "version 13": {"version": 13},
    "its codes are damaged": {"quantised": 1},
    "not finite": {"matrix": np.where(ROWS[-1, -1] == ROWS, np.inf, ROWS).astype("<f4")},
    "n-grams of 9 to 3": {"ngrams": (9, 3)},
    "n-grams of 1 to 2147483647": {"ngrams": (1, HUGE)},
    "none of its words": {"words": [(b"\xff", 1)], "matrix": ROWS[: BUCKETS + 1]},
}
SIZES: list[dict[str, Any]] = [
    {"dimensions": HUGE}, {"dimensions": 0}, {"columns": 4}, {"rows": 2**62}, {"rows": -1}, {"buckets": HUGE},
    {"buckets": -1}, {"entries": HUGE, "known": HUGE}, {"entries": 6}, {"entries": 4, "known": 4}, {"known": 0},
    {"labels": -1}, {"pruned": -2}, {"pruned": 3}, {"pruned": HUGE}, {"quantised": 2},
    {"words": [(b"x" * 5000, 1)], "matrix": ROWS[: BUCKETS + 1]},
    {"words": [(b"x", -1)], "matrix": ROWS[: BUCKETS + 1]}, {"buckets": HUGE, "rows": HUGE + 5},
]  # fmt: skip


@pytest.mark.parametrize(("said", "changed"), [*HOSTILE.items(), *(("damaged", each) for each in SIZES)], ids=str)
def test_hostile_files_are_one_line(tmp_path: Path, said: str, changed: dict[str, Any]) -> None:
    path = tmp_path / "v.bin"
    path.write_bytes(binary(**changed))
    with pytest.raises(TextError) as error:
        read_fasttext_binary(path)
    assert said in str(error.value) and "\n" not in str(error.value) and str(path) in str(error.value)


def test_every_file_that_is_cut_off_is_one_line(tmp_path: Path) -> None:
    whole, path = binary(), tmp_path / "v.bin"
    behind = len(struct.pack("<B2q", 0, 0, 0)) + 4 * len(WORDS) * SIZE
    for size in range(4, len(whole) - behind):
        path.write_bytes(whole[:size])
        with pytest.raises(TextError):
            read_fasttext_binary(path)
    path.write_bytes(whole[: len(whole) - behind])
    assert read_fasttext_binary(path).known == len(WORDS)


def test_by_the_command(cli: Any, tmp_path: Path) -> None:
    path = tmp_path / "v.bin"
    path.write_bytes(binary())
    assert cli("similar", path, "kings", "-n", "1").out.split()[0] in ("king", "née", "a", "</s>")
    assert -1 <= float(cli("similar", path, "king", "queen").out) <= 1
    assert cli("export", path, "--to", "glove", "--out", tmp_path / "v.txt").code == 0
    assert np.array_equal(elman.load(tmp_path / "v.txt")["king"], elman.load(path)["king"])
    (tmp_path / "v.bin.gz").write_bytes(gzip.compress(path.read_bytes()))
    assert cli("similar", tmp_path / "v.bin.gz", "kings").out == cli("similar", path, "kings").out
    for data, said in (
        (gzip.compress(path.read_bytes() + bytes(1 << 23)), "unpacks to over 100 times"),
        (gzip.compress(path.read_bytes())[:-20], "damaged or cut off"),
    ):
        (tmp_path / "v.bin.gz").write_bytes(data)
        done = cli("similar", tmp_path / "v.bin.gz", "king")
        assert done.code == 2 and said in done.err and done.err.count("\n") == 1, done.err
    (tmp_path / "v.vec").write_text("2 3\nking 1 0 0\nqueen 1 1 0\n")
    assert cli("similar", tmp_path / "v.vec", "king").out.split() == ["queen", "0.7071"]


def test_what_files_of_vectors_begin_with(tmp_path: Path, ngram_folder: Path) -> None:
    path = tmp_path / "x"
    for data, wanted in (
        (b"2 3\nking 1 0 0\n", True),
        (b"king 1 0 0.5\n", True),
        (gzip.compress(b"king 1 0 0.5\n"), True),
        (b"\\data\\\nngram 1=3\n", False),
        (b"made by x\n\n\\data\\\nngram 1=3\n", False),
        (gzip.compress(b"\\data\\\n"), False),
        (b"\x1f\x8bnot gzip", False),
        (b"", False),
    ):
        path.write_bytes(data)
        assert pretrained_vectors.is_vector_file(path) == wanted and not is_fasttext_binary(path), data
