"""The JSON of requests and answers: strict, so that a misspelled field is an error and not
ignored."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from elman.serve.tag_schemas import TaggedFacts

Name = Annotated[str, Field(max_length=200)]
_TokenId = Annotated[int, Field(ge=0, lt=1 << 31)]
_Whole = Annotated[int, Field(ge=-(1 << 63), lt=1 << 63)]
_Number = Annotated[float, Field(allow_inf_nan=False)]


class Body(BaseModel):
    """What every request brings: known fields only, of the right types."""

    model_config = ConfigDict(extra="forbid", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, values: Any) -> Any:
        """As in other servers, null for an optional field is the same as leaving it out."""
        if not isinstance(values, dict):
            return values
        optional = {name for name, field in cls.model_fields.items() if not field.is_required()}
        return {name: value for name, value in values.items() if value is not None or name not in optional}


class CompleteBody(Body):
    """What comes after a text."""

    prompt: str = Field(description="The text so far, a half-typed word included.")
    model: Name | None = Field(None, description="Which model; by default the first one that continues text.")
    n: int = Field(5, ge=1, le=1_000_000, description="How many words.")
    partial: bool | None = Field(
        None, description="Whether the last word is half-typed; null: if unknown or rare there."
    )
    block: list[str] = Field(
        [],
        max_length=10_000,
        description="Words never to offer, whatever their case; stems like dog*; builtin: a list of profanities.",
    )
    secrets: bool = Field(True, description="Whether to offer long numbers, addresses and random strings.")
    repeats: bool = Field(False, description="Whether the last word counts in full to come again, not a tenth.")
    punctuation: bool = Field(False, description="Whether to offer bare punctuation too.")
    session: Annotated[str, Field(min_length=1, max_length=128)] | None = Field(
        None,
        description="A name that the client chooses; what is typed under it is remembered: keys are fast.",
    )
    typos: bool | None = Field(
        None,
        description="Whether to offer corrections of a half-typed word that is mistyped; by default where tokens are "
        "words.",
    )
    also: list[Name] = Field(
        [], max_length=3, description="Models whose words are offered too, such as one of another language."
    )


class ScoreBody(Body):
    """How likely a text is, each of its lines by itself."""

    text: str = Field(description="One or more lines.")
    model: Name | None = Field(None, description="Which model; by default the first one that continues text.")
    top: int = Field(0, ge=0, le=20, description="How many of the likeliest tokens to list at each position.")


class MemoryBody(Body):
    """How much each earlier word of a line matters for the prediction at one position."""

    text: str = Field(description="One line.")
    model: Name | None = Field(None, description="Which model; by default the first one that continues text.")
    place: Annotated[int, Field(ge=0, lt=1 << 31)] | None = Field(
        None, description="Which word, counted from 0; by default the one that comes next."
    )
    top: int = Field(5, ge=0, le=20, description="How many of the likeliest tokens to list there.")


class PredictBody(Body):
    """The labels of texts."""

    input: str | Annotated[list[str], Field(min_length=1)] = Field(description="A text, or several.")
    model: Name | None = Field(None, description="Which model; by default the first one that predicts labels.")
    explain: bool = Field(
        False, description="Whether to explain what each word contributes to the most probable label."
    )
    top: int = Field(0, ge=0, le=50, description="Taggers: how many of the likeliest tags to list for each word.")
    n_best: int = Field(
        0, ge=0, le=20, description="Taggers: how many of the likeliest sequences of tags to list for each text."
    )


class SpanBody(Body):
    """Where a span stands, in characters of the text, and its type."""

    type: Name
    start: _TokenId
    end: _TokenId


class CorrectionBody(Body):
    """The right tags of a text, or its right spans."""

    text: str = Field(description="The text that was tagged.")
    tags: Annotated[list[Name], Field(max_length=1 << 16)] | None = Field(
        None, description="A tag for each word, in the order of /v1/predict."
    )
    spans: Annotated[list[SpanBody], Field(max_length=1 << 16)] | None = Field(
        None, description="All spans of the text, for taggers whose tags mark spans; the other words have none."
    )
    model: Name | None = Field(None, description="Which tagger; by default the first one.")


class StreamOptions(Body):
    """What a stream reports at its end."""

    include_usage: bool | None = None
    include_obfuscation: bool | None = None


class CompletionBody(Body):
    """OpenAI's completions. ``suffix``, ``best_of`` and ``user`` are accepted and change
    nothing."""

    model: Name | None = None
    prompt: (
        str
        | Annotated[list[str], Field(min_length=1)]
        | Annotated[list[_TokenId], Field(min_length=1)]
        | Annotated[list[Annotated[list[_TokenId], Field(min_length=1)]], Field(min_length=1)]
        | None
    ) = None
    max_tokens: Annotated[int, Field(ge=0, lt=1 << 31)] | None = None
    temperature: Annotated[_Number, Field(ge=0, le=100)] | None = None
    top_p: Annotated[_Number, Field(ge=0, le=1)] | None = None
    min_p: Annotated[_Number, Field(ge=0, le=1)] | None = None
    top_k: Annotated[int, Field(ge=1, lt=1 << 31)] | None = None
    n: Annotated[int, Field(ge=1, le=1 << 16)] | None = None
    stop: str | list[str] | None = None
    seed: _Whole | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    echo: bool | None = None
    repetition_penalty: Annotated[_Number, Field(gt=0, le=100)] | None = None
    presence_penalty: Annotated[_Number, Field(ge=-2, le=2)] | None = None
    frequency_penalty: Annotated[_Number, Field(ge=-2, le=2)] | None = None
    logit_bias: dict[str, Annotated[_Number, Field(ge=-100, le=100)]] | None = None
    suffix: str | None = None
    best_of: _Whole | None = None
    user: str | None = None


class TokenizeBody(Body):
    """A text for its tokens, as ``prompt`` (vLLM's name) or ``content`` (llama.cpp's)."""

    prompt: str | None = None
    content: str | None = None
    model: Name | None = None
    add_special_tokens: bool | None = Field(None, description="Accepted; there are no tokens to add.")
    return_token_strs: bool | None = Field(None, description="Whether to show each token too.")


class DetokenizeBody(Body):
    """Token ids for their text."""

    tokens: list[_TokenId]
    model: Name | None = None


class NextWord(BaseModel):
    """A next word and its probability."""

    text: str
    probability: float
    kind: Literal["correction", "learned"] | None = None
    """Whether it corrects what was typed, or the user taught it."""


class CompleteAnswer(BaseModel):
    """The ranked next words of a text."""

    model: str
    prompt: str
    partial: str
    """The half-typed word that the words complete; corrections take its place."""
    words: list[NextWord]
    oov: list[str]
    read_as: dict[str, str]
    """Misspelled words, and what they were read as."""
    typed: float
    """The probability of what was typed of the word, by which those of the words are divided."""
    unknown: float
    """The probability that a word comes there that the model does not know."""


class Bits(BaseModel):
    """A possible token at a position, and its cost."""

    text: str
    bits: float


class TokenBits(Bits):
    """A token and what it costs; whether the model does not know it, and the likeliest ones at its
    place, if asked for."""

    unknown: bool | None = None

    top: list[Bits] | None = None


class WordMemory(BaseModel):
    """A word of a line: how far the prediction changes without it (bits), and how many bits more
    the actual word costs."""

    text: str
    bits: float | None
    change: float | None


class MemoryAnswer(BaseModel):
    """The words of a line, those before the position with their effect there; the word at the
    position."""

    model: str
    place: int
    words: list[WordMemory]
    target: Bits | None
    top: list[Bits]


class WordContribution(BaseModel):
    """A word of a text and its effect on a label.

    ``contribution`` is the log-odds of the label with the word less those without it (nats),
    ``change`` the probability with it less that without it. ``start`` and ``end`` count characters
    (code points) of the text.
    """

    text: str
    start: int
    end: int
    contribution: float
    change: float


class ExplanationFacts(BaseModel):
    """The most probable label, and what each word contributes to it."""

    label: str
    words: list[WordContribution]


class PredictionFacts(BaseModel):
    """The labels of a text, and the probabilities of all labels; the explanation, if requested."""

    labels: list[str]
    probabilities: dict[str, float]
    explanation: ExplanationFacts | None = None


class PredictAnswer(BaseModel):
    """All labels of the model, and a prediction for each text of the request, in their order.

    Of taggers, labels are tags; ``scheme`` says how they mark spans and ``types`` lists those of
    spans.
    """

    model: str
    labels: list[str]
    scheme: str | None = None
    types: list[str] | None = None
    predictions: list[PredictionFacts | TaggedFacts]


class LineBits(BaseModel):
    """A line and the cost of its tokens."""

    text: str
    bits: float
    tokens: int
    oov: int
    per_token: list[TokenBits]


class ScoreAnswer(BaseModel):
    """The lines of a request, in their order."""

    model: str
    bits: float
    tokens: int
    oov: int
    lines: list[LineBits]


class Logprobs(BaseModel):
    """OpenAI's log-probabilities of the tokens of a choice."""

    tokens: list[str]
    token_logprobs: list[float | None]
    top_logprobs: list[dict[str, float] | None]
    text_offset: list[int]


