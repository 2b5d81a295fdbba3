"""Captions of pictures, as the field's files have them.

JSON lines         {"image": "a.png", "captions": ["...", "..."]}, or one "caption"
JSON of COCO       {"images": [{"id", "file_name"}], "annotations": [{"image_id", "caption"}]}
Flickr8k's text    a.jpg#0, a tab, a caption
CSV, TSV           with columns image and caption
"""

import dataclasses
import itertools
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from elman.config import Config
from elman.data.examples import normalise_text, noting
from elman.data.picture_format import PictureFormat, parse_size
from elman.data.pictures import FEATURES
from elman.errors import TextError, UsageError
from elman.progress import Progress, counted
from elman.text.corpus import Sources
from elman.text.decoding import check_encoding, raw_lines
from elman.text.readers.delimited import read_csv, read_tsv
from elman.text.readers.json_lines import read_json_lines
from elman.text.readers.record import Record, checked_text, json_type, listed
from elman.text.sources import Source, find_sources, total_bytes

IMAGE_FIELDS = ("image", "file_name", "filename", "file", "picture")
"""Names of fields that hold the name of a picture, in the order in which they are looked for."""
CAPTION_FIELDS = ("captions", "caption", "text")
"""Names of fields that hold captions."""
_NUMBERED = re.compile(r"#\d+$")


@dataclasses.dataclass(frozen=True, kw_only=True)
class CaptionsConfig(Config):
    """How pictures with captions are read.

    >>> CaptionsConfig(picture_size="48x64", patch_size="8").patch
    (8, 8)
    """

    images: str | None = None
    """Folder of the pictures (default: that of the file that names them). A file NAME.npy there
    stands for a picture NAME.jpg that is not there."""
    picture_size: str = "64"
    """Size to which pictures are stretched, in pixels: a number, or HEIGHTxWIDTH (default: 64)."""
    patch_size: str = "8"
    """Size of a patch in pixels, which must divide that of the picture (default: 8). Vectors of
    features are patches already."""
    skip_broken: bool = False
    """Whether pictures that are missing or broken are left out and counted, rather than refused."""
    encoding: str = "utf-8"
    """Encoding of the files, by a name that Python knows."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_encoding(self.encoding)
        if self.images is not None and not os.path.isdir(self.images):
            raise UsageError(
                f"images is {self.images!r}, which is no folder; name the folder of the pictures", field="images"
            )
        PictureFormat.of((*self.size, 3), self.patch, features=False)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of pictures."""
        return parse_size(self.picture_size, name="picture_size")

    @property
    def patch(self) -> tuple[int, int]:
        """Height and width of patches."""
        return parse_size(self.patch_size, name="patch_size")


def read_captions(
    sources: Sources, *, config: CaptionsConfig, progress: Progress | None = None
) -> dict[Path, tuple[str, ...]]:
    """The captions of each picture, by its file, in their order; no picture is opened.

    Raises:
        TextError: a file cannot be read, or is in none of the formats.
        UsageError: a source without captions.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "captions.txt")
    ...     _ = file.write_text("a.jpg#0\\tA dog .\\na.jpg#1\\tTwo dogs .\\n")
    ...     print(list(read_captions(file, config=CaptionsConfig()).values()))
    [('A dog .', 'Two dogs .')]
    """
    progress = progress or Progress()
    found = find_sources(sources, progress=progress)
    captions: dict[Path, dict[str, None]] = {}
    empty = again = 0
    with progress.stage("reading captions", total=total_bytes(found), unit="bytes") as advance:
        for source in found:
            if source.kind == "builtin":
                raise UsageError(f"{source.name} has no pictures; name a file of captions")
            folder = Path(config.images or (source.path.parent if source.path else "."))
            for image, caption in _captions(source, raw_lines(source, encoding=config.encoding, advance=advance)):
                text = normalise_text(caption)
                empty += not text
                if text:
                    own = captions.setdefault(_file_of(folder, image, source.name), {})
                    again += text in own
                    own[text] = None
    if empty:
        progress.say(f"note: {counted(empty, 'empty caption')} left out")
    if again:
        progress.say(f"note: {counted(again, 'caption')} left out that the same picture has already")
    if not captions:
        raise TextError(f"{', '.join(source.name for source in found)}: no caption in it; give at least one")
    return {path: tuple(texts) for path, texts in captions.items()}


