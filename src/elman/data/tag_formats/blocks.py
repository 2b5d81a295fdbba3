"""Blocks of lines: what stands between blank lines, with nothing lost."""

import dataclasses
from collections.abc import Iterator, Sequence

BYTE_ORDER_MARK = "\ufeff"


@dataclasses.dataclass(slots=True)
class Block:
    """Lines up to and with the blank line that ends them."""

    number: int
    """Of its first line in the file, counted from 1."""
    lines: list[str]
    """Exact lines; blank ones may come first."""
    before: str = ""
    """A byte-order mark."""

    def __add__(self, other: "Block") -> "Block":
        return Block(self.number, self.lines + other.lines, self.before + other.before)


def line_blocks(lines: Iterator[str]) -> Iterator[Block]:
    """The blocks of a file; lines of nothing but white space separate them.

    >>> [block.lines for block in line_blocks(iter(["a\\n", "b\\n", " \\n", "\\n", "c"]))]
    [['a\\n', 'b\\n', ' \\n'], ['\\n', 'c']]
    """
    block, content = Block(1, []), False
    for number, line in enumerate(lines, start=1):
        if number == 1 and line.startswith(BYTE_ORDER_MARK):
            block.before, line = BYTE_ORDER_MARK, line[1:]
        blank = not line or line.isspace()
        if line:
            block.lines.append(line)
        if blank and content:
            yield block
            block, content = Block(number + 1, []), False
        content = content or not blank
    if block.lines or block.before:
        yield block


def without_end(line: str) -> str:
    """A line without its line end."""
    return line.rstrip("\r\n")


def replaced(line: str, start: int, end: int, new: str) -> str:
    """A line with another text from ``start`` to ``end``."""
    return line[:start] + new + line[end:]


@dataclasses.dataclass(frozen=True, slots=True)
class BlockPlace:
    """Where the words of a sentence stand in a block of a file."""

    name: str
    """The name of the file."""
    number: int
    """Of the first of ``lines`` in the file."""
    before: str
    lines: tuple[str, ...]
    rows: Sequence[int]
    """For each word the index of its line in ``lines``."""

    @classmethod
    def of(cls, block: Block, rows: Sequence[int], *, name: str) -> "BlockPlace":
        return cls(name, block.number, block.before, tuple(block.lines), tuple(rows))

    def position_of(self, word: int) -> str:
        """File and line of a word."""
        return f"{self.name}, line {self.number + self.rows[word]}"

    def joined(self, new: Sequence[str]) -> str:
        """All lines, with ``new`` ones for the words."""
        lines = list(self.lines)
        for row, line in zip(self.rows, new, strict=True):
            lines[row] = line
        return self.before + "".join(lines)
