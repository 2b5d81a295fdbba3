"""The content of tokenizer.json, and strict checks on reading.

The object is composed here, key by key, so its bytes do not depend on the version of the
`tokenizers` library. A file that differs from what elman would write for its settings is refused.
"""

import json
from collections.abc import Sequence
from typing import Any, cast

from elman.errors import FolderError
from elman.text.kinds import split_pattern
from elman.text.letter_case import CaseLocale
from elman.text.splitting import CHAR_PATTERN, PRETOKENIZED_PATTERN, WORD_PATTERN, Level
from elman.text.word_types import is_marker

SPECIALS = ("<unk>", "</s>")
"""The first two types of every vocabulary."""

Merges = Sequence[tuple[str, str]]


def compose(
    tokens: Sequence[str],
    merges: Merges,
    *,
    level: Level,
    pretokenized: bool,
    lowercase: bool,
    prepend: bool,
    locale: CaseLocale | None = None,
    compatibility: bool = False,
    rules: int = 1,
) -> dict[str, Any]:
    """The whole object; ``prepend=False`` leaves out the step that puts a space before each line.

    From rules 2 on, words have types with a space before them only: in a tool that knows nothing of
    ``elman.text.word_types``, a word after a bracket or a no-break space is unknown.

    >>> compose(["<unk>", "</s>"], [], level="char", pretokenized=False, lowercase=False, prepend=True)["model"]
    {'type': 'WordLevel', 'vocab': {'<unk>': 0, '</s>': 1}, 'unk_token': '<unk>'}
    """
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}
    of_bytes, of_words = level in ("subword", "byte"), level in ("word", "subword")

    normalizers: list[dict[str, Any]] = []
    if of_words and prepend:
        normalizers.append({"type": "Prepend", "prepend": " "})
    if pretokenized:
        normalizers += [_replace(" +$", ""), _replace(" {2,}", " ")]
    if lowercase and rules > 1:
        normalizers += [_replace("\u0130", "i"), *([_replace("I", "\u0131")] if locale else []), _FINAL_SIGMA]
    if compatibility:
        normalizers.append({"type": "NFKC"})
    if lowercase:
        normalizers.append({"type": "Lowercase"})

    splits: list[dict[str, Any]] = []
    if of_words:
        raw = split_pattern(linked=True) if level == "word" and rules > 1 else WORD_PATTERN
        splits.append(_split(PRETOKENIZED_PATTERN if pretokenized else raw))
    if level == "char":
        splits.append(_split(CHAR_PATTERN))
    if of_bytes:
        splits.append(byte_level)

    decoders: list[dict[str, Any]] = [byte_level if of_bytes else {"type": "Fuse"}]
    if of_words:
        decoders.append({"type": "Strip", "content": " ", "start": 1, "stop": 0})

    vocab = {token: token_id for token_id, token in enumerate(tokens)}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": _sequence(normalizers, "normalizers"),
        "pre_tokenizer": _sequence(splits, "pretokenizers"),
        "post_processor": None,
        "decoder": _sequence(decoders, "decoders"),
        "model": _byte_pairs(vocab, merges) if of_bytes else _words(vocab),
    }


def byte_alphabet() -> list[str]:
    """The character for each byte in byte-level vocabularies: itself if visible, else one from
    U+0100 on.

    >>> byte_alphabet()[ord("a")], byte_alphabet()[ord(" ")]
    ('a', 'Ġ')
    """
    visible = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    hidden = iter(range(0x100, 0x200))
    return [chr(byte) if byte in visible else chr(next(hidden)) for byte in range(256)]


def pieces(tokens: Sequence[str], *, level: Level, markers: bool = False) -> list[bytes]:
    """The bytes that each token adds to a text: a line feed for `</s>`, U+FFFD for `<unk>`, nothing
    for markers.
    """
    if level in ("subword", "byte"):
        value = {char: byte for byte, char in enumerate(byte_alphabet())}
        bytes_of_tokens = [bytes(value[char] for char in token) for token in tokens]
    else:
        bytes_of_tokens = [b"" if markers and is_marker(token) else token.encode() for token in tokens]
    return ["\ufffd".encode(), b"\n", *bytes_of_tokens[len(SPECIALS) :]]


