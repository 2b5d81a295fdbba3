"""What to say about bytes that are not in the encoding: a damaged file, or another encoding."""

import codecs
import dataclasses
import re
from collections.abc import Iterable

from elman.text.encoding_guess import likely_encoding

_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]+")
_REPLACED = "\ufffd"
_PART, _MOST_PARTS = 4096, 64
_MUCH_MORE, _FEW_LINES = 10, 50


@dataclasses.dataclass
class ByteSurvey:
    """What the bytes of a file are when they are read as UTF-8, and a sample from all over it."""

    good: int = 0
    """Characters beyond ASCII that are valid UTF-8."""
    bad: int = 0
    """Places that are not."""
    good_lines: int = 0
    """Lines with such characters and no such place. Other encodings have characters that look like
    UTF-8, but hardly a line."""
    bad_lines: int = 0
    """Lines with such a place."""
    parts: list[bytes] = dataclasses.field(default_factory=list)
    """Lines that are not UTF-8, or stretches with zeros, at equal distances."""

    @classmethod
    def of(cls, blocks: Iterable[bytes]) -> "ByteSurvey":
        """Look at every block.

        >>> survey = ByteSurvey.of([b"na\\xc3", b"\\xafve \\xe9 cafe"])
        >>> survey.good, survey.bad
        (1, 1)
        """
        survey, decoder, every = cls(), codecs.getincrementaldecoder("utf-8")("replace"), 1
        for number, block in enumerate(blocks):
            text = decoder.decode(block, final=not block)
            if not text.isascii():
                bad = max(text.count(_REPLACED) - block.count(_REPLACED.encode()), 0)
                survey.bad += bad
                survey.good += sum(map(len, _BEYOND_ASCII.findall(text))) - bad
            part = block[:_PART] if b"\0" in block else survey._count_lines(block)
            if part and number % every == 0:
                survey.parts.append(part)
                if len(survey.parts) > _MOST_PARTS:
                    survey.parts, every = survey.parts[::2], 2 * every
        return survey

    def _count_lines(self, block: bytes) -> bytes:
        """Count the lines of a block; returns the first ones that are not UTF-8."""
        part, size = [], 0
        lines = block.split(b"\n")
        # Its first and last line may be cut within a character.
        for line in lines[1:-1] if len(lines) > _FEW_LINES else lines:
            if line.isascii():
                continue
            try:
                line.decode()
                self.good_lines += 1
            except UnicodeDecodeError:
                self.bad_lines += 1
                if size < _PART:
                    part.append(line[:_PART])
                    size += len(part[-1])
        return b"\n".join(part)

    def advice(self, encoding: str) -> str:
        """What the file probably is, and what to do."""
        if not self.bad:
            return "it is valid utf-8, so leave --encoding out"
        is_utf8 = codecs.lookup(encoding).name.startswith("utf-8")
        if self.good >= _MUCH_MORE * self.bad:
            places = "1 place is" if self.bad == 1 else f"{self.bad:,} places are"
            advice = "so the file is damaged: mend it, or leave such bytes out with iconv -c -f utf-8 -t utf-8"
            return f"{places} not utf-8, and {self.good:,} characters beyond ASCII are; {advice}"
        likely = likely_encoding(b"".join(self.parts))
        if _MUCH_MORE * self.good_lines > self.bad_lines:
            return (
                f"the file mixes utf-8 ({self.good_lines:,} lines) with another encoding ({self.bad_lines:,} lines), "
                f"probably {likely}; convert its parts to utf-8 with iconv before you join them"
            )
        if likely == codecs.lookup(encoding).name or (is_utf8 and likely.startswith("utf-8")):
            return "the file is damaged, or in an encoding that is not recognised; name it with --encoding"
        return f"it is probably {likely}: give --encoding {likely}"
