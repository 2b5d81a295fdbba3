"""Dialogues: turns in their order, from files with a turn a line or from tables of messages and
replies."""

import dataclasses
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from elman.config import Config
from elman.data.examples import normalise_text
from elman.errors import TextError, UsageError
from elman.progress import Progress, counted
from elman.text.corpus import Sources
from elman.text.decoding import check_encoding, raw_lines
from elman.text.readers.plain import read_plain
from elman.text.readers.record import Reader, text_of
from elman.text.readers.table import READERS, reader_of_format, reader_of_line
from elman.text.sources import Source, find_sources, total_bytes

_HELD_OUT = 10
"""One in this many dialogues is held out."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class DialoguesConfig(Config):
    """How dialogues are read, and what of them is a message with its reply.

    >>> DialoguesConfig(earlier=0).min_words
    1
    """

    message: str = "message"
    """Field of the message in .tsv, .csv and .jsonl files: a name, or a column number."""
    reply: str = "reply"
    """Field of its reply."""
    format: str | None = None
    """Format of the files: txt, jsonl, csv or tsv. Default: by the suffix, else by the first
    line."""
    encoding: str = "utf-8"
    """Encoding of the files, by a name that Python knows."""
    min_words: int = 1
    """Messages and replies with fewer words, cut at blanks, are neither learned nor measured."""
    earlier: int = 4
    """Most earlier turns of a dialogue that are read before its message."""
    reach: int = 3
    """In training, a message is also paired with later turns, up to this many turns on; 1: its
    reply alone."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_encoding(self.encoding)
        if self.format is not None:
            reader_of_format(self.format)
        if not self.message or not self.reply or self.message == self.reply:
            raise UsageError(f"message is {self.message!r} and reply {self.reply!r}; name two fields", field="message")
        for name, least, most in (("min_words", 0, 1000), ("earlier", 0, 100), ("reach", 1, 100)):
            self.require(name, least <= getattr(self, name) <= most, f"at least {least} and at most {most}")


class Dialogue(NamedTuple):
    """Turns that follow each other."""

    turns: tuple[str, ...]
    """In normal form, on one line each; never empty."""

    @property
    def digest(self) -> str:
        """Hex digits that name its words."""
        return hashlib.sha256("\n".join(self.turns).encode()).hexdigest()


class Pair(NamedTuple):
    """A message and its reply, by their places in a list of dialogues."""

    dialogue: int
    message: int
    reply: int


def read_dialogues(
    sources: Sources, *, config: DialoguesConfig | None = None, progress: Progress | None = None
) -> Iterator[Dialogue]:
    """The dialogues of all sources, in order.

    A line of plain text is a turn; a blank line or the end of a file ends a dialogue. A record of a
    table or of JSON lines is a dialogue of two turns.

    Raises:
        TextError: a file cannot be read, is not in its format, or has no message with a reply.
    """
    config, progress = config or DialoguesConfig(), progress or Progress()
    found = find_sources(sources, progress=progress)
    with progress.stage("reading", total=total_bytes(found), unit="bytes") as advance:
        for source in found:
            if source.kind == "builtin":
                raise UsageError(f"{source.name} has no dialogues; name files with a turn a line")
            some = False
            for turns in _of_file(source, raw_lines(source, encoding=config.encoding, advance=advance), config):
                if len(turns) > 1:
                    some = True
                    yield Dialogue(tuple(turns))
            if not some:
                raise TextError(
                    f"{source.name}: no message with a reply; write a turn a line and a blank line between dialogues, "
                    "or give a table with the columns message and reply"
                )


def _of_file(source: Source, lines: Iterator[str], config: DialoguesConfig) -> Iterator[list[str]]:
    reader, lines = _reader(source, lines, config)
    if reader is read_plain:
        yield from _blocks(lines)
        return
    for record in reader(lines, name=source.name, fields=[config.message, config.reply]):
        texts = (normalise_text(text_of(record, field)) for field in (config.message, config.reply))
        yield [text for text in texts if text]


def _reader(source: Source, lines: Iterator[str], config: DialoguesConfig) -> tuple[Reader, Iterator[str]]:
    if config.format is not None:
        return reader_of_format(config.format), lines
    if source.suffix in READERS:
        return READERS[source.suffix], lines
    first = next(lines, "")
    return reader_of_line(first), _chained(first, lines)


def _chained(first: str, lines: Iterator[str]) -> Iterator[str]:
    yield first
    yield from lines


def _blocks(lines: Iterable[str]) -> Iterator[list[str]]:
    turns: list[str] = []
    for line in lines:
        text = normalise_text(line)
        if text:
            turns.append(text)
        elif turns:
            yield turns
            turns = []
    yield turns


def hold_out(dialogues: Sequence[Dialogue]) -> tuple[list[Dialogue], list[Dialogue]]:
    """A training part, and about a tenth of the dialogues to validate on.

    What a dialogue says decides its part, so equal ones are in the same part.

    Raises:
        TextError: too few dialogues.
    """
    parts: tuple[list[Dialogue], list[Dialogue]] = ([], [])
    for each in dialogues:
        parts[int(each.digest[:8], 16) % _HELD_OUT == 0].append(each)
    if not all(parts):
        raise TextError(
            f"{counted(len(dialogues), 'dialogue')}: too few to hold some out; give more, or --valid FILE "
            "(a blank line ends a dialogue)"
        )
    return parts


def pairs_of(dialogues: Sequence[Dialogue], *, min_words: int, reach: int = 1) -> list[Pair]:
    """Messages with their replies.

    Args:
        min_words: fewest words of both.
        reach: how many turns on a reply may be.

    >>> pairs_of([Dialogue(("how are you", "fine", "good"))], min_words=1, reach=2)
    [Pair(dialogue=0, message=0, reply=1), Pair(dialogue=0, message=1, reply=2), Pair(dialogue=0, message=0, reply=2)]
    """
    found = []
    for number, (turns,) in enumerate(dialogues):
        enough = [len(turn.split()) >= min_words for turn in turns]
        for step in range(1, reach + 1):
            places = range(len(turns) - step)
            found += [Pair(number, place, place + step) for place in places if enough[place] and enough[place + step]]
    return found
