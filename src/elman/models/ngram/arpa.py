"""ARPA files as models, n-gram models as ARPA files, and the words of both in elman's tokenizers.

An ARPA file has words between blanks, so a model read from one has a tokenizer of pretokenized
words. When a pretokenized model is written, its words stay as they are. Tokens of other levels
contain their spaces, which are escaped in the file: a space is ``▁``, a ``▁`` or ``\\`` of the text
has a ``\\`` before it, and another blank or a control character is ``\\u{9}`` with its number.
Tokens made of bytes are spelled as in tokenizer.json.
"""

import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elman.errors import ModelError
from elman.models.ngram.arpa_lexicon import BOS, UNK_NAMES
from elman.models.ngram.arpa_reader import read_arpa
from elman.models.ngram.arpa_writer import write_arpa
from elman.models.ngram.backoff import BackoffTables
from elman.models.ngram.query import NgramModel
from elman.models.protocol import LanguageModel
from elman.progress import Progress
from elman.text.speller import Speller
from elman.text.tokenizer import Tokenizer, TokenizerConfig
from elman.text.tokenizer_json import SPECIALS


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
    for note in arpa.notes:
        progress.say(f"{path.name}: {note}")
    tokens = [*SPECIALS, *(f" {word}" for word in arpa.words[len(SPECIALS) :])]
    tokenizer = Tokenizer(tokens, config=TokenizerConfig(level="word", pretokenized=True))
    model = NgramModel.from_backoff(arpa.tables, tokenizer)
    model.notes.extend(arpa.notes)
    facts = {"file": path.name, "sha256": arpa.sha256, "notes": arpa.notes}
    return Imported(model=model, speller=Speller.fit({token: 1 for token in tokens[len(SPECIALS) :]}), facts=facts)


def save_arpa(model: LanguageModel, path: Path, *, progress: Progress | None = None) -> None:
    """Write a model as an ARPA file, gzip if its name ends in ``.gz``.

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
    words = arpa_words(model.tokenizer)
    tables: BackoffTables = to_tables()
    write_arpa(path, tables, words, progress=progress)


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


def _visible(token: str) -> str:
    return "".join(map(_visible_char, token))


def _visible_char(char: str) -> str:
    if char == " ":
        return "▁"
    if char in "▁\\":
        return f"\\{char}"
    return f"\\u{{{ord(char):x}}}" if char.isspace() or unicodedata.category(char) == "Cc" else char
