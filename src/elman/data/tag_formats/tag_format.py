"""A format of tagged text: what each of them provides, and how it is asked to read."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Literal, Protocol

from elman.data.span_alignment import CharSpan, SpanReport, tag_spans
from elman.data.tagged_sentence import TaggedSentence
from elman.data.tagged_text import split_text
from elman.text.sources import Source

UNTAGGED = "_"
"""The tag of a word without one, as CoNLL-U writes it."""


class Split(Protocol):
    """A function that cuts a text into words."""

    def __call__(self, line: str, *, position: str = "") -> TaggedSentence:
        """The words with their places; ``position`` is for messages."""
        ...


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """How files of any format are read; each format uses what applies to it."""

    field: str | None = None
    """Where the tags are; None for the usual place."""
    word: str | None = None
    """Where the words are; None for the usual place."""
    tagged: bool = True
    """Whether tags are read; if not, there may be none."""
    for_writing: bool = False
    """Whether each file ends with a sentence without words, if lines follow its last sentence, so
    that the rewritten sentences together are the whole file."""
    misaligned: Literal["error", "split"] = "error"
    """What to do with a span that begins or ends within a word."""
    nested: Literal["error", "longest"] = "error"
    """What to do with spans that overlap."""
    split: Split = split_text
    """Cuts raw text into words."""
    encoding: str = "utf-8"
    """Of files that belong to the one that is read."""
    report: SpanReport = dataclasses.field(default_factory=SpanReport)
    """Counts spans that were changed."""

    def tag_spans(self, sentence: TaggedSentence, spans: Sequence[CharSpan]) -> TaggedSentence:
        """``tag_spans`` of ``elman.data.span_alignment`` with these options."""
        return tag_spans(sentence, spans, misaligned=self.misaligned, nested=self.nested, report=self.report)


class ReadTagged(Protocol):
    """A function that reads the sentences of one file."""

    def __call__(self, lines: Iterator[str], *, source: Source, options: ReadOptions) -> Iterator[TaggedSentence]:
        """Read sentences, one after the other.

        Args:
            lines: the exact lines of the file, with their line ends.

        Raises:
            TextError: the file is not in this format; says where, and what to do.
        """
        ...


class WriteTagged(Protocol):
    """A function that writes a sentence that came from elsewhere."""

    def __call__(self, sentence: TaggedSentence, tags: Sequence[str], *, field: str | None, scheme: str | None) -> str:
        """The sentence as the format has it, with its line ends.

        Args:
            scheme: the scheme of the tags, or None if they are not spans.
        """
        ...


@dataclasses.dataclass(frozen=True, kw_only=True)
class TagFormat:
    """A format of tagged text."""

    name: str
    title: str
    """As messages and tables call it."""
    suffixes: tuple[str, ...]
    """Files with these are in this format."""
    read: ReadTagged
    write: WriteTagged | None = None
    """None if it is only read."""
    has_field: Callable[[str], bool] = lambda name: True
    """Whether tags can be written to a field of this name."""
    looks_like: Callable[[Sequence[str]], bool] = lambda lines: False
    """Whether the first lines of a file, without blank ones, look like this format."""
