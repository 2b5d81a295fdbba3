"""What a tagger says of one sentence."""

import dataclasses
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.data.tagged import TaggedSentence
from elman.metrics.span_schemes import spans


class TaggedSpan(NamedTuple):
    """Adjacent words of one type, such as a name."""

    type: str
    start: int
    """First character in the text."""
    end: int
    """The character after the last one."""
    text: str
    """As the user wrote it."""
    probability: float
    """That these words have these tags."""
    words: tuple[int, int]
    """The first word, and the one after the last."""


@dataclasses.dataclass(frozen=True, eq=False)
class TaggedText:
    """A sentence with predicted tags.

    >>> sentence = TaggedSentence(words=("Ann", "sings"), text="Ann sings", offsets=((0, 3), (4, 9)))
    >>> tagged = TaggedText(sentence, ("B-person", "O"), ("B-person", "O"), "BIO", np.array([[0.9, 0.1], [0, 1]]))
    >>> tagged.spans[0][:4], str(tagged)
    (('person', 0, 3, 'Ann'), '[Ann]person sings')
    """

    sentence: TaggedSentence
    """The words, their text and their places."""
    tags: tuple[str, ...]
    """The tag of each word."""
    names: tuple[str, ...]
    """All tags, in the order of the probabilities."""
    scheme: str | None
    """How tags mark spans; None for tags that mark words."""
    probabilities: NDArray[np.float64]
    """Of each word's tags ``[T, K]``, calibrated."""
    span_probability: Any = None
    """From the first word of a span and the one after its last to its probability; by default the
    product of its words'."""

    @property
    def words(self) -> tuple[str, ...]:
        return self.sentence.words

    @cached_property
    def word_probabilities(self) -> tuple[float, ...]:
        """The probability of each word's tag."""
        chosen = [self.names.index(tag) for tag in self.tags]
        return tuple(self.probabilities[np.arange(len(chosen)), chosen].tolist())

    @cached_property
    def offsets(self) -> tuple[tuple[int, int], ...]:
        """Start and end of each word in the text, or between single spaces if only words are
        known."""
        if self.sentence.offsets or not self.words:
            return self.sentence.offsets
        starts = np.cumsum([0, *(len(word) + 1 for word in self.words[:-1])]).tolist()
        return tuple((start, start + len(word)) for start, word in zip(starts, self.words, strict=True))

    @cached_property
    def spans(self) -> tuple[TaggedSpan, ...]:
        """The spans that the tags mark; none if tags mark words."""
        if self.scheme is None:
            return ()
        found = []
        for kind, start, end in spans(self.tags, self.scheme):
            first, last = self.offsets[start][0], self.offsets[end - 1][1]
            chance = float(np.prod(self.word_probabilities[start:end]))
            if self.span_probability is not None:
                chance = self.span_probability(start, end)
            found.append(TaggedSpan(kind, first, last, self.sentence.surface(start, end), chance, (start, end)))
        return tuple(found)

    def rows(self) -> list[list[str]]:
        """Its lines in a table of probabilities (``Tagger.head``): one for each word, and an empty
        one."""
        chances = self.probabilities.tolist()
        rows = zip(self.words, self.tags, chances, strict=True)
        return [*([word, tag, *(f"{chance:.4f}" for chance in own)] for word, tag, own in rows), []]

    def to_json(self) -> dict[str, Any]:
        """The text, its words and, where tags mark spans, its spans."""
        rows = zip(self.words, self.tags, self.offsets, self.word_probabilities, strict=True)
        words = [
            {"text": word, "tag": tag, "start": start, "end": end, "probability": chance}
            for word, tag, (start, end), chance in rows
        ]
        found: dict[str, Any] = {"text": self.sentence.text or " ".join(self.words), "words": words}
        if self.scheme is not None:
            found["spans"] = [
                {"type": kind, "start": start, "end": end, "text": text, "probability": chance}
                for kind, start, end, text, chance, _ in self.spans
            ]
        return found

    def __str__(self) -> str:
        """On one line: spans in brackets with their type, or each word with its tag."""
        if self.scheme is None:
            return " ".join(f"{word}/{tag}" for word, tag in zip(self.words, self.tags, strict=True))
        text, shown, last = self.sentence.text or " ".join(self.words), "", 0
        for span in self.spans:
            shown += f"{text[last : span.start]}[{text[span.start : span.end]}]{span.type}"
            last = span.end
        return shown + text[last:]
