"""The JSON of /v1/translate."""

from typing import Annotated

from pydantic import BaseModel, Field

from elman.serve.schemas import Body, Name


class TranslateBody(Body):
    """Texts to translate."""

    input: str | Annotated[list[str], Field(min_length=1)] = Field(description="A text or a list of texts.")
    model: Name | None = Field(None, description="Which model; by default the first one that translates.")
    beam_size: int = Field(5, ge=1, le=64, description="Hypotheses kept at each step.")
    n_best: int = Field(1, ge=1, le=64, description="Translations of each text, no more than the beam.")
    begin: str = Field("", description="How every translation begins; its last word may be half a word.")
    attention: bool = Field(False, description="Whether to say where the model looked.")


class TranslatedText(BaseModel):
    """A translation and its log-probability (nats)."""

    text: str
    log_prob: float


class AttentionFacts(BaseModel):
    """Words between blanks; ``attention`` has a row for each target word, with a share for each
    source word; ``alignment`` is in the Pharaoh format."""

    source: list[str]
    target: list[str]
    attention: list[list[float]]
    alignment: str


class TranslationFacts(BaseModel):
    """The best translation of a text; all of them, if more than one was requested."""

    source: str
    translation: str
    log_prob: float
    translations: list[TranslatedText] | None = None
    attention: AttentionFacts | None = None


class TranslateAnswer(BaseModel):
    """The translations, in the order of the texts."""

    model: str
    translations: list[TranslationFacts]
