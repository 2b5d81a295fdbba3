"""Files of word vectors, changed at random: a model or one line, never anything else."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from tests.data.test_fasttext_binary import binary
from tests.data.test_fasttext_codes import quantised

from elman.errors import ElmanError
from elman.progress import Progress
from elman.tasks.vectors.model import load_any
from elman.tasks.vectors.type_vectors import type_vectors

NUMBERS = np.random.default_rng(9).standard_normal((3, 4)).astype("<f4")
WORDS = ("king", "née", "a")
TEXT = "".join(f"{word} {' '.join(map(str, row))}\n" for word, row in zip(WORDS, NUMBERS, strict=True)).encode()
PACKED = b"".join(word.encode() + b" " + row.tobytes() + b"\n" for word, row in zip(WORDS, NUMBERS, strict=True))
FILES = {"glove": TEXT, "word2vec": b"3 4\n" + TEXT, "binary": b"3 4\n" + PACKED, "bin": binary(), "ftz": quantised()}
ODD = (
    b"\0", b"\xff", b"\n", b" ", b"nan", b"inf", b"1e999", b"1e30", b"-1", b"9" * 20, b"\xff\xff\xff\x7f", b"\x80" * 8,
    "\u2028".encode(), b"\t",
)  # fmt: skip


def changed(data: bytes, random: np.random.Generator) -> bytes:
    """One to three bytes or pieces changed, put in, left out or repeated; more often near the
    beginning."""
    some = bytearray(data)
    for _ in range(random.integers(1, 4)):
        end = len(some) if random.random() < 0.6 else min(120, len(some))
        at, odd = int(random.integers(0, end + 1)), ODD[random.integers(len(ODD))]
        match random.integers(0, 6):
            case 0 if some:
                some[at % len(some)] = int(random.integers(0, 256))
            case 1:
                del some[at : at + int(random.integers(1, 20))]
            case 2:
                some[at:at] = odd
            case 3:
                del some[at:]
            case 4:
                some[at : at + len(odd)] = odd
            case _:
                some[at:at] = some[at : at + int(random.integers(1, 200))]
    return bytes(some)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", FILES)
def test_changed_files_are_read_or_refused_in_one_line(name: str, packed: bool, tmp_path: Path) -> None:
    random, path, refused = np.random.default_rng(4), tmp_path / "v", 0
    for number in range(40):
        data = changed(FILES[name], random)
        if packed:
            data = gzip.compress(data) if number % 2 else changed(gzip.compress(FILES[name]), random)
        path.write_bytes(data)
        for use in (
            lambda: load_any(path).most_similar("king"),
            lambda: type_vectors(str(path), ["king", "Kings", ""], spread=1.0, progress=Progress()),
        ):
            try:
                use()
            except ElmanError as error:
                refused += 1
                assert "\n" not in str(error) and len(str(error)) < 400 + len(str(path))
    assert 10 < refused < 80
