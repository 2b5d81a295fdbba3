"""The JSON of /v1/similar and /v1/embeddings."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from elman.serve.schemas import Body, Name

_Words = str | Annotated[list[str], Field(min_length=1)]


class SimilarBody(Body):
    """Words that are used like some words, and unlike others."""

    word: _Words | None = Field(None, description="The same as positive.")
    positive: _Words | None = Field(None, description="A word to be near to, or several.")
    negative: _Words | None = Field(None, description="A word to be far from, or several.")
    model: Name | None = Field(None, description="Which model; by default the first one with word vectors.")
    n: int = Field(10, ge=1, le=1_000_000, description="How many words.")


class SimilarWord(BaseModel):
    """A word and the cosine of its vector and what was asked."""

    text: str
    similarity: float


class SimilarAnswer(BaseModel):
    """The nearest words, without those of the question."""

    model: str
    words: list[SimilarWord]


class EmbeddingsBody(Body):
    """OpenAI's embeddings. ``user`` is accepted and changes nothing."""

    input: str | Annotated[list[str], Field(min_length=1)] = Field(description="A word or a text, or several.")
    model: Name | None = None
    encoding_format: Literal["float", "base64"] | None = Field(
        None, description="base64: the numbers as little-endian float32."
    )
    dimensions: Annotated[int, Field(ge=1, lt=1 << 31)] | None = Field(
        None, description="Accepted where it is what the model has."
    )
    user: str | None = None


class Embedding(BaseModel):
    """The vector of a word; of a text, the mean of its words' vectors."""

    object: Literal["embedding"]
    index: int
    embedding: list[float] | str


class EmbeddingsUsage(BaseModel):
    """How many words were read."""

    prompt_tokens: int
    total_tokens: int


class EmbeddingsAnswer(BaseModel):
    """OpenAI's answer to a request for embeddings."""

    object: Literal["list"]
    data: list[Embedding]
    model: str
    usage: EmbeddingsUsage
