"""How results look: JSON for programs, short text for people."""

import json
import sys
from typing import Any

from elman.progress import Progress, ScreenProgress


def print_json(value: Any) -> None:
    """One JSON value on one line of stdout."""
    print(json.dumps(value, ensure_ascii=False))


def make_progress(quiet: bool = False) -> Progress:
    """Progress on stderr, or none."""
    return Progress() if quiet else ScreenProgress()


def warn(message: str) -> None:
    """One line of talk on stderr."""
    print(f"elman: {message}", file=sys.stderr)


def printable(text: str) -> str:
    """A text that cannot steer the terminal, of the same length.

    >>> printable("a\x1b[1m\tb")
    'a [1m b'
    """
    return "".join(character if character.isprintable() else " " for character in text)


def bar(share: float, width: int = 24) -> str:
    """A bar for a share of 1, in eighths of a character.

    >>> bar(0.5, 4), bar(0.0, 4)
    ('██', '')
    """
    eighths = round(max(0.0, min(1.0, share)) * width * 8)
    return "█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip()


def table(head: list[str], rows: list[list[str]]) -> str:
    """Columns aligned: the first to the left, the others to the right.

    >>> print(table(["model", "bits"], [["lstm", "1.5"], ["ngram", "1.25"]]))
    model  bits
    lstm    1.5
    ngram  1.25
    """
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]

    def line(cells: list[str]) -> str:
        first = cells[0].ljust(widths[0])
        return "  ".join(
            [first, *(cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True))]
        ).rstrip()

    return "\n".join(line(row) for row in [head, *rows])
