"""The lines of fastText: ``__label__NAME`` once or several times, and a text."""

import re
from collections.abc import Iterator, Sequence

from elman.errors import TextError
from elman.text.readers.record import Record, listed

PREFIX = "__label__"
"""The prefix of labels."""

# Other white space, a no-break space among it, may be part of a label, as in fastText.
_LEADING_LABEL = re.compile(rf"[ \t\v\f]*{PREFIX}([^ \t\v\f]*)[ \t\v\f]*")
_WORD = re.compile(r"[^ \t\v\f]+")


def read_fasttext(lines: Iterator[str], *, name: str, fields: Sequence[str] = ()) -> Iterator[Record]:
    """The labels of each line, and its text without them; blank lines are records too.

    As in fastText, every word with the prefix is a label, wherever it stands. The words around a
    label are joined by one space.

    >>> lines = iter(["__label__pos __label__short fine", "no label"])
    >>> [record.fields for record in read_fasttext(lines, name="a.ft")]
    [{'label': ['pos', 'short'], 'text': 'fine'}, {'label': None, 'text': 'no label'}]

    Raises:
        TextError: another field than ``text`` or ``label`` is asked for.
    """
    known = ("label", "text")
    for field in fields:
        if field not in known:
            raise TextError(f"{name}: lines of fastText have no field {field!r}; their fields are: {listed(known)}")
    for number, line in enumerate(lines, start=1):
        labels, text = _parts(line) if PREFIX in line else ([], line)
        yield Record({"label": labels or None, "text": text}, number, name)


def _parts(line: str) -> tuple[list[str], str]:
    labels: list[str] = []
    end = 0
    while match := _LEADING_LABEL.match(line, end):
        labels.append(match[1])
        end = match.end()
    text = line[end:]
    if PREFIX in text:
        words = _WORD.findall(text)
        labels += [word[len(PREFIX) :] for word in words if word.startswith(PREFIX)]
        text = " ".join(word for word in words if not word.startswith(PREFIX))
    return [label for label in labels if label], text
