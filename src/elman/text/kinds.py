"""What is one token at word level, as one table of patterns: words, numbers, links, emoji, signs.

The patterns keep to what Python, JavaScript and Oniguruma read alike. Classes such as ``\\p{L}``
stand inside brackets only, and there is one group, the symbol that repeats.
"""

import re
from functools import cache
from typing import NamedTuple

BLANK = "\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
"""White space, for use inside brackets."""
JOINERS = "\u200c\u200d"
INVISIBLE = "\xad\u061c\u180e\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff"
"""Characters that show nothing: soft hyphen, marks of direction, word joiner, .."""
ZERO_WIDTH_SPACE = "\u200b"
BETWEEN = BLANK + INVISIBLE + ZERO_WIDTH_SPACE + JOINERS
"""What can stand between words."""
APOSTROPHES = "'\u2019\u02bc"
"""One apostrophe, typed three ways; the last one counts as a letter in Unicode."""

# Thai, Lao, Burmese, Khmer, Tai, ..: there a zero-width space marks the end of a word.
_PARTED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u1950-\u1aaf\ua9e0-\ua9ff\uaa60-\uaadf"
_INSIDE = f"(?:[{INVISIBLE}{JOINERS}]|(?<![{_PARTED}]){ZERO_WIDTH_SPACE}(?![{_PARTED}]))"
_LETTERS = r"[\p{L}\p{M}\p{N}]"
_FIRST = r"[\p{L}\p{N}]"
_QUOTE = "['\u2019]"
_INNER = "|".join(
    [
        f"{_QUOTE}{_INSIDE}*",
        f"{_INSIDE}+(?:{_QUOTE}{_INSIDE}*)?",
        # Signs inside numbers: decimals, thousands, times.
        r"(?<=[\p{N}])[.,\u066b\u066c](?=[\p{N}])",
        r"(?<=[\p{N}]):(?=[\p{N}][\p{N}](?![\p{N}]))",
        "(?<=[\\p{N}])[\xa0\u2009\u202f](?=[\\p{N}][\\p{N}][\\p{N}](?![\\p{N}]))",
    ]
).replace("\\u066b\\u066c", "\u066b\u066c")
_END = f"(?![^{BLANK}.,!?\u2026])"
_IN_LINK = f'[^{BETWEEN}<>"\u201c\u201d\xab\xbb()]'
_LINK = rf"(?:{_IN_LINK}|\({_IN_LINK}*\))*(?:[\p{{L}}\p{{M}}\p{{N}}/#=_&~+$%*-]|\({_IN_LINK}*\))"
_SKIN_TONES = "\U0001f3fb-\U0001f3ff"
_TAGS = "\U000e0020-\U000e007f"
_EMOJI = rf"[\p{{Extended_Pictographic}}][\p{{M}}{_SKIN_TONES}{_TAGS}]*"


class Kind(NamedTuple):
    """A kind of text that is one token."""

    name: str
    pattern: str
    examples: tuple[str, ...]
    linked: bool = False
    """Whether it is looked for only in lines that hold an at sign, ``//`` or ``www.``."""


