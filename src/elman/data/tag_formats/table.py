"""The table of formats of tagged text, and which one a file is in."""

from collections.abc import Sequence

from elman.data.tag_formats.brat import BRAT
from elman.data.tag_formats.columns import COLUMNS
from elman.data.tag_formats.conllu import CONLLU
from elman.data.tag_formats.json_spans import JSON_SPANS
from elman.data.tag_formats.plain_text import PLAIN_TEXT
from elman.data.tag_formats.spacy_json import SPACY
from elman.data.tag_formats.tag_format import TagFormat
from elman.errors import UsageError

FORMATS = {each.name: each for each in (CONLLU, SPACY, JSON_SPANS, BRAT, COLUMNS, PLAIN_TEXT)}
"""Formats by name, in the order in which a file is compared with them."""


def format_of_name(name: str) -> TagFormat:
    """The format of a name.

    >>> format_of_name("xml")
    Traceback (most recent call last):
    ...
    elman.errors.UsageError: format is 'xml'; known: conllu, spacy, jsonl, brat, columns, text

    Raises:
        UsageError: there is none.
    """
    if name not in FORMATS:
        raise UsageError(f"format is {name!r}; known: {', '.join(FORMATS)}", field="format")
    return FORMATS[name]


def formats_of_suffix(suffix: str) -> list[TagFormat]:
    """The formats that files with a suffix can be in; none if it says nothing."""
    return [each for each in FORMATS.values() if suffix in each.suffixes]


def format_of_lines(lines: Sequence[str], among: Sequence[TagFormat] = ()) -> TagFormat:
    """The format that the first lines of a file look like.

    Args:
        among: the formats to choose from, the last one if it looks like none of them; all by
            default, and then ``text`` if none.

    >>> format_of_lines(["EU NNP B-ORG", "rejects VBZ O"]).name, format_of_lines(["To be, or not"]).name
    ('columns', 'text')
    """
    among = among or [*FORMATS.values()]
    return next((each for each in among if each.looks_like(lines)), among[-1])
