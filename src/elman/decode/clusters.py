"""Whether a word ends where a reader sees a character end.

A flag is two letters, a family several people with joiners, a thumb may have a colour: one
character each on the screen. Where tokens are characters or pieces, a word could end or begin
inside one.
"""

import unicodedata

JOINER = "\u200d"
_LETTERS_OF_FLAGS = "".join(map(chr, range(0x1F1E6, 0x1F200)))


def is_regional(char: str) -> bool:
    """Whether a character is half of a flag."""
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def goes_on_with(symbol: str, char: str) -> bool:
    """Whether a character after a symbol belongs to what is seen as one character with it.

    >>> goes_on_with("👍", "🏽"), goes_on_with("👩", "\u200d"), goes_on_with("🇩", "🇪"), goes_on_with("👍", "👎")
    (True, True, True, False)
    """
    if char == JOINER or "\U0001f3fb" <= char <= "\U0001f3ff" or "\U000e0020" <= char <= "\U000e007f":
        return True
    return is_regional(symbol) and is_regional(char)


def is_whole(word: str) -> bool:
    """Whether a word neither begins nor ends inside a visible character.

    >>> [is_whole(word) for word in ("🇩🇪", "🇩", "👩\u200d", "🏽", "\u0301a", "नमस्ते", "👍🏽")]
    [True, False, False, False, False, True, True]
    """
    if not word or word.isascii():
        return word != ""
    first = word[0]
    if first == JOINER or unicodedata.category(first)[0] == "M" or goes_on_with("", first):
        return False
    flags = len(word) - len(word.rstrip(_LETTERS_OF_FLAGS))
    return word[-1] != JOINER and flags % 2 == 0
