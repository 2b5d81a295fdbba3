"""Files that a pattern names: ``*``, ``?`` and ``[...]`` within a name, ``**`` for any folders."""

import fnmatch
import os
from collections.abc import Iterator
from pathlib import Path


def matching_files(pattern: Path) -> list[Path]:
    """What a pattern matches, sorted.

    A part of the pattern that is itself the name of a folder is that folder, so brackets in it mean
    nothing. Hidden names match only where the pattern begins with a dot. ``**`` follows links to
    folders, but enters each folder once: a link to a folder above it makes no loop.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     (Path(folder) / "a [b]").mkdir()
    ...     Path(folder, "a [b]", "x.txt").touch()
    ...     [path.name for path in matching_files(Path(folder) / "a [b]" / "*.txt")]
    ['x.txt']
    """
    start = Path(pattern.anchor)
    parts = pattern.parts[1:] if pattern.anchor else pattern.parts
    return sorted({*_matching(start, parts, set())}, key=lambda path: path.parts)


def folder_key(path: str | Path) -> tuple[int, int] | str:
    """The same for every name of a file or folder.

    >>> folder_key(".") == folder_key(os.getcwd())
    True
    """
    status = os.stat(path)
    return (status.st_dev, status.st_ino) if status.st_ino else os.path.realpath(path)


def _matching(folder: Path, parts: tuple[str, ...], entered: set[object]) -> Iterator[Path]:
    part, later = parts[0], parts[1:]
    if part == "**":
        try:
            key = folder_key(folder), len(parts)
        except OSError:
            return
        if key in entered:
            return
        entered.add(key)
        yield from _matching(folder, later or ("*",), entered)
        for name in _names(folder):
            if not name.startswith(".") and (folder / name).is_dir():
                yield from _matching(folder / name, parts, entered)
    elif later and (folder / part).is_dir():
        yield from _matching(folder / part, later, entered)
    else:
        for name in _names(folder):
            if fnmatch.fnmatch(name, part) and (part.startswith(".") or not name.startswith(".")):
                if not later:
                    yield folder / name
                elif (folder / name).is_dir():
                    yield from _matching(folder / name, later, entered)


def _names(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []
