"""Files that are no text, recognised by their first bytes, and what to do with each kind."""

import re
from typing import NamedTuple

SNIFFED = 1 << 13
"""So many first bytes are looked at."""
_ARRAY = "write one text a line into a file"
_MEDIA = "leave it out"
_PICTURE = "pictures are for elman train --task caption, which reads a file of their names and captions"
_TABLE = "save it as .csv, .tsv or .jsonl first"
_UNPACK = "unpack it first"
_CONTROL_NEAR = rb"(?=.{0,31}[\0-\x08\x0e-\x1a\x1c-\x1f])"
"""After signatures of letters alone, which a text may begin with."""
_KINDS = (
    (rb"\x89PNG\r\n\x1a\n", "a PNG picture", _PICTURE),
    (rb"\xff\xd8\xff", "a JPEG picture", _PICTURE),
    (rb"(?:GIF8[79]a|RIFF.{4}WEBP)" + _CONTROL_NEAR + rb"|BM.{4}\0{4}|II\*\0|MM\0\*", "a picture", _PICTURE),
    (rb"%PDF-\d", "a PDF document", "convert it to text first, as with pdftotext"),
    (rb"PK\x03\x04|PK\x05\x06", "a ZIP archive, as Office documents are",
     "save a document as plain text, a table as .csv, and unpack other archives"),
    (rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Office document", "save it as plain text, or a table as .csv"),
    (rb"\x1f\x8b\x08", "compressed by gzip", "let its name end with .gz"),
    (rb"BZh[1-9]1AY&SY", "compressed by bzip2", "let its name end with .bz2"),
    (rb"\xfd7zXZ\0", "compressed by xz", "let its name end with .xz"),
    (rb"\x28\xb5\x2f\xfd", "compressed by zstd", "decompress it first, as with zstd -d"),
    (rb"7z\xbc\xaf\x27\x1c|Rar!\x1a\x07|.{257}ustar(?:  )?\0", "an archive", _UNPACK),
    (rb"\x93NUMPY", "a NumPy array", _ARRAY),
    (rb"\x89HDF\r\n\x1a\n", "an HDF5 file", _ARRAY),
    (rb"[^\0]{1,3}\0{5,7}\{\"", "a safetensors file of arrays", "name text, not a model's weights"),
    (rb"PAR1" + _CONTROL_NEAR + rb"|ARROW1\0", "a table of Parquet or Arrow", _TABLE),
    (rb"SQLite format 3\0", "an SQLite database", _TABLE),
    (rb"\x7fELF|MZ.\0|\xca\xfe\xba\xbe|[\xce\xcf]\xfa\xed\xfe", "a program", _MEDIA),
    (rb"RIFF.{4}WAVE" + _CONTROL_NEAR + rb"|ID3[\x02-\x04]\0|OggS\0|fLaC\0", "a sound", _MEDIA),
    (rb"\0{3}.ftyp|\x1a\x45\xdf\xa3|RIFF.{4}AVI " + _CONTROL_NEAR, "a video", _MEDIA),
)  # fmt: skip
_PATTERNS = [re.compile(pattern, re.DOTALL) for pattern, _, _ in _KINDS]
_CONTROLS = bytes(code for code in range(32) if code not in b"\t\n\v\f\r\x1b")
_MOST_CONTROLS = 0.02
"""Texts have hardly any; of random bytes a tenth are some."""


class BinaryKind(NamedTuple):
    """What a file is, and what to do."""

    what: str
    advice: str


def binary_kind(start: bytes) -> BinaryKind | None:
    """The kind of a file by its first bytes; None if they are of no kind that is known.

    >>> binary_kind(b"%PDF-1.7 ...")
    BinaryKind(what='a PDF document', advice='convert it to text first, as with pdftotext')
    >>> binary_kind("GIFs and PDFs".encode())
    """
    matches = (kind[1:] for pattern, kind in zip(_PATTERNS, _KINDS, strict=True) if pattern.match(start))
    return next((BinaryKind(*kind) for kind in matches), None)


def has_controls(sample: bytes) -> bool:
    """Whether there are more control characters than in text of any encoding of one or two bytes.

    >>> has_controls("naïve\\r\\n".encode("cp1252")), has_controls(bytes(range(256)))
    (False, True)
    """
    return len(sample) - len(sample.translate(None, _CONTROLS)) > _MOST_CONTROLS * len(sample)
