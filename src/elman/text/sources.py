"""Finds sources of text before reading: files, folders, globs, standard input and built-in
texts.
"""

import dataclasses
import difflib
import glob
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from elman.errors import TextError, UsageError

BUILTINS = ("pydocs",)
"""The texts that come with Python itself, as ``builtin:NAME``."""

COMPRESSED = (".gz", ".bz2", ".xz")
"""Suffixes of files that are decompressed while they are read."""

_BINARY = """
.7z .a .aac .aiff .apk .arrow .avi .avif .bin .bmp .ckpt .class .db .deb .dll .dmg .doc .docx .dylib .egg .eot .epub
.exe .feather .flac .gif .h5 .hdf5 .heic .ico .iso .jar .jpeg .jpg .lz4 .m4a .mat .mid .mkv .mo .mobi .mov .mp3 .mp4
.mpeg .mpg .msi .node .npy .npz .o .obj .odp .ods .odt .ogg .onnx .opus .orc .otf .parquet .pdf .pickle .pkl .png
.ppt .pptx .psd .pt .pth .pyc .pyd .pyo .rar .rpm .safetensors .so .sqlite .sqlite3 .swf .tar .tbz2 .tgz .tif .tiff
.ttf .txz .wasm .wav .webm .webp .whl .wma .wmv .woff .woff2 .xls .xlsx .zip .zst
"""
_OPEN_FILES = ("/dev/fd/", "/proc/self/fd/", "/dev/stdin")
"""What a shell opens for a command, as in ``elman train <(zcat a.gz)``."""
_OWN_FILES = ({"elman-corpus.json"}, {"elman-tokens.json"}, {"config.json", "tokenizer.json"})


@dataclasses.dataclass(frozen=True)
class Source:
    """One source of text."""

    kind: Literal["file", "stdin", "builtin"]
    name: str
    """Its name in errors."""
    path: Path | None = None
    given: bool = True
    """Whether it was named itself; binary content of other files is skipped without an error."""

    @property
    def suffix(self) -> str:
        """The suffix in lower case without that of the compression: ``.jsonl`` for
        ``a.jsonl.gz``.
        """
        return _suffixes(self.name)[0]

    @property
    def compression(self) -> str:
        """``.gz``, ``.bz2``, ``.xz`` or nothing."""
        return _suffixes(self.name)[1]


def find_sources(sources: str | Path | Sequence[str | Path]) -> list[Source]:
    """All files of the sources; folders and globs are sorted, so the order is always the same.

    Raises:
        TextError: something does not exist or holds no text files.
        UsageError: nothing is given, or standard input twice.
    """
    names = [sources] if isinstance(sources, (str, Path)) else list(sources)
    if not names:
        raise UsageError("no text given; name files, folders, globs, - (standard input) or builtin:pydocs")
    all_sources = [source for one in names for source in _find(str(one))]
    check_stdin_once(all_sources)
    return all_sources


def check_stdin_once(sources: Sequence[Source]) -> None:
    """Raise if standard input is given twice.

    Raises:
        UsageError: it is.
    """
    if sum(source.kind == "stdin" for source in sources) > 1:
        raise UsageError("- (standard input) is given twice, but can be read once only; put the text into a file")


def total_bytes(sources: Sequence[Source]) -> int | None:
    """Bytes on disk, for progress; None if the size of a source is unknown."""
    total = 0
    for source in sources:
        if source.path is None or not source.path.is_file():
            return None
        total += source.path.stat().st_size
    return total


def _find(given: str) -> list[Source]:
    if given == "-":
        return [Source("stdin", "standard input")]
    if given.startswith("builtin:"):
        name = given.removeprefix("builtin:")
        if name not in BUILTINS:
            raise TextError(f"{given}: no such built-in text; there is: {', '.join('builtin:' + b for b in BUILTINS)}")
        return [Source("builtin", given)]
    if not given:
        raise TextError("an empty name was given as text; name a file, a folder, - or builtin:pydocs")
    path = Path(given)
    if not os.path.exists(path) and given.startswith("~"):
        path = path.expanduser()
    if path.is_dir():
        return _find_in_folder(path)
    if os.path.exists(path):
        _check_plain(path)
        return [Source("file", str(path), path)]
    if glob.has_magic(given):
        return _find_by_glob(str(path))
    if path.is_symlink():
        _check_plain(path)
    raise TextError(_missing(given, path))


def _find_in_folder(folder: Path) -> list[Source]:
    text_files: list[Source] = []
    for root, folders, names in os.walk(folder, onerror=_refuse):
        if any(marks <= {*names} for marks in _OWN_FILES):
            folders.clear()  # A model folder or a cache is not the user's text.
            continue
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        paths = (Path(root) / name for name in sorted(names))
        text_files += [Source("file", str(path), path, given=False) for path in paths if _text_like(path)]
    if not text_files:
        raise TextError(f"{folder}: no text files in this folder (hidden and binary ones are skipped); name another")
    return text_files


def _find_by_glob(pattern: str) -> list[Source]:
    paths = sorted((Path(name) for name in glob.glob(pattern, recursive=True)), key=lambda path: path.parts)
    text_files = [Source("file", str(path), path, given=False) for path in paths if _text_like(path)]
    if not text_files:
        what = "only folders or binary files match" if paths else "no file matches"
        raise TextError(f"{pattern}: {what}; check the pattern (** looks into folders), or name a folder")
    return text_files


def _text_like(path: Path) -> bool:
    hidden = path.name.startswith(".")
    if hidden or _suffixes(path.name)[0] in _BINARY.split() or path.is_dir():
        return False
    _check_plain(path)
    return True


def _check_plain(path: Path) -> None:
    """Refuse what may never end or never begin: pipes, sockets, devices; and links to nothing."""
    if path.is_file() or str(path).startswith(_OPEN_FILES):
        return
    what = "a pipe, a socket or a device" if os.path.exists(path) else "a link to nothing"
    raise TextError(f"{path} is {what}, not a file of text; leave it out, or pipe the text in and give -")


def _suffixes(name: str) -> tuple[str, str]:
    stem, suffix = os.path.splitext(name.lower())
    return (os.path.splitext(stem)[1], suffix) if suffix in COMPRESSED else (suffix, "")


def _refuse(error: OSError) -> None:
    raise TextError(f"{error.filename}: this folder cannot be read ({error.strerror}); leave it out")


def _missing(given: str, path: Path) -> str:
    if "://" in given:
        return f"{given}: elman reads local files only; download it first and name the file"
    parent = path.parent
    if not parent.is_dir():
        return f"{given}: no such file, and no folder {parent} either; check the path"
    names = sorted(_listing(parent))
    close = difflib.get_close_matches(path.name, names, n=1) or difflib.get_close_matches(
        path.name.lower(), [name.lower() for name in names], n=1
    )
    for name in names:
        if close and name.lower() == close[0].lower():
            return f"{given}: no such file; did you mean {parent / name}?"
    return f"{given}: no such file or folder; check the name"


def _listing(folder: Path) -> Iterator[str]:
    try:
        yield from (name for name in os.listdir(folder) if not name.startswith("."))
    except OSError:
        return