def _file_of(folder: Path, image: str, source: str) -> Path:
    path = folder / image
    wrong = TextError(f"{source}: a picture is named {image[:60]!r}; give the name of its file")
    if not image or not path.name or path == folder:
        raise wrong
    try:
        there = path.exists()
    except OSError as error:  # longer than names of files can be
        raise wrong from error
    features = path.with_suffix(FEATURES)
    return features if features != path and not there and os.path.exists(features) else path


def _captions(source: Source, lines: Iterator[str]) -> Iterator[tuple[str, str]]:
    """Names of pictures and captions, in the order of a file."""
    passed: list[str] = []
    first = next((line for line in noting(lines, passed) if line.strip()), "")
    lines = itertools.chain(passed, lines)
    if source.suffix in (".json", ".jsonl", ".ndjson") or first.lstrip().startswith(("{", "[")):
        for record in read_json_lines(lines, name=source.name):
            yield from _of_coco(record) if "annotations" in record.fields else _of_record(record)
    elif "\t" in first and not _heads_table(first, "\t"):
        yield from _of_flickr(lines, source.name)
    else:
        table = read_tsv if "\t" in first else read_csv
        for record in table(lines, name=source.name):
            yield from _of_record(record)


def _heads_table(line: str, separator: str) -> bool:
    names = {name.strip().casefold() for name in line.split(separator)}
    return bool(names & {*IMAGE_FIELDS}) and bool(names & {*CAPTION_FIELDS})


def _of_flickr(lines: Iterator[str], name: str) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(lines, 1):
        image, tab, caption = line.partition("\t")
        if line.strip() and not (tab and image.strip()):
            raise TextError(f"{name}, line {number}: {line[:40]!r} has no tab; write a file, a tab and a caption")
        if tab:
            yield _NUMBERED.sub("", image.strip()), checked_text(caption, Record({}, number, name), "caption")


def _of_record(record: Record) -> Iterator[tuple[str, str]]:
    image, captions = _field(record, IMAGE_FIELDS), _field(record, CAPTION_FIELDS)
    if not isinstance(image, str) or not image.strip():
        raise TextError(f"{record.position}: the picture's file is {_shown(image)}; it must be a name")
    for caption in captions if isinstance(captions, list) else [captions]:
        if not isinstance(caption, str):
            raise TextError(f"{record.position}: a caption is {_shown(caption)}; it must be a string")
        yield _NUMBERED.sub("", image.strip()), checked_text(caption, record, "caption")


def _field(record: Record, names: Sequence[str]) -> Any:
    own = {str(name).strip().casefold(): value for name, value in record.fields.items()}
    for name in names:
        if name in own:
            return own[name]
    raise TextError(
        f"{record.position}: no field is called {', '.join(names[:-1])} or {names[-1]}; its fields are: "
        f"{listed(record.fields)}; rename one"
    )


def _of_coco(record: Record) -> Iterator[tuple[str, str]]:
    names: dict[int | str, Any] = {}
    for entry in _entries(record, "images", "id", "file_name"):
        if names.setdefault(entry["id"], entry["file_name"]) != entry["file_name"]:
            both = f"{_shown(names[entry['id']])} and {_shown(entry['file_name'])}"
            raise TextError(f"{record.name}: image {_shown(entry['id'])} is both {both}; give each its own id")
    for entry in _entries(record, "annotations", "image_id", "caption"):
        if entry["image_id"] not in names:
            raise TextError(f"{record.name}: a caption is of image {_shown(entry['image_id'])}, which is not there")
        yield from _of_record(
            Record({"image": names[entry["image_id"]], "caption": entry["caption"]}, record.line, record.name)
        )


def _entries(record: Record, name: str, *fields: str) -> list[Mapping[str, Any]]:
    entries = record.fields.get(name)
    for number, entry in enumerate(entries if isinstance(entries, list) else [None]):
        own = entry if isinstance(entry, dict) else {}
        if not isinstance(own.get(fields[0]), (int, str)) or fields[1] not in own:
            raise TextError(f"{record.name}: {name}[{number}] lacks {fields[0]} or {fields[1]}; write it as COCO does")
    return entries if isinstance(entries, list) else []


def _shown(value: Any) -> str:
    return repr(value)[:40] if isinstance(value, (str, int, float)) else f"a JSON {json_type(value)}"
