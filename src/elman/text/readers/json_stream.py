"""The values of a JSON file one after the other: JSON lines, an array, or objects over many
lines."""

import itertools
import json
from collections.abc import Iterator
from typing import Any

from elman.errors import TextError

_DECODER = json.JSONDecoder()


def json_values(lines: Iterator[str], *, name: str) -> Iterator[tuple[int, Any]]:
    """Each value, and the line on which it begins.

    If the first line is no whole value but the beginning of one, the file is one text of JSON, and
    the items of an array at the top are values by themselves. Otherwise each line is one value, and
    blank lines are skipped. Memory holds one value, or the lines on which it stands.

    >>> list(json_values(iter(['{"a": 1}', "", '{"a": 2}']), name="a.jsonl"))
    [(1, {'a': 1}), (3, {'a': 2})]
    >>> list(json_values(iter(["[", '{"a": 1},', "{", '"a": 2', "}]"]), name="a.json"))
    [(2, {'a': 1}), (3, {'a': 2})]

    Raises:
        TextError: it is not valid JSON; says in which line.
    """
    numbered = ((number, line) for number, line in enumerate(lines, start=1) if line and not line.isspace())
    for number, line in numbered:
        if line.lstrip().startswith("[") or _is_cut_off(line):
            yield from _document(_Buffer(itertools.chain([line], lines), line=number, name=name))
        else:
            yield number, _one_line(line, number, name)
            for later, other in numbered:
                yield later, _one_line(other, later, name)


def _one_line(line: str, number: int, name: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise TextError(f"{name}, line {number}: not valid JSON ({_reason(error)}); mend that line") from error


def _is_cut_off(line: str) -> bool:
    if not line.lstrip().startswith("{"):
        return False
    try:
        json.loads(line)
    except json.JSONDecodeError as error:
        return _more_could_help(error)
    except (ValueError, RecursionError):
        pass  # Whoever reads the line reports it.
    return False


def _more_could_help(error: json.JSONDecodeError) -> bool:
    # A string never goes on in the next line, so only what ends between two tokens is cut off.
    return not error.msg.startswith("Unterminated") and not error.doc[error.pos :].strip()


def _reason(error: Exception) -> str:
    return error.msg if isinstance(error, json.JSONDecodeError) else "too large or too deep"


def _document(buffer: "_Buffer") -> Iterator[tuple[int, Any]]:
    while first := buffer.next_character():
        if first != "[":
            yield buffer.value()
            continue
        buffer.skip()
        while buffer.next_character() != "]":
            yield buffer.value()
            if buffer.next_character() == ",":
                buffer.skip()
                if buffer.next_character() == "]":
                    raise buffer.error("a comma before the end of the array")
            elif buffer.next_character() != "]":
                raise buffer.error("the array is cut off, or a comma is missing in it")
        buffer.skip()


class _Buffer:
    """Lines of JSON, taken up as they are needed."""

    def __init__(self, lines: Iterator[str], *, line: int, name: str) -> None:
        self._lines = lines
        self._name = name
        self._text = ""
        self._at = 0
        self._line = line
        self._counted = 0
        """Up to where the line feeds of the text are in ``_line``."""

    def next_character(self) -> str:
        """The next one that is no blank, not taken; nothing at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at].isspace():
                self._at += 1
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._extend(1):
                return ""

    def skip(self) -> None:
        """Take the next character."""
        self._at += 1

    def value(self) -> tuple[int, Any]:
        """Take one value that begins here."""
        line = self._line_here()
        while True:
            try:
                value, self._at = _DECODER.raw_decode(self._text, self._at)
                return line, value
            except json.JSONDecodeError as error:
                if not _more_could_help(error) or not self._extend(len(self._text) - self._at):
                    self._at = error.pos
                    raise self.error(_reason(error)) from error
            except (ValueError, RecursionError) as error:
                raise self.error(_reason(error)) from error

    def error(self, reason: str) -> TextError:
        """The error for what is wrong here."""
        return TextError(f"{self._name}, line {self._line_here()}: not valid JSON ({reason}); mend the file")

    def _line_here(self) -> int:
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line

    def _extend(self, wanted: int) -> bool:
        """Take up lines of at least this many characters; False if there are none."""
        parts, size = [], 0
        for line in self._lines:
            parts += [line, "\n"]
            size += len(line) + 1
            if size >= wanted:
                break
        if not parts:
            return False
        self._line_here()
        self._text = "".join([self._text[self._at :], *parts])
        self._at = self._counted = 0
        return True
