"""The routes that put one question to one model: what each takes, answers and needs."""

from collections.abc import Callable
from typing import Any, NamedTuple

from elman.serve.abilities import (
    Ability,
    AnswersQuestions,
    ContinuesText,
    ForecastsSeries,
    GivesVectors,
    RanksDocuments,
    Translates,
    WritesCaptions,
)
from elman.serve.answer import found_answer
from elman.serve.answer_schemas import AnswerBody, FoundAnswer
from elman.serve.caption import caption_answer
from elman.serve.caption_schemas import CaptionAnswer, CaptionBody
from elman.serve.correct import correct_answer
from elman.serve.correct_schemas import CorrectAnswer, CorrectBody
from elman.serve.forecast import forecast_answer
from elman.serve.forecast_schemas import ForecastAnswer, ForecastBody
from elman.serve.handlers import score_answer
from elman.serve.memory import memory_answer
from elman.serve.rank import rank_answer
from elman.serve.rank_schemas import RankAnswer, RankBody
from elman.serve.reply import reply_answer
from elman.serve.reply_schemas import ReplyAnswer, ReplyBody
from elman.serve.request_context import RequestContext
from elman.serve.rescore import rescore_answer
from elman.serve.rescore_schemas import RescoreAnswer, RescoreBody
from elman.serve.schemas import (
    DetokenizeAnswer,
    DetokenizeBody,
    MemoryAnswer,
    MemoryBody,
    ScoreAnswer,
    ScoreBody,
    TokenizeAnswer,
    TokenizeBody,
)
from elman.serve.summarize import summarize_answer
from elman.serve.summarize_schemas import SummarizeAnswer, SummarizeBody
from elman.serve.tokens import detokenize_answer, tokenize_answer
from elman.serve.translate import translate_answer
from elman.serve.translate_schemas import TranslateAnswer, TranslateBody
from elman.serve.vector_schemas import EmbeddingsAnswer, EmbeddingsBody, SimilarAnswer, SimilarBody
from elman.serve.word_vectors import embeddings_answer, similar_answer


class Route(NamedTuple):
    """A question to one model, answered in a thread of its own."""

    path: str
    summary: str
    body: type[Any]
    """Its schema; the field ``model`` names the model."""
    schema: type[Any]
    """That of the answer."""
    ability: type[Ability]
    """What the model must be able to do."""
    answer: Callable[[Any, Any, RequestContext], dict[str, Any]]
    """The answer to a body, of the ability of a model."""
    only_if_able: bool = False
    """Whether a server without such a model lacks the route."""


ROUTES = (
    Route(
        "/v1/score", "Bits of each token, line by line",
        ScoreBody, ScoreAnswer, ContinuesText, score_answer,
    ),
    Route(
        "/v1/rescore", "N-best lists of a recogniser in a new order",
        RescoreBody, RescoreAnswer, ContinuesText, rescore_answer,
    ),
    Route(
        "/v1/correct", "Spelling corrected in context",
        CorrectBody, CorrectAnswer, ContinuesText, correct_answer,
    ),
    Route(
        "/v1/translate", "Translations, and where the model looked",
        TranslateBody, TranslateAnswer, Translates, translate_answer,
    ),
    Route(
        "/v1/caption", "Captions of pictures, and where the model looked",
        CaptionBody, CaptionAnswer, WritesCaptions, caption_answer,
    ),
    Route(
        "/v1/memory", "How much each earlier word matters at a position",
        MemoryBody, MemoryAnswer, ContinuesText, memory_answer,
    ),
    Route(
        "/v1/similar", "Words that are used alike",
        SimilarBody, SimilarAnswer, GivesVectors, similar_answer,
    ),
    Route(
        "/v1/embeddings", "OpenAI's embeddings, of word vectors",
        EmbeddingsBody, EmbeddingsAnswer, GivesVectors, embeddings_answer, only_if_able=True,
    ),
    Route(
        "/v1/rank", "The documents of an index that answer a query best",
        RankBody, RankAnswer, RanksDocuments, rank_answer,
    ),
    Route(
        "/v1/forecast", "The next values of series, with quantiles",
        ForecastBody, ForecastAnswer, ForecastsSeries, forecast_answer,
    ),
    Route(
        "/v1/answer", "The answer to a question in a passage or in the documents of an index",
        AnswerBody, FoundAnswer, AnswersQuestions, found_answer,
    ),
    Route(
        "/v1/reply", "Replies to a message, each with another meaning",
        ReplyBody, ReplyAnswer, Ability, reply_answer,
    ),
    Route(
        "/v1/summarize", "The most central sentences of a text",
        SummarizeBody, SummarizeAnswer, Ability, summarize_answer,
    ),
    Route(
        "/tokenize", "The tokens of a text",
        TokenizeBody, TokenizeAnswer, ContinuesText, tokenize_answer,
    ),
    Route(
        "/detokenize", "The text of tokens",
        DetokenizeBody, DetokenizeAnswer, ContinuesText, detokenize_answer,
    ),
)  # fmt: skip