def parse(data: bytes, *, name: str) -> dict[str, Any]:
    """The object in a file called ``name``.

    Raises:
        FolderError: not UTF-8, not JSON, not an object, or a key that occurs twice.
    """
    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        raise damaged(name, str(error).splitlines()[0]) from None
    if not isinstance(value, dict):
        raise damaged(name, "it is not an object")
    return value


def vocabulary(definition: dict[str, Any], *, level: Level, name: str) -> tuple[list[str], list[tuple[str, str]]]:
    """The token strings by id, and the merges, of an object read from a file called ``name``.

    Raises:
        FolderError: they are not a vocabulary of that level.
    """
    model = definition.get("model")
    vocab = model.get("vocab") if isinstance(model, dict) else None
    if not isinstance(vocab, dict) or not all(type(token_id) is int for token_id in vocab.values()):
        raise damaged(name, "it has no vocabulary with token ids")
    tokens = sorted(vocab, key=vocab.__getitem__)
    if [vocab[token] for token in tokens] != list(range(len(tokens))):
        raise damaged(name, "token ids are not 0, 1, 2, ... without gaps")
    if tuple(tokens[:2]) != SPECIALS:
        raise damaged(name, "ids 0 and 1 are not <unk> and </s>")
    try:
        "".join(tokens).encode()
    except UnicodeEncodeError:
        raise damaged(name, "a token is not Unicode text") from None
    if level == "char" and any(len(token) != 1 for token in tokens[2:]):
        raise damaged(name, "a type is not one character")
    if any(not token or "\n" in token for token in tokens):
        raise damaged(name, "a type is empty or holds a line end")
    alphabet = byte_alphabet()
    if level == "byte" and tokens[2:] != alphabet:
        raise damaged(name, "the vocabulary is not the 256 bytes")
    if level != "subword":
        return tokens, []
    if not {*alphabet} <= {*tokens} or not {*"".join(tokens[2:])} <= {*alphabet}:
        raise damaged(name, "the vocabulary is not made of the 256 bytes")
    return tokens, _merges(cast("dict[str, Any]", model).get("merges"), tokens, name=name)


def damaged(name: str, why: str) -> FolderError:
    """The error for a file that cannot be used."""
    return FolderError(f"{name} is damaged ({why}); copy the model folder again, or train anew")


def _merges(found: Any, tokens: Sequence[str], *, name: str) -> list[tuple[str, str]]:
    known = {*tokens}
    merges: list[tuple[str, str]] = []
    for merge in found if isinstance(found, list) else [found]:
        pair = isinstance(merge, list) and len(merge) == 2 and all(isinstance(side, str) for side in merge)
        if not pair or not {*merge, "".join(merge)} <= known:
            raise damaged(name, "a merge is not of known tokens")
        merges.append((merge[0], merge[1]))
    return merges


def _words(vocab: dict[str, int]) -> dict[str, Any]:
    return {"type": "WordLevel", "vocab": vocab, "unk_token": SPECIALS[0]}


def _byte_pairs(vocab: dict[str, int], merges: Merges) -> dict[str, Any]:
    return {
        "type": "BPE",
        "dropout": None,
        "unk_token": None,
        "continuing_subword_prefix": None,
        "end_of_word_suffix": None,
        "fuse_unk": False,
        "byte_fallback": False,
        "ignore_merges": False,
        "vocab": vocab,
        "merges": [list(merge) for merge in merges],
    }


def _replace(pattern: str, content: str) -> dict[str, Any]:
    return {"type": "Replace", "pattern": {"Regex": pattern}, "content": content}


_FINAL_SIGMA = _replace(
    r"\p{Cased}\p{Case_Ignorable}*+\K\u03a3(?!\p{Case_Ignorable}*+\p{Cased})".replace("\\u03a3", "\u03a3"), "\u03c2"
)
"""A capital sigma at a word's end is a final one in lower case."""


def _split(pattern: str) -> dict[str, Any]:
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}


def _sequence(steps: list[dict[str, Any]], plural: str) -> dict[str, Any] | None:
    if len(steps) < 2:
        return steps[0] if steps else None
    return {"type": "Sequence", plural: steps}


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys_and_values = dict(pairs)
    if len(keys_and_values) != len(pairs):
        raise ValueError("a key or token occurs twice")
    return keys_and_values
