"""Files that are no text are named by what they are, whatever their suffix says; text is not taken
for them."""

import bz2
import gzip
import io
import lzma
import random
import sqlite3
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save

from elman.errors import TextError
from elman.text.binary_files import binary_kind, has_controls
from elman.text.corpus import CorpusConfig, read_lines
from elman.text.sources import find_sources

NOISE = random.Random(1).randbytes(4000)


def _picture(kind: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (9, 9), "red").save(file, kind)
    return file.getvalue()


def _zip() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("word/document.xml", "<w/>")
    return file.getvalue()


def _tar() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.add(__file__)
    return file.getvalue()


def _array() -> bytes:
    file = io.BytesIO()
    np.save(file, np.arange(9))
    return file.getvalue()


def _database(path: Path) -> bytes:
    with sqlite3.connect(path) as database:
        database.execute("create table a (b)")
    return path.read_bytes()


def test_kinds_by_what_other_tools_write(tmp_path: Path) -> None:
    written = {
        "a PNG picture": _picture("PNG"), "a JPEG picture": _picture("JPEG"), "a ZIP archive": _zip(),
        "an archive": _tar(), "a NumPy array": _array(), "an SQLite database": _database(tmp_path / "database"),
        "a PDF document": _picture("PDF"), "compressed by gzip": gzip.compress(b"a"),
        "compressed by bzip2": bz2.compress(b"a"), "compressed by xz": lzma.compress(b"a"),
        "a safetensors file": save({"a": np.arange(3.0)}),
    }  # fmt: skip
    pictures = {f"a picture, {kind}": _picture(kind) for kind in ("GIF", "BMP", "TIFF", "WEBP")}
    for name, data in (written | pictures).items():
        found = binary_kind(data)
        assert found is not None and found.what.startswith(name.split(",")[0]), name
        (tmp_path / "a.txt").write_bytes(data)
        with pytest.raises(TextError, match=r"a\.txt is .*, not text; .+"):
            list(read_lines(str(tmp_path / "a.txt")))
    # The first bytes of a file of pyarrow.
    table = binary_kind(b"PAR1\x15\x04\x15\x18\x15\x1cL\x15\x06")
    assert table is not None and table.what == "a table of Parquet or Arrow"


@pytest.mark.parametrize(
    "text", ["BMW fährt", "PK ist", "GIF und PDF", "Rar! é", "IIé", "MMé", "RIFFé", "ID3é", "PAR1 é", "ustar", "%PDF"]
)
def test_text_is_not_taken_for_them(tmp_path: Path, text: str) -> None:
    for encoding in ("utf-8", "cp1252", "utf-16", "utf-16-le"):
        data = (text + "\n").encode(encoding) * 40
        assert binary_kind(data) is None
        (tmp_path / "a.txt").write_bytes(data)
        assert len(list(read_lines(str(tmp_path / "a.txt"), config=CorpusConfig(encoding=encoding)))) == 40
    assert not any(has_controls((text + "\r\n").encode(encoding)) for encoding in ("cp1252", "gb18030"))


@pytest.mark.parametrize(
    "text", ["GIF89a is", "GIF87a\n", "PAR1\n", "PAR1 is a golf course", "RIFF1234WAVE is", "a" * 255 + "custard"]
)
def test_letters_alone_are_no_signature(text: str) -> None:
    assert binary_kind(text.encode() + b" and so on.\n" * 9) is None


def test_noise_is_no_encoding(tmp_path: Path) -> None:
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(NOISE))
    with pytest.raises(TextError, match="control characters: binary, not text"):
        list(read_lines(str(tmp_path / "a.txt.gz")))


def test_a_folder_of_pictures_says_what_they_are_for(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.jpg").write_bytes(b"")
    with pytest.raises(TextError, match=r"binary ones \(3 \.jpg\); pictures are for elman train --task caption"):
        find_sources(str(tmp_path))
    # In a folder, a picture under another name is left out, and text is read.
    (tmp_path / "odd").write_bytes(_picture("JPEG"))
    (tmp_path / "b.txt").write_text("one\n")
    assert [line for line, _ in read_lines(str(tmp_path))] == ["one"]
