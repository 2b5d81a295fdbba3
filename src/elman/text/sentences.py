"""Sentences of running text, by rules: for showing and choosing parts of a text, not for training.

A sentence ends at a full stop, a question mark or an exclamation mark, with the quotation marks
and brackets behind it, if white space follows and then no small letter. Initials and abbreviations
such as Mr. end none, nor do letters one after the other (z. B., d. h., u. a.). A blank line always
ends one, and so does the end of a short line, such as a title, before a capital letter.
"""

import re

_END = re.compile(r"[.!?…。！？।॥؟۔]+[\"'”’»)\]]*(?=\s|$)|(?<=[。！？])|\n[^\S\n]*\n|\n")
_ABBREVIATED = """
al approx art bd bros ca capt cf ch co col corp dept dr ed eds eg esp est etc fig figs gen gov hon ie inc jr lt ltd maj
messrs mr mrs ms mt op pp prof rep rev sen sgt sr st str vol vs z.b d.h bzw usw i.e e.g u.s a.m p.m
"""
_ABBREVIATIONS = frozenset(_ABBREVIATED.split())
_LETTERS = re.compile(r"\b[^\W\d_]\.\s[^\W\d_]\.")
_SHORT_LINE = 60


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """The first character of each sentence and the one after its last, without white space around.

    >>> text = "Mr. J. Smith left. He said: \\"No!\\" and went\\non at 3.15 p.m. today. Why?"
    >>> [text[start:end] for start, end in sentence_spans(text)]
    ['Mr. J. Smith left.', 'He said: "No!" and went\\non at 3.15 p.m. today.', 'Why?']
    """
    spans, start = [], 0
    for match in _END.finditer(text):
        if match.end() > start and _ends(text, match.start(), match.end()):
            spans.append((start, match.end()))
            start = match.end()
    spans.append((start, len(text)))
    return [stripped for begin, end in spans if (stripped := _stripped(text, begin, end)) is not None]


def _ends(text: str, start: int, end: int) -> bool:
    mark, following = text[start:end], text[end : end + 40].lstrip()
    if mark.count("\n") > 1 or not following:
        return True
    if following[0].islower():
        return False
    if mark == "\n":
        line = text[text.rfind("\n", 0, start) + 1 : start].rstrip()
        return line[-1:] in '.!?…:"”' or len(line) < _SHORT_LINE
    if mark == ".":
        last = (text[max(0, start - 20) : start].split() or [""])[-1].lstrip("\"'(“‘[")
        if len(last) == 1 and last.islower() and _LETTERS.search(text[max(0, start - 5) : end + 4]):
            return False
        # An initial, but I and a are words too.
        return not (len(last) == 1 and last.isupper() and last != "I") and last.casefold() not in _ABBREVIATIONS
    return True


def _stripped(text: str, start: int, end: int) -> tuple[int, int] | None:
    part = text[start:end]
    if not part.strip():
        return None
    return start + len(part) - len(part.lstrip()), start + len(part.rstrip())
