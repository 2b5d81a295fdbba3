"""Raw text: a sentence a line, words by elman's own rules."""

from collections.abc import Iterator

from elman.data.tag_formats.blocks import BYTE_ORDER_MARK, without_end
from elman.data.tag_formats.tag_format import ReadOptions, TagFormat
from elman.data.tagged_sentence import TaggedSentence
from elman.errors import TextError
from elman.text.sources import Source


def read_plain_text(lines: Iterator[str], *, source: Source, options: ReadOptions) -> Iterator[TaggedSentence]:
    """Each line as a sentence; a blank one has no words.

    Raises:
        TextError: tags are wanted.
    """
    if options.tagged:
        raise TextError(
            f"{source.name}: this looks like plain text, whose words have no tags; give CoNLL-U, columns or JSON lines "
            "with spans, or name the format with --format"
        )
    for number, line in enumerate(lines, start=1):
        yield options.split(without_end(line).removeprefix(BYTE_ORDER_MARK), position=f"{source.name}, line {number}")


PLAIN_TEXT = TagFormat(name="text", title="plain text", suffixes=(), read=read_plain_text)
