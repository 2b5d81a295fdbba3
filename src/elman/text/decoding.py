"""Bytes of a source into raw lines: decompressing, decoding, line ends, block by block.

A raw line has lost its line end and a byte-order mark before it, nothing else; an exact line has
both. A source of any size, or a line of any length, costs a few blocks of memory and one line.
"""

import bz2
import codecs
import gzip
import io
import itertools
import lzma
import re
import sys
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO

from elman.errors import TextError, UsageError
from elman.text.binary_files import SNIFFED, binary_kind, has_controls
from elman.text.decoding_errors import ByteSurvey
from elman.text.encoding_guess import wide_encoding
from elman.text.remote import open_address
from elman.text.sources import Source

_BLOCK = 1 << 18
_AFTER_LINE_END = re.compile("(?<=\n)|(?<=\r)(?!\n)")
_OPENERS = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}


def check_encoding(encoding: str) -> None:
    """Raise unless Python knows a text encoding of this name.

    >>> check_encoding("utf-9")
    Traceback (most recent call last):
    ...
    elman.errors.UsageError: encoding is 'utf-9', which Python does not know; try utf-8, latin-1,
    cp1252 or utf-16

    Raises:
        UsageError: it does not, or the codec is not for text (base64).
    """
    try:
        b"\0\0\0\0".decode(encoding)
        codecs.getincrementaldecoder(encoding)
    except UnicodeError:
        return
    except (LookupError, ValueError):
        raise UsageError(
            f"encoding is {encoding!r}, which Python does not know; try utf-8, latin-1, cp1252 or utf-16",
            field="encoding",
        ) from None


def raw_lines(
    source: Source,
    *,
    encoding: str,
    advance: Callable[[int], None],
    before_read: Callable[[], None] = lambda: None,
    exact: bool = False,
) -> Iterator[str]:
    """The lines of a file or of standard input, without their line ends.

    Args:
        exact: keep line ends, as they are there, and a byte-order mark, so that the lines together
            are the text of the file.
        advance: called with the bytes on disk that were read since the last call.
        before_read: called before each read, which may wait; all lines that came before have been
            taken by then.

    Raises:
        TextError: unreadable, damaged, binary, or not in that encoding.
        UsageError: Python does not know the encoding.
    """
    parts: list[str] = []
    for text in _decoded(source, encoding=encoding, advance=advance, before_read=before_read, exact=exact):
        pieces = _AFTER_LINE_END.split(text) if exact else text.split("\n")
        if len(pieces) > 1:
            parts.append(pieces[0])
            first = "".join(parts)
            parts.clear()  # before others work on a line, so that a long one is there once
            yield first
            del first
            yield from pieces[1:-1]
        parts.append(pieces[-1])
    last = "".join(parts)
    parts.clear()
    if last:
        yield last


def _decoded(
    source: Source,
    *,
    encoding: str,
    advance: Callable[[int], None],
    before_read: Callable[[], None],
    exact: bool,
) -> Iterator[str]:
    check_encoding(encoding)
    codec = codecs.lookup(encoding).name
    wide = codec.startswith(("utf-16", "utf-32"))
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    line_ends = io.IncrementalNewlineDecoder(None, translate=not exact)
    offset, first = 0, True
    blocks = _blocks(source, advance, before_read)
    for block in blocks:
        kind = binary_kind(block) if offset == 0 else None
        if kind is not None and not source.given:
            return
        if kind is not None:
            raise TextError(f"{source.name} is {kind.what}, not text; {kind.advice}")
        if offset == 0 and not wide:
            if codec.startswith("utf-8") and block.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                name = _wide_name(block)
                raise TextError(f"{source.name}: {name.upper()} text, not {encoding}; try --encoding {name}")
            if not source.given and b"\0" in block[:SNIFFED] and wide_encoding(block[:SNIFFED]) is None:
                return
        pending = len(decoder.getstate()[0])
        try:
            text = decoder.decode(block, final=not block)
            if not codec.startswith("utf-8"):
                text.encode()  # Some encodings can produce lone surrogates.
        except UnicodeDecodeError as error:
            where = _where(source, encoding, error, offset - pending + error.start)
            sample = block[:SNIFFED]
            if has_controls(sample) and wide_encoding(sample) is None:
                raise TextError(f"{where}, and it has control characters: binary, not text; leave it out") from error
            rest = itertools.chain([error.object, b""] if not block else [error.object], blocks)
            again = _blocks(source, advance=lambda amount: None, before_read=lambda: None)
            survey = ByteSurvey.of(again if source.kind == "file" else rest)
            raise TextError(f"{where}; {survey.advice(encoding)}") from error
        except UnicodeError as error:
            raise TextError(f"{source.name}: not valid {encoding}; give its encoding with --encoding") from error
        if "\0" in text:
            likely = None if wide else wide_encoding(block)
            if likely is not None:
                raise TextError(f"{source.name}: {likely[:6].upper()} text, not {encoding}; try --encoding {likely}")
            place = "" if wide else f" (byte {offset + block.index(0)})"
            raise TextError(f"{source.name}: binary, not text: it has NUL characters{place}; leave this file out")
        text = line_ends.decode(text, final=not block)
        if first and text and not exact:
            text, first = text.removeprefix("\ufeff"), False
        yield text
        offset += len(block)


def _blocks(source: Source, advance: Callable[[int], None], before_read: Callable[[], None]) -> Iterator[bytes]:
    """Decompressed blocks; an empty one marks a complete file."""
    if source.kind == "stdin":
        if sys.stdin is None:
            raise TextError("standard input is closed; name a file instead of -")
        yield from _read_all(sys.stdin.buffer, source, sys.stdin.buffer, lambda amount: None, before_read)
        return
    with _opened(source) as file:
        if source.compression:
            with _OPENERS[source.compression](file) as opened:
                yield from _read_all(opened, source, file, advance, before_read)
        else:
            yield from _read_all(file, source, file, advance, before_read)


def _opened(source: Source) -> BinaryIO:
    if source.kind == "remote":
        return open_address(source.name)
    assert source.path is not None
    try:
        return open(source.path, "rb")
    except OSError as error:
        raise TextError(f"{source.name}: cannot be opened ({error.strerror}); check its permissions") from error


def _read_all(
    opened, source: Source, file: BinaryIO, advance: Callable[[int], None], before_read: Callable[[], None]
) -> Iterator[bytes]:
    told, measured = 0, source.path is not None and file.seekable()
    block = b"more"
    while block:
        before_read()
        try:
            # What a pipe or a terminal has by now; `read` would wait for a whole block.
            block = opened.read1(_BLOCK)
        except (EOFError, zlib.error, lzma.LZMAError) as error:
            raise TextError(_damaged(source)) from error
        except OSError as error:
            # The gzip and bz2 modules report damage as an OSError without an errno.
            if error.errno is None:
                raise TextError(_damaged(source)) from error
            raise TextError(f"{source.name}: cannot be read ({error.strerror}); copy the file again") from error
        if measured:
            advance(file.tell() - told)
            told = file.tell()
        yield block


def _wide_name(block: bytes) -> str:
    return "utf-32" if block.startswith(codecs.BOM_UTF32_LE) else "utf-16"


def _where(source: Source, encoding: str, error: UnicodeDecodeError, offset: int) -> str:
    stream = "decompressed byte" if source.compression else "byte"
    return f"{source.name}: not valid {encoding} at {stream} {offset} (0x{error.object[error.start]:02x})"


def _damaged(source: Source) -> str:
    kind = source.compression.removeprefix(".")
    return f"{source.name}: damaged or cut off, or no {kind} file at all; copy it again, or decompress it by hand"
