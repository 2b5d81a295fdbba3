"""The configuration of a tagger, without the torch that trains it."""

import dataclasses
from typing import Literal

from elman.errors import UsageError
from elman.models.encoder_config import DirectionsConfig, EncoderConfig
from elman.models.stack_config import check_size

LETTERS = 1024
"""Ids of characters, which share them by their code."""
_LETTER_SIZE = 32
"""Size of a character's embedding for an LSTM."""
MOST_LETTERS = 12
"""The longest n-grams of characters."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class TaggerConfig(DirectionsConfig):
    """Shape of a tagger: words to vectors, layers that read them in one or two directions, and one
    score per tag.

    >>> config = TaggerConfig(hidden_size=4, embedding_size=3, subword_size=2)
    >>> config.input_size, config.token_size
    (5, 8)
    """

    cell: str = "lstm"
    layers: int = 1
    bidirectional: bool = True
    embedding_size: int = 100
    """Size of the embedding of words (E)."""
    characters: Literal["ngrams", "conv", "lstm", "none"] = "ngrams"
    """What is read of a word's characters, for words that training has not seen: hashed n-grams of
    the word and of its shape, a convolution or an LSTM over its characters in both directions, or
    nothing."""
    subword_size: int = 64
    """Size of the vector that is made of a word's characters (S)."""
    buckets: int = 1 << 15
    """Rows of the table of n-grams, which share them by a hash."""
    smallest: int = 2
    """Fewest characters of an n-gram; the ends of a word count as one."""
    largest: int = 5
    """Most characters of an n-gram."""
    language_size: int = 0
    """Numbers that language models give for each word (F); 0 without language models."""
    context_size: int = 128
    """Size of the vector that is made of what language models give (P)."""
    hidden_size: int = 200
    output_size: int | None = None
    input: Literal["learned", "one-hot"] = "learned"
    skip: bool = True
    window: int | None = None
    heads: int | None = None
    projection: bool = False
    crf: bool = False
    """Whether tags are chosen for the whole sentence by a linear-chain CRF, rather than word by
    word."""
    scheme: str | None = None
    """How tags mark spans (BIO, BIOES, ..); None for tags that mark words."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_stack()
        for name in ("subword_size", "buckets", "context_size"):
            check_size(name, getattr(self, name))
        if self.character_encoder and self.subword_size % 2:
            raise UsageError(
                f"subword_size is {self.subword_size}; half of it is for each direction: make it even",
                field="subword_size",
            )
        if self.language_size:
            check_size("language_size", self.language_size)
        if not 1 <= self.smallest <= self.largest <= MOST_LETTERS:
            raise UsageError(
                f"n-grams have {self.smallest} to {self.largest} characters; smallest and largest must rise, from 1 "
                f"to {MOST_LETTERS}"
            )
        self.check_output()

    @property
    def character_encoder(self) -> EncoderConfig | None:
        """The network that reads a word's characters; None for n-grams or nothing."""
        half = self.subword_size // 2
        if self.characters == "conv":
            return EncoderConfig(cell="conv", embedding_size=half, hidden_size=half, pooling="max")
        if self.characters == "lstm":
            return EncoderConfig(cell="lstm", embedding_size=_LETTER_SIZE, hidden_size=half, pooling="last")
        return None

    @property
    def character_size(self) -> int:
        """Size of what is added to a word's embedding; 0 without characters."""
        return 0 if self.characters == "none" else self.subword_size

    @property
    def added_size(self) -> int:
        """Size of all that is added to a word's embedding."""
        return self.character_size + (self.context_size if self.language_size else 0)

    @property
    def input_size(self) -> int:
        """Size of a word's vector: embedding, sub-word vector and context side by side."""
        return self.embedding_size + self.added_size

    def input_size_of(self, vocab_size: int) -> int:
        """``input_size`` with V word ids: a one-hot vector has V + 1 numbers."""
        return self.input_size if self.input == "learned" else vocab_size + 1 + self.added_size
