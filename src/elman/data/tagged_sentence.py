"""A sentence whose words have tags, and where it came from."""

import dataclasses
from collections.abc import Sequence
from typing import Protocol


class SentenceSource(Protocol):
    """Where a sentence stands in a file, and how it is written back."""

    @property
    def format(self) -> str:
        """The name of the format, as in ``FORMATS``."""
        ...

    def position_of(self, word: int) -> str:
        """File and line of a word, for messages."""
        ...

    def rewritten(
        self, sentence: "TaggedSentence", tags: Sequence[str], *, field: str | None, scheme: str | None
    ) -> str:
        """What stands in the file for the sentence, with new tags; everything else is as it was.

        Args:
            field: where the tags go; None for where they were read from.
            scheme: the scheme of the tags; None if they are not spans.
        """
        ...


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class TaggedSentence:
    """A sentence: its words, a tag for each, and its text.

    >>> sentence = TaggedSentence(words=("Hi", "!"), tags=("INTJ", "PUNCT"), text="Hi!", offsets=((0, 2), (2, 3)))
    >>> len(sentence), sentence.surface(0, 2)
    (2, 'Hi!')
    """

    words: tuple[str, ...]
    """In NFC; ``text`` is as it was."""
    tags: tuple[str, ...] = ()
    """One for each word; empty if it was read without tags."""
    text: str = ""
    """The user's own string; empty if only words are known."""
    offsets: tuple[tuple[int, int], ...] = ()
    """Start and end of each word in ``text``, in characters; empty if there is no text. Words of a
    multi-word token that do not stand in it, such as "à le" in "au", have the place of the
    token."""
    position: str = dataclasses.field(default="", compare=False, repr=False)
    """Its file and first line, for messages."""
    source: SentenceSource | None = dataclasses.field(default=None, compare=False, repr=False)
    """What it takes to write it back without loss."""

    def __post_init__(self) -> None:
        assert len(self.tags) in (0, len(self.words)) and len(self.offsets) in (0, len(self.words)), self

    def __len__(self) -> int:
        return len(self.words)

    def surface(self, start: int, end: int) -> str:
        """The text of the words from ``start`` to before ``end``, as the user wrote it.

        >>> TaggedSentence(words=("New", "York")).surface(0, 2)
        'New York'
        """
        if not self.offsets:
            return " ".join(self.words[start:end])
        return self.text[self.offsets[start][0] : self.offsets[end - 1][1]] if end > start else ""

    def position_of(self, word: int) -> str:
        """File and line of a word, for messages."""
        return self.source.position_of(word) if self.source else self.position
