"""A prompt as tokens with their positions in the text, from text or from token ids."""

import codecs
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from elman.data.oov import Unknown, unknown_tokens
from elman.decode.prompts import open_end
from elman.decode.scoring import shown_bytes
from elman.notation import TokenIds
from elman.serve.errors import Problem
from elman.text.tokenizer import EOS_ID, UNK_ID, Tokenizer

_LONGEST_CHARACTER = 64
"""Most marks on one letter that are handled together; no language has more, but a request may."""
_LINE_END = re.compile("\r\n|\r|\n")


@dataclass(frozen=True, eq=False)
class Prompt:
    """The input that a model reads before it generates."""

    text: str
    ids: TokenIds
    offsets: list[int]
    """Where each token begins in the text, in characters."""
    shown: list[str]
    """Each token as people read it; together they are the text, except for bytes that are not a
    character alone."""
    typed: bytes
    """A space at the end, with which the next token must begin; or nothing."""
    line_start: bool
    """Whether the next token begins a line."""
    line: str = ""
    """The open line, as far as it was read."""
    unknown: list[Unknown] = field(default_factory=list)
    """The unknown words by their positions among the tokens."""
    signs: str = ""
    """The apostrophes of the text, where its tokens have one sign for all."""


def prompt_from_text(tokenizer: Tokenizer, text: str) -> Prompt:
    """The tokens that ``elman.decode.prompts.read_prompt`` feeds to a model.

    >>> from elman.text.tokenizer import TokenizerConfig
    >>> words = Tokenizer.fit(["the cat sat"], config=TokenizerConfig(min_count=1))
    >>> prompt_from_text(words, "the dog\\nsat").shown, prompt_from_text(words, "the dog\\nsat").offsets
    (['the', ' dog', '\\n', 'sat'], [0, 3, 7, 8])
    """
    ids: list[int] = []
    offsets: list[int] = []
    unknown: list[Unknown] = []
    signs: list[str] = []
    begin = 0

    def take(raw: str, line: str) -> None:
        encoded = tokenizer.encode(line)
        places = _places(raw, line)
        unknown.extend(Unknown(len(ids) + place, word) for place, word in unknown_tokens(tokenizer, line, encoded))
        signs.append(tokenizer.spelling.signs(line))
        ids.extend(encoded.ids.tolist())
        offsets.extend(begin + places[start] for start in encoded.spans[:, 0].tolist())

    for end in _LINE_END.finditer(text):
        raw = text[begin : end.start()]
        take(raw, tokenizer.normal_form(raw))
        ids.append(EOS_ID)
        offsets.append(end.start())
        begin = end.end()
    raw = text[begin:]
    line = tokenizer.normal_form(raw) + raw[len(raw.rstrip()) :]
    part, typed = open_end(tokenizer, line)
    take(raw, part)
    ends = [*offsets[1:], len(text)]
    shown = [
        shown_token(tokenizer, token, text[start:end])
        for token, start, end in zip(ids, offsets, ends[: len(ids)], strict=True)
    ]
    read = np.array(ids, dtype=np.int64)
    return Prompt(text, read, offsets, shown, typed, not line, part, unknown, "".join(signs))


def prompt_from_ids(tokenizer: Tokenizer, ids: TokenIds) -> Prompt:
    """Token ids as a prompt, with the text that they spell from a line's start on."""
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    parts: list[str] = []
    offsets: list[int] = []
    shown: list[str] = []
    length, line_start = 0, True
    writer = tokenizer.writer()
    for token in ids.tolist():
        data = writer.write(token)
        offsets.append(length)
        shown.append(shown_token(tokenizer, token, None, line_start=line_start))
        parts.append(decoder.decode(data))
        length += len(parts[-1])
        line_start = token == EOS_ID
    parts.append(decoder.decode(b"", final=True))
    text = "".join(parts)
    return Prompt(text, ids, offsets, shown, b"", line_start, text.rpartition("\n")[2])


def check_ids(tokenizer: Tokenizer, ids: Sequence[int], *, param: str) -> None:
    """Check that a model has these tokens.

    Raises:
        Problem: the model lacks one; ``param`` is the field with the tokens.
    """
    most = max(ids, default=0)
    if most >= tokenizer.size:
        raise Problem(422, f"{param} has token id {most}; this model's are 0 to {tokenizer.size - 1}", param=param)


def shown_token(tokenizer: Tokenizer, token: int, text: str | None, *, line_start: bool = False) -> str:
    """A token as people read it: the part of the text that it is, or what it adds to one.

    Bytes that are not a character alone are spelled out, as OpenAI does.

    >>> from elman.text.tokenizer import TokenizerConfig
    >>> byte_level = Tokenizer.fit([], config=TokenizerConfig(level="byte"))
    >>> shown_token(byte_level, 2 + 0xC3, None)
    'bytes:\\\\xc3'
    """
    if token == UNK_ID:
        return "<unk>" if text is None else text
    data = tokenizer.decode_bytes([token], line_start=line_start)
    shown = shown_bytes(data)
    return shown if text is None or shown.encode() != data else text


def _places(raw: str, line: str) -> list[int]:
    """For each character of a normalised line, and for its end, the place in the raw line."""
    if raw.startswith(line):
        return list(range(len(line) + 1))
    places: list[int] = []
    begin = 0
    while begin < len(raw):
        end = begin + 1
        while end < min(len(raw), begin + _LONGEST_CHARACTER) and _joins(raw[begin:end], raw[end]):
            end += 1
        part = "" if raw[begin] == "\ufeff" and not places else unicodedata.normalize("NFC", raw[begin:end])
        places += [min(begin + place, end - 1) for place in range(len(part))]
        begin = end
    places = places[: len(line)]
    return places + [len(raw)] * (len(line) + 1 - len(places))


def _joins(before: str, char: str) -> bool:
    """Whether a character changes or orders itself among those before it when they are
    normalised."""
    if char.isascii():
        return False
    alone = unicodedata.normalize("NFC", before) + unicodedata.normalize("NFC", char)
    return unicodedata.combining(char) > 0 or unicodedata.normalize("NFC", before + char) != alone
