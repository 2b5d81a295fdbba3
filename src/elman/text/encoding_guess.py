"""The encoding that bytes are probably in, for the message about bytes that are not valid."""

import re
import unicodedata
from functools import cache

_CANDIDATES = (
    "cp1252", "cp1254", "cp1250", "cp1251", "koi8-r", "cp1253", "cp1256",
    "shift_jis", "euc_jp", "gb18030", "big5", "euc_kr", "latin-1",
)  # fmt: skip
"""From the most to the least likely where the bytes fit several equally well."""
_ENDS_INSIDE = 3
_PRINTABLE = bytes([9, 10, 13, *range(32, 127)])
_RUN = re.compile(r"[^\x00-\x7f]+")
_NOTED = 200_000
_PUNCTUATION = frozenset("‘’“”„‚…–—•«»‹›€£§°·´¿¡™©®\u00a0、。，．・「」！？：；（）ー")


# Bytes of one East Asian encoding are often rare ideographs of another.
_LETTER_WORTH = {"CJK": 0.8, "COMMON": 1.1, "HIRAGANA": 1.1, "KATAKANA": 1.0, "HANGUL": 1.1, "JAMO": 0.0}
_ALPHABETS = {"cp1254": frozenset("çğıöşüâîû"), "cp1250": frozenset("ąćęłńóśźżáčďéěíňřšťúůýžäĺľôŕőűöüăşâî")}
_ICELANDIC = frozenset("ýþð")
"""The letters in the places of Turkish ones."""
_COMMON_IDEOGRAPHS = frozenset(
    "的一是不了在人有我他她你好们們这這个個中来來上大为為和国國地到以说說时時要就出会會可也对對生能子日本見言年行"
)


def wide_encoding(sample: bytes) -> str | None:
    """UTF-16 or UTF-32 without a byte-order mark, by where the zeros are; None for other bytes.

    >>> wide_encoding("one\\ntwo".encode("utf-16-le")), wide_encoding(b"one\\0")
    ('utf-16-le', None)
    """
    for name, width, zeros in (
        ("utf-32-le", 4, (2, 3)), ("utf-32-be", 4, (0, 1)), ("utf-16-le", 2, (1,)), ("utf-16-be", 2, (0,))
    ):  # fmt: skip
        whole = sample[: len(sample) // width * width]
        if len(whole) < 4 * width:
            continue
        units = len(whole) // width
        others = [place for place in range(width) if place not in zeros]
        filled = sum(whole[place::width].count(0) for place in zeros) / (units * len(zeros))
        # In scripts other than Latin only blanks and line ends have a zero; it is always in one
        # place.
        stray = whole[others[-1 if name.endswith("be") else 0] :: width].count(0) / units
        # Plain text with a few zeros would be rare ideographs.
        plain = filled < 0.3 and len(whole.translate(None, _PRINTABLE)) < 0.1 * len(whole) + whole.count(0)
        if filled > 0.02 and stray < filled / 20 and not plain and _decodes(whole, name):
            return name
    return None


def likely_encoding(sample: bytes) -> str:
    """The encoding, other than UTF-8, in which most of the bytes above 127 make sense.

    >>> likely_encoding("“naïve”".encode("cp1252")), likely_encoding("café crème".encode("latin-1"))
    ('cp1252', 'latin-1')
    >>> likely_encoding("кошка сидела на окне".encode("koi8-r"))
    'koi8-r'
    """
    wide = wide_encoding(sample)
    if wide is not None:
        return wide
    scores = {name: _score(sample, name) for name in _CANDIDATES}
    best = max(scores.values())
    # cp1252 is latin-1 with punctuation in the place of control characters.
    if scores["latin-1"] == best and scores["cp1252"] == best:
        return "latin-1"
    return next(name for name in _CANDIDATES if scores[name] == best)


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        # A sample may begin or end within a character.
        return error.start >= len(data) - _ENDS_INSIDE
    return "\0" not in text


def _score(sample: bytes, encoding: str) -> float:
    """From -1 to 1: how much the characters above 127 look like a text of one language."""
    text = sample.decode(encoding, errors="replace")
    total, runs = 0.0, 0
    for match in _RUN.finditer(text, 0, _NOTED):
        run = match[0]
        around = text[match.start() - 1 : match.start()] + text[match.end() : match.end() + 1]
        # By bytes, so that encodings of two bytes a character can be compared with others.
        total += len(run.encode(encoding, errors="replace")) * _worth(run, encoding, beside_latin=_has_letter(around))
        runs += len(run.encode(encoding, errors="replace"))
    return total / max(runs, 1)


def _has_letter(text: str) -> bool:
    return any(char.isalpha() for char in text)


def _worth(run: str, encoding: str, *, beside_latin: bool) -> float:
    worth, before = 0.0, ""
    scripts = {script_of(char) for char in run if char.isalpha()}
    for char in run:
        if char == "\ufffd":
            worth -= 3
        elif char in _PUNCTUATION:
            worth += 0.6
        elif char.isalpha():
            mixed = (
                len(scripts) > 1 or (beside_latin and scripts != {"LATIN"}) or (scripts == {"LATIN"} and len(run) > 3)
            )
            turned = char.isupper() and before.islower()
            known = _LETTER_WORTH.get(_kind(char), 1.0)
            if encoding in _ALPHABETS:
                known = 1.0 if char.lower() in _ALPHABETS[encoding] else 0.5
            elif char.lower() in _ICELANDIC:
                known = 0.9
            worth += -1 if mixed or turned else known - 0.1 * char.isupper()
        else:
            worth -= 2 if unicodedata.category(char).startswith("C") else 0.7
        before = char
    return worth / len(run)


def _kind(char: str) -> str:
    if char in _COMMON_IDEOGRAPHS:
        return "COMMON"
    words = unicodedata.name(char, "NONE").split()
    return "JAMO" if words[:2] == ["HANGUL", "LETTER"] else words[0]


@cache
def script_of(char: str) -> str:
    """The script of a letter, as the first word of its Unicode name; Chinese and kana are one.

    >>> script_of("é"), script_of("ж"), script_of("か")
    ('LATIN', 'CYRILLIC', 'CJK')
    """
    kind = unicodedata.name(char, "NONE").split()[0]
    return "CJK" if kind in ("CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA") else kind
