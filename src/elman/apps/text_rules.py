"""How words of hypotheses and references are compared and shown to a language model."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from elman.config import Config
from elman.decode.bulk import line_sums
from elman.decode.line_ids import line_ids
from elman.notation import TokenIds
from elman.text.normalise import normalise_line
from elman.text.speller import Speller
from elman.text.tokenizer import UNK_ID, Tokenizer

UNKNOWN = "<unk>"
_MARK = re.compile(r"\[[^\s\[\]]+\]|<[^\s<>]+>|\{[^\s{}]+\}|\+\+[^\s+]+\+\+|-pau-|!SIL", re.IGNORECASE)
_STRANGER = "\U000f0000"
"""A character of private use, which no vocabulary has: it becomes the model's `<unk>`."""


@dataclass(frozen=True, kw_only=True)
class TextRules(Config):
    """Rules for hypotheses, references and what the models read alike.

    >>> TextRules(lowercase=True, punctuation=False).words("[noise] Yes, it's <unk>.")
    ['yes', "it's", '<unk>']
    """

    lowercase: bool = False
    """Whether capitals count as small letters."""
    punctuation: bool = True
    """Whether punctuation stays; apostrophes and hyphens inside words always do."""
    marks: bool = False
    """Whether non-speech marks such as [noise], <laugh>, ++um++ and -pau- count as words."""
    unk: str = UNKNOWN
    """The word that the recogniser writes for what it does not know; it always counts as a word."""

    def words(self, text: str) -> list[str]:
        """The words of a text by these rules."""
        if not self.marks:
            text = " ".join(word for word in text.split() if word == self.unk or not _MARK.fullmatch(word))
        words = text.split()
        if self.lowercase:
            words = [word if word == self.unk else word.lower() for word in words]
        if not self.punctuation:
            bare = (word if word == self.unk else _bare(word) for word in words)
            words = [part for word in bare for part in word.split()]
        return words


@dataclass(frozen=True)
class EncodedLine:
    """A line as a model reads it, `</s>` included."""

    ids: TokenIds
    spelling: float
    """Cost of spelling its unknown words, and of the signs of its apostrophes (nats)."""


def encode_lines(
    tokenizer: Tokenizer, speller: Speller | None, lines: Sequence[Sequence[str]], *, unk: str = UNKNOWN
) -> list[EncodedLine]:
    """Lines of words as token ids.

    The recogniser's unknown word becomes the model's, without a cost of spelling; where the model
    knows no unknown tokens, it is left out.
    """
    literal = tokenizer.config.pretokenized
    stranger = "<unk>" if literal else _STRANGER
    knows = literal or UNK_ID in tokenizer.encode(f" {_STRANGER}").ids[-1:]
    texts = [
        normalise_line(" ".join([stranger if word == unk else word for word in words if knows or word != unk]))
        for words in lines
    ]
    encoded = line_ids(tokenizer, texts)
    for row, unknown in encoded.unknown.items():
        encoded.unknown[row] = [each for each in unknown if each.word not in (_STRANGER, "<unk>")]
    nats = encoded.spelling_nats(tokenizer, speller) if speller else np.zeros(len(encoded.ids))
    return [*map(EncodedLine, encoded.split(), line_sums(nats, encoded.ends).tolist())]


def _bare(word: str) -> str:
    kept = [
        char if not unicodedata.category(char).startswith("P") or _inside(word, place) else " "
        for place, char in enumerate(word)
    ]
    return "".join(kept)


def _inside(word: str, place: int) -> bool:
    """Whether an apostrophe or hyphen stands between letters or digits."""
    neighbours = word[place - 1 : place] + word[place + 1 : place + 2]
    return word[place] in "'’-" and len(neighbours) == 2 and neighbours.isalnum()
