"""From sources to a corpus: normalised lines of documents, split into training, validation and test
text.

Everything streams: no text is ever in memory as a whole. A prepared corpus has a folder named by
its content, so the same sources give the same folder.
"""

import dataclasses
import filecmp
import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Literal

from elman.config import Config
from elman.errors import FolderError, TextError, UsageError
from elman.progress import Progress
from elman.system.staging import publish, staging_folder
from elman.text.decoding import check_encoding, raw_lines
from elman.text.line_marks import LineMarks
from elman.text.normalise import normalise_line, split_lines
from elman.text.readers.json_lines import read_json_lines
from elman.text.readers.plain import read_plain
from elman.text.readers.table import READERS, SkippedRecords, field_texts
from elman.text.sources import Source, check_stdin_once, find_sources, total_bytes, without
from elman.text.splits import pieces
from elman.text.splitting import CUT_CHARS, cut
from elman.text.store import Text, TextWriter, starts_file

_MANIFEST = "elman-corpus.json"
_FORMAT = 1
_FEWEST_WORDS = 200
_ENOUGH_CHARS = 1000

Sources = str | Path | Sequence[str | Path]
"""Files, folders, globs, ``-`` or ``builtin:NAME``; one, or several."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class CorpusConfig(Config):
    """How sources are read.

    >>> CorpusConfig(document="line").encoding
    'utf-8'
    """

    document: Literal["file", "line", "block"] = "file"
    """What a document is: a file (or record), a line, or a block between blank lines."""
    encoding: str = "utf-8"
    """Encoding of the text files, by a name that Python knows."""
    field: str | None = None
    """The field that holds the text in .jsonl, .json, .csv and .tsv files and on standard input
    (JSON lines).

    A number is a column of a CSV or TSV file without a line that names the columns, 1 for the
    first.
    """
    pretokenized: bool = False
    """Whether words are what stands between spaces, so that a no-break space at a line's end
    belongs to its last word."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_encoding(self.encoding)


@dataclasses.dataclass(frozen=True)
class Corpus:
    """Training, validation and test text in one folder."""

    folder: Path
    """The folder of the texts."""
    hash: str
    """16 hex digits of the content's hash."""
    train: Text
    """The text to train on."""
    valid: Text | None = None
    """The text for early stopping and tuning."""
    test: Text | None = None
    """The text used once, at the end."""

    @classmethod
    def open(cls, folder: Path) -> "Corpus":
        """Open a folder written by ``prepare``.

        Raises:
            FolderError: it is missing or incomplete.
        """
        try:
            manifest = json.loads((folder / _MANIFEST).read_bytes())
            texts = {name: Text(folder / f"{name}.txt", **facts) for name, facts in manifest["texts"].items()}
            whole = manifest["format"] == _FORMAT and all(
                text.path.stat().st_size == text.bytes
                and starts_file(text.path).stat().st_size == 8 * text.document_count
                for text in texts.values()
            )
            corpus = cls(folder, manifest["hash"], **texts)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            whole, corpus = False, None
        if corpus is None or not whole:
            raise FolderError(f"{folder}: no prepared text, or damaged; prepare it again from its sources")
        return corpus


def read_lines(
    sources: Sources,
    *,
    config: CorpusConfig | None = None,
    blank: bool = False,
    before_read: Callable[[], None] = lambda: None,
    progress: Progress | None = None,
) -> Iterator[tuple[str, bool]]:
    """Each normalised line of the sources, and whether it starts a document, in one streaming pass.

    Blank lines before the first text of a file are kept; with ``document="line"`` or ``"block"``
    blank lines only separate. A record (``field``) counts as a file. A file of blank lines alone is
    an error, unless ``blank`` is set. ``before_read`` is called before each read of a file or of
    standard input, which may wait; all lines read before have been given by then.

    >>> list(read_lines("builtin:pydocs"))[0]
    ('The "assert" statement', True)

    Raises:
        TextError: missing, empty, binary, wrongly encoded or broken; missing sources are found
            before any is read.
    """
    progress = progress or Progress()
    reading = find_sources(sources, progress=progress)
    return _read(reading, config or CorpusConfig(), blank=blank, before_read=before_read, progress=progress)


