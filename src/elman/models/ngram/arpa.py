"""ARPA files as models, n-gram models as ARPA files, and the words of both in elman's tokenizers.

An ARPA file has words between blanks, so a model read from one has a tokenizer of pretokenized
words. When a pretokenized model is written, its words stay as they are. Tokens of other levels
contain their spaces, which are escaped in the file: a space is ``▁``, a ``▁`` or ``\\`` of the text
has a ``\\`` before it, and another blank or a control character is ``\\u{9}`` with its number.
Tokens made of bytes are spelled as in tokenizer.json. A comment before ``\\data\\`` then has the
tokenizer's settings, so the model that is read from the file has the same tokenizer.
"""

import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elman.errors import FolderError, ModelError, UsageError
from elman.models.ngram.arpa_lexicon import BOS, UNK_NAMES
from elman.models.ngram.arpa_reader import read_arpa
from elman.models.ngram.arpa_writer import write_arpa
from elman.models.ngram.backoff import BackoffTables
from elman.models.ngram.query import NgramModel
from elman.models.protocol import LanguageModel
from elman.progress import Progress
from elman.text.speller import Speller
from elman.text.tokenizer import Tokenizer, TokenizerConfig
from elman.text.tokenizer_json import SPECIALS, byte_alphabet, vocabulary

_SETTINGS = "# elman tokenizer: "
_MARKED = "# ▁ in a word stands for a space of the text\n"
_NO_SPELLER = (
    "an ARPA file does not say how unknown words are spelled, so their spelling costs more or less than in the model "
    "that it came from; `elman score --no-spelling` leaves it out"
)


@dataclass(frozen=True, kw_only=True)
class Imported:
    """A model read from an ARPA file."""

    model: NgramModel
    speller: Speller
    """Knows the vocabulary only: an ARPA file has no words that were unknown to it."""
    facts: dict[str, Any]
    """For the model card: the file's name, its sha256 (decompressed), and notes on what was added
    or left out."""


def load_arpa(path: Path, *, progress: Progress | None = None) -> Imported:
    """The model of an ARPA file, plain or compressed.

    Raises:
        FolderError: it is no ARPA file, or is damaged, cut off, or contradicts itself.
    """
    progress = progress or Progress()
    arpa = read_arpa(path, progress=progress)
    tokenizer, notes = _tokenizer(path, arpa.words, arpa.preamble)
    notes = [*arpa.notes, *notes]
    for note in notes:
        progress.say(f"{path.name}: {note}")
    tokens = tokenizer.tokens
    model = NgramModel.from_backoff(arpa.tables, tokenizer)
    model.notes.extend(notes)
    facts = {"file": path.name, "sha256": arpa.sha256, "notes": notes}
    return Imported(model=model, speller=Speller.fit({token: 1 for token in tokens[len(SPECIALS) :]}), facts=facts)


def save_arpa(
    model: LanguageModel, path: Path, *, tokenizer: Tokenizer | None = None, progress: Progress | None = None
) -> None:
    """Write a model as an ARPA file, gzip if its name ends in ``.gz``.

    Args:
        tokenizer: the names of its types; default: its own tokenizer.

    Raises:
        ModelError: it is no n-gram model, or a type of it cannot stand in an ARPA file.
        StorageError: the file cannot be written.
    """
    to_tables = getattr(model, "backoff_tables", None)
    if to_tables is None:
        raise ModelError(
            f"a model of the kind {model.describe()['name']} has no n-grams to write into an ARPA file; "
            "export one that was trained with --model ngram"
        )
    tokenizer = tokenizer or model.tokenizer
    words = arpa_words(tokenizer)
    tables: BackoffTables = to_tables()
    write_arpa(path, tables, words, preamble=arpa_preamble(tokenizer), progress=progress)
    tell_losses(tokenizer, progress or Progress())


def tell_losses(tokenizer: Tokenizer, progress: Progress) -> None:
    """Say what an ARPA file of this tokenizer's types cannot hold."""
    if _has_unknown(tokenizer):
        progress.say(f"note: {_NO_SPELLER}")


def _has_unknown(tokenizer: Tokenizer) -> bool:
    return tokenizer.config.level in ("word", "char")


def arpa_preamble(tokenizer: Tokenizer) -> str:
    """What stands before ``\\data\\``: the settings of a tokenizer whose types contain their
    spaces.

    >>> print(arpa_preamble(Tokenizer(SPECIALS, config=TokenizerConfig(level="char"))).splitlines()[0][:36])
    # elman tokenizer: {"level": "char",
    """
    if tokenizer.config.pretokenized:
        return ""
    marked = _MARKED if tokenizer.config.level in ("word", "char") else ""
    return f"{_SETTINGS}{json.dumps(tokenizer.config.to_json())}\n{marked}"