class Choice(BaseModel):
    """One completion."""

    index: int
    text: str
    logprobs: Logprobs | None
    finish_reason: Literal["stop", "length"] | None


class Usage(BaseModel):
    """How many tokens were read and written."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class CompletionAnswer(BaseModel):
    """OpenAI's answer to a request for completions."""

    id: str
    object: Literal["text_completion"]
    created: int
    model: str
    system_fingerprint: str
    choices: list[Choice]
    usage: Usage | None


class TokenizeAnswer(BaseModel):
    """The tokens of a text."""

    count: int
    max_model_len: int
    """The most tokens of a prompt that this server accepts."""
    tokens: list[int]
    token_strs: list[str] | None


class DetokenizeAnswer(BaseModel):
    """The text of tokens, under the names of vLLM and of llama.cpp."""

    prompt: str
    content: str


class ModelCard(BaseModel):
    """A model that is served."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str
    elman: dict[str, Any]


class ModelList(BaseModel):
    """All models that are served."""

    object: Literal["list"]
    data: list[ModelCard]


class Health(BaseModel):
    """Whether the server takes requests."""

    status: Literal["ok"]


class Forgotten(BaseModel):
    """Whether there was such a session."""

    session: str
    forgotten: bool


class ErrorFacts(BaseModel):
    """What went wrong, in OpenAI's format."""

    message: str
    type: str
    param: str | None
    code: str | None


class ErrorAnswer(BaseModel):
    """An error as it is sent."""

    error: ErrorFacts