def _read(
    sources: Sequence[Source],
    config: CorpusConfig,
    *,
    blank: bool,
    before_read: Callable[[], None],
    progress: Progress,
) -> Iterator[tuple[str, bool]]:
    with progress.stage("reading", total=total_bytes(sources), unit="bytes") as advance:
        reading = _Reading(config, advance=advance, blank=blank, before_read=before_read)
        yield from reading.lines(sources)
    reading.tell(progress)


@contextmanager
def read_text(
    sources: Sources, *, config: CorpusConfig | None = None, folder: Path, progress: Progress | None = None
) -> Iterator[Text]:
    """Read the sources into one Text, kept in ``folder`` for the duration of the block.

    Raises:
        TextError: the text cannot be read.
        StorageError: the disk is full, or ``folder`` is not writable.
    """
    config, progress = config or CorpusConfig(), progress or Progress()
    all_sources = find_sources(sources, progress=progress)
    with staging_folder(folder) as staging:
        with progress.stage("reading", total=total_bytes(all_sources), unit="bytes") as advance:
            reading = _Reading(config, advance=advance)
            text = _write_text(reading.lines(all_sources), staging, "text")
        reading.tell(progress)
        yield text


def prepare(
    sources: Sources,
    *,
    valid: Sources = (),
    test: Sources = (),
    config: CorpusConfig | None = None,
    folder: Path,
    split: float = 0.05,
    progress: Progress | None = None,
) -> Corpus:
    """Read the sources and write the corpus into a subfolder of ``folder`` named by its content.

    Without ``valid``, about ``split`` of the text is held out for validation, and as much for test
    unless ``test`` is given; with ``valid`` nothing is held out. See ``elman.text.splits``.

    Args:
        valid: sources of validation text; default: held out.
        test: sources of test text; default: held out, or none if ``valid`` is given.
        folder: a cache; texts prepared before stay there.
        split: share of the bytes, above 0 and at most 0.25.

    Raises:
        TextError: the text cannot be read, or is too little.
        StorageError: the disk is full, or ``folder`` is not writable.
    """
    config, progress = config or CorpusConfig(), progress or Progress()
    if not 0 < split <= 0.25:
        raise UsageError.of("split", split, "above 0 and at most 0.25: the share held out for validation")
    sources_by_name = {"train": sources, "valid": valid, "test": test}
    sources_of_texts = {
        name: find_sources(one, progress=progress) for name, one in sources_by_name.items() if name == "train" or one
    }
    held_out = [*sources_of_texts.get("valid", ()), *sources_of_texts.get("test", ())]
    sources_of_texts["train"] = without(sources_of_texts["train"], held_out, progress=progress)
    everything = [source for some in sources_of_texts.values() for source in some]
    check_stdin_once(everything)
    missing_texts = [] if valid else [name for name in ("valid", "test") if not sources_by_name[name]]

    with staging_folder(folder) as staging:
        texts: dict[str, Text] = {}
        with progress.stage("reading", total=total_bytes(everything), unit="bytes") as advance:
            reading = _Reading(config, advance=advance)
            for name, some in sources_of_texts.items():
                spooled = "all" if name == "train" and missing_texts else name
                texts[name] = _write_text(reading.lines(some), staging, spooled)
        reading.tell(progress)
        if missing_texts:
            _check_enough(texts["train"])
            with progress.stage("splitting", total=texts["train"].bytes, unit="bytes") as advance:
                texts |= _split(texts["train"], staging, ["train", *missing_texts], share=split, advance=advance)
        _check_enough(texts["train"])
        return _publish(texts, staging, folder)