KINDS = (
    Kind(
        "link",
        rf"(?<![\p{{L}}\p{{N}}])(?:[Hh][Tt][Tt][Pp][Ss]?://|[Ff][Tt][Pp]://|www\.|WWW\.|Www\.){_LINK}",
        ("https://example.org/a_(b)?q=1#top", "www.example.org"),
        linked=True,
    ),
    Kind(
        "e-mail address",
        r"(?<![\p{L}\p{M}\p{N}._%+-])[\p{L}\p{N}](?:[\p{L}\p{M}\p{N}._%+-]*[\p{L}\p{M}\p{N}_%+-])?"
        r"@(?:[\p{L}\p{N}][\p{L}\p{M}\p{N}-]*\.)+[\p{L}][\p{L}]+",
        ("ann.lee+news@mail.example.org",),
        linked=True,
    ),
    # Looking back after the sign, not before it, is much faster.
    Kind("@name", r"@(?<![\p{L}\p{M}\p{N}_@]@)[\p{L}\p{N}_][\p{L}\p{M}\p{N}_]*", ("@ann_lee",)),
    Kind(
        "hashtag",
        "[#\uff03](?<![\\p{L}\\p{M}\\p{N}_&].)[\\p{N}_]*[\\p{L}][\\p{L}\\p{M}\\p{N}_]*",
        ("#tbt", "#2nd_place"),
    ),
    Kind(
        "emoticon",
        "|".join(
            [
                rf"[:;](?<![^{BLANK}\p{{L}}\p{{M}}].){_QUOTE}?-?(?:\)+|\(+)(?![\p{{L}}\p{{N}}])",
                rf"[:;=](?<![^{BLANK}].){_QUOTE}?[-^]?(?:\)+|\(+|[\]\[DPpOoSXx3*|/\\]){_END}",
                r"<(?<![\p{L}\p{N}<].)/?3+(?![\p{L}\p{N}.,])",
                rf"(?=[\^>oOT\xaf-])(?<![^{BLANK}])(?:\^_+\^|-_+-|>_+<|[oO]_+[oO]|T_+T|\xaf\\_\(\u30c4\)_/\xaf){_END}".replace(
                    "\\xaf", "\xaf"
                ).replace("\\u30c4", "\u30c4"),
            ]
        ),
        (":)", ";-)", ":'(", ":D", "=P", "<3", "</3", "^_^", "o_O"),
    ),
    Kind("keycap", "[0-9#*]\ufe0f?\u20e3", ("1\ufe0f\u20e3", "#\ufe0f\u20e3")),
    Kind("flag", "[\U0001f1e6-\U0001f1ff][\U0001f1e6-\U0001f1ff]", ("\U0001f1eb\U0001f1f7",)),
    Kind(
        "emoji",
        f"{_EMOJI}(?:\u200d{_EMOJI})*",
        (
            "\U0001f602",
            "\U0001f44d\U0001f3fd",
            "\u2764\ufe0f",
            "\U0001f468\u200d\U0001f469\u200d\U0001f467",
            "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
        ),
    ),
    Kind(
        "word or number",
        rf"{_FIRST}{_LETTERS}*(?:(?:{_INNER}){_LETTERS}+)*",
        ("don't", "caf\xe9", "mp3", "3rd", "1,234.56", "3.14", "10:30", "12\u202f000"),
    ),
    Kind("mark without a letter", r"[\p{M}]+", ("\u0301",)),
)
"""Every kind with a token of its own, in the order in which they are tried."""

SYMBOL = rf"([^{BETWEEN}\p{{L}}\p{{M}}\p{{N}}\p{{Extended_Pictographic}}])(?:\1|[\p{{M}}])*"
"""A punctuation mark or another sign, repeated or not."""

# Most words, found at once: nothing else begins like this.
_COMMON = '[A-Za-z]+(?![^ ,;()"?!])'


@cache
def split_pattern(*, linked: bool) -> str:
    """A pattern whose matches are the parts of a line: a token with what stands before it."""
    items = "|".join(kind.pattern for kind in KINDS if linked or not kind.linked)
    return f"[{BETWEEN}]*(?:{_COMMON}|{items}|{SYMBOL})|[{BETWEEN}]+"


LINKED = re.compile(r"@|//|www\.|WWW\.|Www\.")
"""Found in every line that can hold a link or an address."""

# The sign first and what stands before it after that: patterns that look back first are much
# slower.
INNER_APOSTROPHE = rf"[{APOSTROPHES}](?<={_LETTERS}.)(?<!{APOSTROPHES[2]}.)(?!{APOSTROPHES[2]})(?={_LETTERS})"

# A word after these has no space of its own: opening signs, and signs inside of names and paths.
JOINING = (
    " [\"'\u201c\u2018\u2019\xab\u2039\u201e\u201a(\\[{\xbf\xa1#@$\xa3\u20ac\xa5~\\\\/_.`]+|[-_/\\\\@#$=+*^~|<>&(\\[{"
    "\u201c\u2018\xab\u2039\u201e\u201a\xbf\xa1]+"
)
"""The symbols after which a word usually follows without a space (a symbol comes with its own)."""

PATTERNS = {
    "plain": split_pattern(linked=False),
    "linked": split_pattern(linked=True),
    "isLinked": LINKED.pattern,
    "between": BETWEEN,
    "symbol": SYMBOL,
    "joining": JOINING,
    "hidden": INVISIBLE + ZERO_WIDTH_SPACE,
    "inner": INNER_APOSTROPHE,
}
"""The patterns for ``web/splitter.js``, by the names that it has for them."""
