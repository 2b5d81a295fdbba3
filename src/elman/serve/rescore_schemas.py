"""The JSON of /v1/rescore."""

from typing import Annotated

from pydantic import BaseModel, Field

from elman.serve.schemas import Body, Name

_ScoreName = Annotated[str, Field(min_length=1, max_length=64)]
_Score = Annotated[float, Field(ge=-1e9, le=1e9, allow_inf_nan=False)]
_Weight = Annotated[float, Field(ge=-1e6, le=1e6, allow_inf_nan=False)]


class HypothesisBody(Body):
    """What a recogniser may have heard."""

    text: str = Field(description="Its words; may be empty.")
    scores: Annotated[dict[_ScoreName, _Score], Field(max_length=16)] = Field(
        {}, description="Log-probabilities by name, such as acoustic and lm."
    )


class NbestBody(Body):
    """The hypotheses of one utterance, the recogniser's choice first."""

    id: Annotated[str, Field(min_length=1, max_length=256)] | None = Field(
        None, description="A name; by default the number of the list."
    )
    hypotheses: Annotated[list[HypothesisBody], Field(min_length=1)]


class RescoreBody(Body):
    """N-best lists among whose hypotheses to choose again."""

    lists: Annotated[list[NbestBody], Field(min_length=1)]
    model: Name | None = Field(None, description="Which model; by default the first one that continues text.")
    weights: dict[_ScoreName, _Weight] = Field(
        {}, description="Weights by the name of the score: those sent, model, words and unk; by default guesses."
    )
    lowercase: bool = Field(False, description="Whether capitals count as small letters.")
    punctuation: bool = Field(True, description="Whether punctuation stays.")
    marks: bool = Field(False, description="Whether non-speech marks such as [noise] count as words.")
    unk: Annotated[str, Field(min_length=1, max_length=64)] = Field(
        "<unk>", description="The recogniser's word for what it does not know."
    )


class RankedHypothesis(BaseModel):
    """A hypothesis, the sum by which it was ranked, and what the model gives it (nats)."""

    text: str
    total: float
    model: float


class RankedList(BaseModel):
    """The hypotheses of an utterance, the best first; equal ones are there once."""

    id: str
    hypotheses: list[RankedHypothesis]


class RescoreAnswer(BaseModel):
    """The lists of a request, in their order, and the weights that were used."""

    model: str
    weights: dict[str, float]
    lists: list[RankedList]