class _Reading:
    """Reads sources, and counts what has to be said about them."""

    def __init__(
        self,
        config: CorpusConfig,
        *,
        advance: Callable[[int], None] = lambda amount: None,
        blank: bool = False,
        before_read: Callable[[], None] = lambda: None,
    ) -> None:
        self._config = config
        self._advance = advance
        self._blank = blank
        self._before_read = before_read
        self._marks = LineMarks()
        self._skipped = SkippedRecords()

    def lines(self, sources: Sequence[Source]) -> Iterator[tuple[str, bool]]:
        """Normalised lines, and whether each starts a document."""
        empty = True
        for source in sources:
            for unit in self._units(source):
                for line in self._documents(unit):
                    empty = False
                    yield line
        if empty:
            what = sources[0].name if len(sources) == 1 else f"{sources[0].name} and {len(sources) - 1} more"
            raise TextError(f"{what}: empty, there is no text in it; give some text")

    def tell(self, progress: Progress) -> None:
        """Say what was left out."""
        self._skipped.tell(progress)
        self._marks.tell(progress)

    def _units(self, source: Source) -> Iterator[Iterable[str]]:
        """Files or records as lines before normalisation."""
        if source.kind == "builtin":
            from elman.text.pydocs import documents

            yield from map(split_lines, documents())
            return
        config = self._config
        lines = raw_lines(source, encoding=config.encoding, advance=self._advance, before_read=self._before_read)
        reader = read_json_lines if source.kind == "stdin" else READERS.get(source.suffix, read_plain)
        if config.field is None or reader is read_plain:
            yield lines
        else:
            texts = field_texts(lines, reader=reader, field=config.field, name=source.name, report=self._skipped)
            yield from map(split_lines, texts)

    def _documents(self, lines: Iterable[str]) -> Iterator[tuple[str, bool]]:
        document = self._config.document
        if self._blank and document == "file":
            # No line waits for the next one: it may come much later.
            yield from ((line, not number) for number, line in enumerate(self._normalised(lines)))
            return
        starts, blank = True, 0
        for line in self._normalised(lines):
            if line:
                for _ in range(blank):
                    yield "", starts
                    starts = False
                yield line, starts or document == "line"
                starts, blank = False, 0
            elif document == "block":
                starts = True
            elif document == "file":
                if starts:
                    blank += 1
                else:
                    yield "", False

    def _normalised(self, lines: Iterable[str]) -> Iterator[str]:
        for line in lines:
            line = _normalise(line, pretokenized=self._config.pretokenized)
            sentences = self._marks.strip(line)
            # Where each line has its answer, it stays one line.
            yield from [" ".join(sentences)] if self._blank else sentences


def _normalise(line: str, *, pretokenized: bool) -> str:
    if len(line) <= CUT_CHARS:
        return normalise_line(line, pretokenized=pretokenized)
    # Part by part, for normalisation takes several times the memory of what it works on. Nothing in
    # it reaches across a single space.
    return "".join(
        normalise_line(part, pretokenized=pretokenized) for _, part in cut(line, level="word", pretokenized=True)
    )


def _write_text(lines: Iterator[tuple[str, bool]], folder: Path, name: str) -> Text:
    with TextWriter(folder, name) as writer:
        for line, starts in lines:
            writer.write(line, starts=starts)
    return writer.text()


def _split(
    text: Text, folder: Path, names: list[str], *, share: float, advance: Callable[[int], None]
) -> dict[str, Text]:
    with ExitStack() as opened:
        writers = [opened.enter_context(TextWriter(folder, name)) for name in names]
        file = opened.enter_context(open(text.path, "rb"))
        for size, part in pieces(text, share=share, parts=len(names) - 1):
            writers[part].copy(file, size)
            advance(size)
    text.path.unlink()
    starts_file(text.path).unlink()
    texts = {name: writer.text() for name, writer in zip(names, writers, strict=True)}
    for name, part in texts.items():
        if not part.lines:
            raise TextError(
                f"too little text to hold some out for {name} (lines: {text.lines}, documents: {text.document_count});"
                " add more text, or give --valid FILE"
            )
    return texts


def _check_enough(text: Text) -> None:
    if text.chars >= _ENOUGH_CHARS:
        return
    words = sum(len(line.split()) for line, _ in text)
    if words < _FEWEST_WORDS:
        raise TextError(f"too little text to train on: {words} words, at least {_FEWEST_WORDS} are needed; add some")


def _publish(texts: dict[str, Text], staging: Path, folder: Path) -> Corpus:
    digest = hashlib.sha256(" ".join(f"{name}:{text.sha256}" for name, text in sorted(texts.items())).encode())
    name = digest.hexdigest()[:16]
    facts = {part: _facts(text) for part, text in texts.items()}
    manifest = {"format": _FORMAT, "hash": name, "texts": facts}
    (staging / _MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    target = folder / name
    names = sorted(path.name for path in staging.iterdir())
    # The new copy is valid; an older one may have been damaged since.
    if filecmp.cmpfiles(staging, target, names, shallow=False)[0] != names:
        shutil.rmtree(target, ignore_errors=True)
        publish(staging, target)
    return Corpus.open(target)


def _facts(text: Text) -> dict[str, Any]:
    return {name: value for name, value in dataclasses.asdict(text).items() if name != "path"}
