"""The table of formats of tagged text, and which one a file is in."""

from collections.abc import Sequence

from elman.data.tag_formats.columns import COLUMNS
from elman.data.tag_formats.conllu import CONLLU
from elman.data.tag_formats.plain_text import PLAIN_TEXT
from elman.data.tag_formats.tag_format import TagFormat
from elman.errors import UsageError
from elman.text.sources import Source

FORMATS = {each.name: each for each in (CONLLU, COLUMNS, PLAIN_TEXT)}
"""Formats by name, in the order in which a file is compared with them."""


def format_of_name(name: str) -> TagFormat:
    """The format of a name.

    >>> format_of_name("xml")
    Traceback (most recent call last):
    ...
    elman.errors.UsageError: format is 'xml'; known: conllu, columns, text

    Raises:
        UsageError: there is none.
    """
    if name not in FORMATS:
        raise UsageError(f"format is {name!r}; known: {', '.join(FORMATS)}")
    return FORMATS[name]


def format_of_suffix(source: Source) -> TagFormat | None:
    """The format that the suffix of a file tells, if it tells one."""
    return next((each for each in FORMATS.values() if source.suffix in each.suffixes), None)


def format_of_lines(lines: Sequence[str]) -> TagFormat:
    """The format that the first lines of a file look like: ``text`` if no other.

    >>> format_of_lines(["EU NNP B-ORG", "rejects VBZ O"]).name, format_of_lines(["To be, or not"]).name
    ('columns', 'text')
    """
    return next((each for each in FORMATS.values() if each.looks_like(lines)), PLAIN_TEXT)
