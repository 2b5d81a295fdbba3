"""The configuration of a reader of passages, without the torch that trains it."""

import dataclasses
from typing import Literal

from elman.errors import UsageError
from elman.models.encoder_config import DirectionsConfig
from elman.models.stack_config import check_size
from elman.models.tagger_config import TaggerConfig


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReaderConfig(DirectionsConfig):
    """Shape of a reader: layers that read questions and passages in one or two directions.

    >>> config = ReaderConfig(hidden_size=4, embedding_size=3, subword_size=2)
    >>> config.word_size, config.input_size, config.token_size
    (5, 5, 8)
    """

    cell: str = "lstm"
    layers: int = 1
    bidirectional: bool = True
    embedding_size: int = 100
    """Size of the embedding of words (E)."""
    subword_size: int = 64
    """Size of the vector that is made of a word's characters (S)."""
    buckets: int = 1 << 15
    """Rows of the table of n-grams, which share them by a hash."""
    align_size: int = 64
    """Size of the vectors by which words of the passage look for those of the question (A)."""
    hidden_size: int = 96
    output_size: int | None = None
    input: Literal["learned"] = "learned"
    """Embeddings are learned."""
    skip: bool = True
    window: int | None = None
    heads: int | None = None
    projection: bool = False
    passage_words: int = 300
    """Most words of a passage that are read together; a longer one is read in windows."""
    passage_stride: int = 150
    """Words from the beginning of one window to that of the next."""
    answer_words: int = 15
    """Most words of an answer."""
    unanswerable: bool = False
    """Whether training had questions that their passage does not answer, so that none is an
    answer."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_stack()
        for name in ("subword_size", "buckets", "align_size", "passage_words", "passage_stride", "answer_words"):
            check_size(name, getattr(self, name))
        if self.passage_stride > self.passage_words:
            raise UsageError(
                f"passage_stride is {self.passage_stride}; it must be at most passage_words, {self.passage_words}, or "
                "words would be left out",
                field=("passage_stride", "passage_words"),
            )
        self.check_output()

    @property
    def words(self) -> TaggerConfig:
        """What is read of a word, as a tagger reads it."""
        return TaggerConfig(embedding_size=self.embedding_size, subword_size=self.subword_size, buckets=self.buckets)

    @property
    def word_size(self) -> int:
        """Size of a word's vector: embedding and sub-word vector side by side."""
        return self.embedding_size + self.subword_size

    @property
    def input_size(self) -> int:
        """Size of the vectors that the stacks read first."""
        return self.word_size
