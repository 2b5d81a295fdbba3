"""The marks around lines that other tools for n-grams want: ``<s> the cat </s>``."""

import dataclasses
import re

from elman.progress import Progress

_BEGIN, _END = "<s>", "</s>"
_BETWEEN = re.compile(rf"(?<=\s){_END}\s+{_BEGIN}(?=\s)")


@dataclasses.dataclass
class LineMarks:
    """Takes the marks off lines, and counts.

    Every model here knows by itself where a line begins and ends. As words, the marks would be
    predicted with ease and make the figures better than they are.
    """

    lines: int = 0
    """Lines that are not blank."""
    marked: int = 0
    """Lines that began with ``<s>``, ended with ``</s>``, or both."""

    def strip(self, line: str) -> list[str]:
        """The sentences of a normalised line without their marks; usually one.

        >>> marks = LineMarks()
        >>> marks.strip("<s> the cat </s>"), marks.strip("<s>old</s>"), marks.strip("<s> a </s> <s> b </s>")
        (['the cat'], ['<s>old</s>'], ['a', 'b'])
        >>> marks.marked, marks.lines
        (2, 3)
        """
        self.lines += bool(line)
        text = line.lstrip()
        begins = text.startswith(_BEGIN) and text[len(_BEGIN) : len(_BEGIN) + 1].strip() == ""
        ends = line.endswith(_END) and line[-len(_END) - 1 : -len(_END)].strip() == ""
        if not begins and not ends:
            return [line]
        self.marked += 1
        inner = text.removeprefix(_BEGIN).lstrip() if begins else line
        inner = inner.removesuffix(_END).rstrip() if ends else inner
        return [part.strip() for part in _BETWEEN.split(inner)] if begins and ends else [inner]

    def tell(self, progress: Progress) -> None:
        """Say it, if there were any."""
        if self.marked:
            progress.say(
                f"note: {self.marked:,} of {self.lines:,} lines begin with <s> or end with </s>; these are read as "
                "marks of the line, not as words"
            )
