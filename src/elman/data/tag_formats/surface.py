"""Words of a treebank in the text that they come from."""

import dataclasses
import unicodedata
from collections.abc import Sequence

_ESCAPES = {"s": " ", "t": "\t", "r": "\r", "n": "\n", "p": "|", "\\": "\\"}
_ESCAPED = {char: "\\" + letter for letter, char in _ESCAPES.items()}


@dataclasses.dataclass(slots=True)
class Token:
    """What stands in the text for one word or several."""

    form: str
    words: list[str]
    space_after: str = " "


def place_tokens(tokens: Sequence[Token], text: str | None) -> tuple[str, tuple[tuple[int, int], ...]]:
    """The text of a sentence and the place of each word in it.

    Args:
        text: what the file says the text is; where the tokens do not follow each other in it, the
            text is made of the tokens.

    >>> tokens = [Token("don't", ["do", "n't"], ""), Token("!", ["!"]), Token("au", ["à", "le"])]
    >>> place_tokens(tokens, None)
    ("don't! au", ((0, 2), (2, 5), (5, 6), (7, 9), (7, 9)))
    """
    starts = None if text is None else _find(tokens, text)
    if text is None or starts is None:
        text, starts = "", []
        for token in tokens:
            starts.append(len(text))
            text += token.form + token.space_after
        text = text[: starts[-1] + len(tokens[-1].form)] if tokens else ""
    offsets: list[tuple[int, int]] = []
    for token, start in zip(tokens, starts, strict=True):
        if len(token.words) == 1 or "".join(token.words) != token.form:
            offsets += [(start, start + len(token.form))] * len(token.words)
            continue
        for word in token.words:
            offsets.append((start, start + len(word)))
            start += len(word)
    return text, tuple(offsets)


def _find(tokens: Sequence[Token], text: str) -> list[int] | None:
    """The start of each token in a text; None if there is anything but blanks between them."""
    starts, at = [], 0
    for token in tokens:
        while not text.startswith(token.form, at) and at < len(text) and text[at].isspace():
            at += 1
        if not text.startswith(token.form, at):
            return None
        starts.append(at)
        at += len(token.form)
    return starts


def escaped_spaces(blanks: str) -> str:
    r"""What stands between two words, as UDPipe writes it in ``SpacesAfter``.

    >>> print(escaped_spaces("  \t"))
    \s\s\t
    """
    return "".join(_ESCAPED.get(char, char) for char in blanks)


def unescaped_spaces(value: str) -> str:
    r"""The opposite of ``escaped_spaces``.

    >>> unescaped_spaces(r"\s\t"), unescaped_spaces(r"\x")
    (' \t', '\\x')
    """
    parts, rest = [], iter(value)
    for char in rest:
        if char == "\\":
            letter = next(rest, "")
            parts.append(_ESCAPES.get(letter, "\\" + letter))
        else:
            parts.append(char)
    return "".join(parts)


def nfc(word: str) -> str:
    """A word in NFC.

    >>> len(nfc("e\\u0301"))
    1
    """
    return word if word.isascii() else unicodedata.normalize("NFC", word)
