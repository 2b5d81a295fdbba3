"""Finds sources of text before reading: files, folders, globs, addresses, standard input and
built-in texts.
"""

import dataclasses
import difflib
import glob
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from elman.errors import TextError, UsageError
from elman.progress import Progress
from elman.text.file_patterns import folder_key, matching_files
from elman.text.remote import find_addresses, is_address

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
_PICTURES = frozenset([".avif", ".bmp", ".gif", ".heic", ".ico", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"])
_OPEN_FILES = ("/dev/fd/", "/proc/self/fd/", "/dev/stdin")
"""What a shell opens for a command, as in ``elman train <(zcat a.gz)``."""
_OWN_FILES = (
    {"elman-corpus.json"},
    {"elman-tokens.json"},
    {"config.json", "tokenizer.json"},
    {"config.json", "model.safetensors"},
)
"""Files that lie together in folders of models and indexes, and in caches."""


@dataclasses.dataclass(frozen=True)
class Source:
    """One source of text."""

    kind: Literal["file", "stdin", "builtin", "remote"]
    name: str
    """Its name in errors."""
    path: Path | None = None
    given: bool = True
    """Whether it was named itself; binary content of other files is skipped without an error."""

    @property
    def key(self) -> object:
        """The same for all names of a file; None if the source is no file that can be read
        again.
        """
        return folder_key(self.path) if self.path is not None and self.path.is_file() else None

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


def find_sources(sources: str | Path | Sequence[str | Path], *, progress: Progress | None = None) -> list[Source]:
    """All files of the sources; folders and globs are sorted, so the order is always the same.

    A file is there once, however many names lead to it. What was left out or followed is said.

    Raises:
        TextError: something does not exist or holds no text files.
        UsageError: nothing is given, or standard input twice.
    """
    names = [sources] if isinstance(sources, (str, Path)) else list(sources)
    if not names:
        raise UsageError("no text given; name files, folders, globs, - (standard input) or builtin:pydocs")
    progress = progress or Progress()
    all_sources = [source for one in names for source in _find(str(one), progress)]
    check_stdin_once(all_sources)
    return _each_once(all_sources, progress)


def without(sources: Sequence[Source], held_out: Sequence[Source], *, progress: Progress) -> list[Source]:
    """The sources of training text without those of validation and test text.

    Only files that a folder or a pattern led to are left out. One that was named itself stays, and
    so do all if nothing else is left.
    """
    keys = {source.key for source in held_out if source.key is not None}
    shared = [source for source in sources if source.key in keys]
    kept = [source for source in sources if source.key not in keys or source.given]
    if shared and (len(kept) == len(sources) or not kept):
        progress.say(f"warning: {_some(shared)} is in the training text and in the validation or test text too")
        return list(sources)
    if shared:
        progress.say(f"note: {_some(shared)} is validation or test text, so it is left out of the training text")
    return kept


def check_stdin_once(sources: Sequence[Source]) -> None:
    """Raise if standard input is given twice.

    Raises:
        UsageError: it is.
    """
    if sum(source.kind == "stdin" for source in sources) > 1:
        raise UsageError("- (standard input) is given twice, but can be read only once; put the text into a file")


def check_local(names: Sequence[str]) -> None:
    """Raise if data that a model folder names is no file of this machine.

    A folder may come from anybody, so it does not choose which machines are called.

    Raises:
        TextError: a name is an address, or standard input.
    """
    for name in names:
        if name == "-":
            raise TextError("it came from standard input")
        if is_address(name):
            raise TextError(f"it came from {name[:200]}, and no address is opened because a model folder names it")


def total_bytes(sources: Sequence[Source]) -> int | None:
    """Bytes on disk, for progress; None if the size of a source is unknown."""
    total = 0
    for source in sources:
        if source.path is None or not source.path.is_file():
            return None
        total += source.path.stat().st_size
    return total


def _each_once(sources: Sequence[Source], progress: Progress) -> list[Source]:
    kept: dict[object, Source] = {}
    again: list[Source] = []
    for number, source in enumerate(sources):
        key = number if source.key is None else source.key
        if key not in kept:
            kept[key] = source
            continue
        again.append(source)
        if source.given and not kept[key].given:
            kept[key] = source
    if again:
        what = f"{len(again)} more names ({_some(again)})" if len(again) > 1 else f"one more name ({again[0].name})"
        progress.say(f"note: {what} for files that are read already; each file is read once")
    return list(kept.values())


def _some(sources: Sequence[Source]) -> str:
    return sources[0].name + (f" and {len(sources) - 1} more" if len(sources) > 1 else "")


def _find(given: str, progress: Progress) -> list[Source]:
    if given == "-":
        return [Source("stdin", "standard input")]
    if given.startswith("builtin:"):
        name = given.removeprefix("builtin:")
        if name not in BUILTINS:
            raise TextError(f"{given}: no such built-in text; there is: {', '.join('builtin:' + b for b in BUILTINS)}")
        return [Source("builtin", given)]
    if is_address(given):
        return [Source("remote", address, given=address == given) for address in find_addresses(given)]
    if not given:
        raise TextError("an empty name was given as text; name a file, a folder, - or builtin:pydocs")
    path = Path(given)
    if not os.path.exists(path) and given.startswith("~"):
        path = path.expanduser()
    if path.is_dir():
        return _find_in_folder(path, progress)
    if os.path.exists(path):
        _check_plain(path)
        return [Source("file", str(path), path)]
    if glob.has_magic(given):
        return _find_by_glob(path)
    if path.is_symlink():
        _check_plain(path)
    raise TextError(_missing(given, path))


def _find_in_folder(folder: Path, progress: Progress) -> list[Source]:
    text_files: list[Source] = []
    skipped: Counter[str] = Counter()
    entered, links = set[object](), list[str]()
    for root, folders, names in os.walk(folder, onerror=_refuse, followlinks=True):
        key = folder_key(root)
        own = any(marks <= {*names} for marks in _OWN_FILES)
        if own and not entered:
            raise TextError(f"{folder} is the folder of a model or an index, not of text; name files of text")
        if key in entered or own:
            folders.clear()  # A model folder or a cache is not the user's text.
            continue
        entered.add(key)
        if os.path.islink(root) and root != str(folder):
            links.append(root)
        # Links come last, so that a folder goes by its own name if both are found here.
        folders[:] = sorted(
            (name for name in folders if not name.startswith(".")),
            key=lambda name: (os.path.islink(os.path.join(root, name)), name),
        )
        paths = (Path(root) / name for name in sorted(names))
        for path in paths:
            if _text_like(path):
                text_files.append(Source("file", str(path), path, given=False))
            elif not path.name.startswith("."):
                skipped[_suffixes(path.name)[0]] += 1
    if not text_files:
        raise TextError(f"{folder}: {_no_text(skipped)}")
    if links:
        more = f" and {len(links) - 1} more" if len(links) > 1 else ""
        progress.say(f"note: {links[0]}{more}: a link to a folder, whose files are read too")
    return text_files


def _no_text(skipped: Counter[str]) -> str:
    """Why a folder has no text: the suffixes of its files, with their numbers."""
    if not skipped:
        return "no text files in this folder (hidden ones are skipped); name another"
    named = ", ".join(f"{count} {suffix}" for suffix, count in skipped.most_common(3))
    advice = "name another folder"
    if skipped.keys() & _PICTURES:
        advice = "pictures are for elman train --task caption, which reads a file of their names and captions"
    return f"no text files in this folder, but binary ones ({named}); {advice}"


def _find_by_glob(pattern: Path) -> list[Source]:
    paths = matching_files(pattern)
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
