"""Raw text as words with their places, by elman's own rules of words."""

import re

from elman.data.tag_formats.surface import nfc
from elman.data.tagged_sentence import TaggedSentence
from elman.text.kinds import BETWEEN
from elman.text.word_types import pieces_of

_BETWEEN = re.compile(f"[{BETWEEN}]*")


def split_text(line: str, *, position: str = "") -> TaggedSentence:
    """The words of a line with their places in it; the line itself is kept as it is.

    What is one word is said in ``elman.text.kinds``: words, numbers, links, emoji, and every other
    sign by itself.

    Args:
        position: its file and line, for messages.

    >>> sentence = split_text("Ann  (@ann) paid $3.50!")
    >>> sentence.words
    ('Ann', '(', '@ann', ')', 'paid', '$', '3.50', '!')
    >>> sentence.offsets[2]
    (6, 10)
    """
    offsets = []
    for start, end in pieces_of(line):
        blanks = _BETWEEN.match(line, start, end)
        assert blanks is not None
        if blanks.end() < end:
            offsets.append((blanks.end(), end))
    return TaggedSentence(
        words=tuple(nfc(line[start:end]) for start, end in offsets),
        text=line,
        offsets=tuple(offsets),
        position=position,
    )