def _tokenizer(path: Path, words: Sequence[str], preamble: bytes) -> tuple[Tokenizer, list[str]]:
    """The tokenizer of a file, and notes on it."""
    types = words[len(SPECIALS) :]
    lines = preamble.decode(errors="replace").splitlines()
    settings = next((line.removeprefix(_SETTINGS) for line in lines if line.startswith(_SETTINGS)), None)
    if settings is None:
        marked = sum(word.startswith("▁") and word != "▁" for word in types)
        begin = "1 word begins" if marked == 1 else f"{marked} words begin"
        note = (
            f"{begin} with ▁, and nothing before \\data\\ says how text is split into them; they are read "
            "as they stand between spaces, so split the text like that, or export the file from its model again"
        )
        tokenizer = Tokenizer([*SPECIALS, *(f" {word}" for word in types)], config=TokenizerConfig(pretokenized=True))
        return tokenizer, [note] if marked else []
    try:
        config = TokenizerConfig.from_json(json.loads(settings))
    except (ValueError, UsageError) as error:
        raise FolderError(
            f"{path}: the tokenizer's settings before \\data\\ are damaged ({error}); export the file again, or remove "
            "that line"
        ) from None
    tokens = [*SPECIALS, *(types if config.level in ("subword", "byte") else map(_plain, types))]
    merges = _merges(tokens) if config.level == "subword" else []
    model = {"vocab": {token: token_id for token_id, token in enumerate(tokens)}, "merges": [*map(list, merges)]}
    vocabulary({"model": model}, level=config.level, name=str(path))
    tokenizer = Tokenizer(tokens, config=config, merges=merges)
    return tokenizer, [_NO_SPELLER] if _has_unknown(tokenizer) else []


def _merges(tokens: Sequence[str]) -> list[tuple[str, str]]:
    """The merges of a subword vocabulary: each made the token at its place from two earlier ones.

    >>> _merges([*SPECIALS, *byte_alphabet(), "th", "the"])
    [('t', 'h'), ('th', 'e')]
    """
    ranks: dict[tuple[str, str], int] = {}
    for token in tokens[len(SPECIALS) + len(byte_alphabet()) :]:
        parts = [*token]
        while len(parts) > 2:
            known = [(ranks[pair], at) for at, pair in enumerate(zip(parts, parts[1:], strict=False)) if pair in ranks]
            if not known:
                break
            at = min(known)[1]
            parts[at : at + 2] = ["".join(parts[at : at + 2])]
        ranks[parts[0], "".join(parts[1:])] = len(ranks)
    return list(ranks)


def arpa_words(tokenizer: Tokenizer) -> list[str]:
    """How a tokenizer's types are written in an ARPA file, by token id.

    >>> arpa_words(Tokenizer([*SPECIALS, " the", "'s", " \\t"], config=TokenizerConfig()))
    ['<unk>', '</s>', '▁the', "'s", '▁\\\\u{9}']

    Raises:
        ModelError: a pretokenized word holds a control character, or is one of ARPA's own.
    """
    config = tokenizer.config
    tokens = tokenizer.tokens[len(SPECIALS) :]
    if config.level in ("subword", "byte"):
        return [*SPECIALS, *tokens]
    if not config.pretokenized:
        return [*SPECIALS, *map(_visible, tokens)]
    words = [token.removeprefix(" ") for token in tokens]
    for word in words:
        if word in (BOS, *SPECIALS, *UNK_NAMES):
            raise ModelError(f"the word {word!r} of this model means something else in an ARPA file; train without it")
        if not word or any(char <= " " for char in word):
            raise ModelError(f"the word {word!r} of this model holds a character that splits words in an ARPA file")
    return [*SPECIALS, *words]


def _plain(word: str) -> str:
    """The token that ``_visible`` wrote.

    >>> [_plain(word) for word in ("▁the", "\\\\▁", "\\\\\\\\", "\\\\u{9}")]
    [' the', '▁', '\\\\', '\\t']
    """
    return re.sub(r"\\u\{([0-9a-f]{1,6})\}|\\(.)|▁", _plain_char, word)


def _plain_char(match: re.Match[str]) -> str:
    number, escaped = match.groups()
    if number is None:
        return escaped or " "
    code = int(number, 16)
    return chr(code) if code <= 0x10FFFF else match[0]


def _visible(token: str) -> str:
    return "".join(map(_visible_char, token))


def _visible_char(char: str) -> str:
    if char == " ":
        return "▁"
    if char in "▁\\":
        return f"\\{char}"
    return f"\\u{{{ord(char):x}}}" if char.isspace() or unicodedata.category(char) == "Cc" else char
