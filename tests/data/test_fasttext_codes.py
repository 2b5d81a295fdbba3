"""Quantised files of fastText, written by hand as its program writes them."""

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.data.test_fasttext_binary import BUCKETS, SIZE, WORDS, binary, bucket

import elman
from elman.data.fasttext_binary import read_fasttext_binary
from elman.errors import TextError

RANDOM = np.random.default_rng(6)
KEPT = {bucket(gram): place for place, gram in enumerate(("<k", "ki", "ng>"))}
"""Buckets that have a row, and their places behind the words."""
ROWS = len(WORDS) + len(KEPT)
CENTROIDS = [RANDOM.standard_normal((256, size)).astype("<f4") for size in (2, 1)]
CODES = RANDOM.integers(0, 256, (ROWS, 2), np.uint8)
LENGTHS, LENGTH_CODES = RANDOM.random((256, 1)).astype("<f4"), RANDOM.integers(0, 256, ROWS, np.uint8)
WHOLE = np.stack([[*CENTROIDS[0][one], *CENTROIDS[1][other]] for one, other in CODES])


def quantised(
    *,
    apart: int = 1,
    head: tuple[int, ...] = (3, 2, 2, 1),
    codes: int = CODES.size,
    end: int | None = None,
    **more: Any,
) -> bytes:
    """A file whose rows are cut into parts of two numbers and one."""
    start = binary(**{"quantised": 1, "pruned": len(KEPT), "matrix": np.zeros((0, SIZE), "<f4"), **more})
    kept = b"".join(struct.pack("<2i", number, place) for number, place in KEPT.items())
    # Behind the matrix, which has no rows here, stands that of training; before it, its sizes.
    place = len(start) - struct.calcsize("<B2q") - 4 * len(WORDS) * SIZE - struct.calcsize("<B2q")
    data = struct.pack("<BB2qi", 1, apart, more.get("rows", ROWS), SIZE, codes) + CODES.tobytes()
    data += struct.pack("<4i", *head) + b"".join(each.tobytes() for each in CENTROIDS)
    if apart:
        data += LENGTH_CODES.tobytes() + struct.pack("<4i", 1, 1, 1, 1) + LENGTHS.tobytes()
    return (start[:place] + kept + data)[:end]


@pytest.mark.parametrize("apart", [0, 1])
def test_rows_are_put_together_from_centroids(tmp_path: Path, apart: int) -> None:
    path = tmp_path / "v.ftz"
    path.write_bytes(quantised(apart=apart))
    rows = WHOLE * LENGTHS[LENGTH_CODES] if apart else WHOLE
    vectors = elman.load(path)
    behind = [len(WORDS) + KEPT[bucket(gram)] for gram in ("<k", "ki", "ng>")]
    grams = ["<king>"[at : at + size] for at in range(6) for size in (2, 3, 4) if at + size <= 6]
    found = [len(WORDS) + KEPT[bucket(gram)] for gram in grams if bucket(gram) in KEPT]
    assert set(behind) <= set(found)
    np.testing.assert_allclose(vectors["king"], rows[[1, *found]].mean(axis=0), atol=1e-6)
    unknown = [bucket(gram) for gram in ("<k", "ki", "<ki", "i>", "ki>", "<ki>")]
    wanted = rows[[len(WORDS) + KEPT[each] for each in unknown if each in KEPT]].mean(axis=0)
    np.testing.assert_allclose(vectors["ki"], wanted, atol=1e-6)


def test_some_words_alone_have_the_same_vectors(tmp_path: Path) -> None:
    path = tmp_path / "v.ftz"
    path.write_bytes(quantised())
    file = read_fasttext_binary(path)
    assert file.only({"king", "a", "other"}).words == ("king", "a")
    assert file.rows_of(np.arange(BUCKETS)).tolist() == [
        len(WORDS) + KEPT[number] if number in KEPT else -1 for number in range(BUCKETS)
    ]


HOSTILE: list[dict[str, Any]] = [
    {"apart": 2}, {"head": (3, 3, 2, 1)}, {"head": (3, 2, 2, 2)}, {"head": (3, 2, 0, 1)}, {"head": (4, 2, 2, 2)},
    {"head": (3, 1, 2**31 - 1, 3)}, {"codes": -1}, {"codes": 2**31 - 1}, {"codes": 15}, {"rows": 2**62}, {"rows": 3},
    {"pruned": 2}, {"pruned": 0}, {"pruned": 11},
]  # fmt: skip


@pytest.mark.parametrize("changed", HOSTILE, ids=str)
def test_hostile_sizes_are_one_line(tmp_path: Path, changed: dict[str, Any]) -> None:
    path = tmp_path / "v.ftz"
    path.write_bytes(quantised(**changed))
    with pytest.raises(TextError) as error:
        elman.load(path)
    assert "damaged" in str(error.value) and "\n" not in str(error.value) and str(path) in str(error.value)


def test_every_file_that_is_cut_off_is_one_line(tmp_path: Path) -> None:
    path, whole = tmp_path / "v.ftz", quantised()
    for size in [*range(8, 400, 3), *range(400, len(whole), 97), len(whole) - 1]:
        path.write_bytes(whole[:size])
        with pytest.raises(TextError):
            read_fasttext_binary(path)
