"""The JSON of answers about tagged texts."""

from pydantic import BaseModel


class TagChance(BaseModel):
    """A tag and its probability."""

    tag: str
    probability: float


class WordTag(TagChance):
    """A word of a text with its tag, and the likeliest tags, if requested.

    ``start`` and ``end`` count characters (code points) of the text.
    """

    text: str
    start: int
    end: int
    top: list[TagChance] | None = None


class SpanFacts(BaseModel):
    """Adjacent words of one type; ``start`` and ``end`` count characters of the text."""

    type: str
    start: int
    end: int
    text: str
    probability: float


class TagSequence(BaseModel):
    """A tag for each word of a text, and the probability of all of them together."""

    tags: list[str]
    probability: float


class TaggedFacts(BaseModel):
    """The words of a text; the spans, if tags mark spans; the likeliest sequences, if requested."""

    text: str
    words: list[WordTag]
    spans: list[SpanFacts] | None = None
    sequences: list[TagSequence] | None = None


class CorrectionAnswer(BaseModel):
    """How many corrections this server has saved since it started."""

    model: str
    saved: int
