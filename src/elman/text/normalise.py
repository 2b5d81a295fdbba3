"""The normal form of text, the same for all models and metrics.

NFC, no white space at line ends (of pretokenized text: no ASCII white space, for the rest belongs
to words), no byte-order mark. Lines are what "\\n" separates ("\\r\\n" and
"\\r" count as "\\n"); every other character, control characters among them, stays.
"""

import unicodedata
from collections.abc import Iterator
from itertools import groupby, pairwise

_LONG_LINE = 1000
_ASCII_BLANKS = " \t\n\v\f\r"


def normalise_line(line: str, *, pretokenized: bool = False) -> str:
    """One line without its line end, in normal form.

    >>> normalise_line("Cafe\\u0301 \\t"), normalise_line("\\ufeffone  two")
    ('Café', 'one  two')
    >>> normalise_line("12 km\\xa0 ", pretokenized=True)
    '12 km\\xa0'
    """
    if not line.isascii():
        if len(line) > _LONG_LINE:
            line = _in_canonical_order(line)
        line = unicodedata.normalize("NFC", line).lstrip("\ufeff")
    return line.rstrip(_ASCII_BLANKS if pretokenized else None)


def composed(line: str) -> str:
    """A line in which a letter with its marks is one character, where there is such a one.

    >>> composed("Cafe\\u0301 \\t")
    'Café \\t'
    """
    if line.isascii() or unicodedata.is_normalized("NFC", line):
        return line
    return "".join(unicodedata.normalize("NFC", part) for part in marked_letters(line))


def marked_letters(line: str) -> Iterator[str]:
    """The characters of a line, each with the combining marks after it.

    >>> [len(part) for part in marked_letters("cafe\\u0301s")]
    [1, 1, 1, 2, 1]
    """
    starts = [place for place, char in enumerate(line) if not place or not unicodedata.combining(char)]
    return (line[start:end] for start, end in pairwise([*starts, len(line)]))


def split_lines(text: str) -> list[str]:
    """The lines of a text; a final line end makes no extra line.

    >>> split_lines("one\\r\\ntwo\\n")
    ['one', 'two']
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if not lines[-1]:
        lines.pop()
    return lines


def open_line(text: str) -> str:
    """The last line of a text, which is not finished, in normal form with its trailing spaces.

    >>> open_line("one\\n two "), open_line("one\\n")
    (' two ', '')
    """
    line = split_lines(text)[-1] if text and not text.endswith(("\n", "\r")) else ""
    return normalise_line(line) + line[len(line.rstrip()) :]


def _in_canonical_order(line: str) -> str:
    """The same text with each run of marks in canonical order, if any run can be out of order.

    Python's normalisation sorts a run by insertion, so a hostile line of a million marks would take
    hours.
    """
    decomposed = {ord(char): unicodedata.normalize("NFD", char) for char in set(line) if char > "\x7f"}
    classes = {unicodedata.combining(mark) for part in decomposed.values() for mark in part} - {0}
    if len(classes) < 2:
        return line
    parts: list[str] = []
    for _, run in groupby(line.translate(decomposed), key=lambda char: unicodedata.combining(char) > 0):
        parts += sorted(run, key=unicodedata.combining)
    return "".join(parts)
