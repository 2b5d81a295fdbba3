"""Summaries by the vectors of models, and their figures beside those of simple rivals."""

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from elman.apps.summarize import SentenceVectors, SummaryConfig, lead, spans_of, summarize, text_rank
from elman.errors import MissingExtra, UsageError
from elman.models.documents import SifDocuments

ROUGE = ("rouge1", "rouge2", "rougeL")


def vectors_of(model: Any) -> SentenceVectors:
    """What gives sentences vectors: a model of replies, or word vectors (SIF, Arora et al. 2017).

    Raises:
        UsageError: a model of another kind.
    """
    if hasattr(model, "reply_vectors"):
        return model.reply_vectors
    if not hasattr(model, "mean_vector"):
        raise UsageError(f"a {type(model).__name__} has no vectors of texts; give word vectors or a model of replies")

    def of_words(sentences: Sequence[str]) -> NDArray[Any]:
        return SifDocuments(model, [model.split(sentence) for sentence in sentences]).means

    return of_words


def rouge_figures(
    text: str, reference: str, *, vectors: SentenceVectors | None, config: SummaryConfig
) -> dict[str, Any]:
    """ROUGE-1, -2 and -L (F1 with stems, by the package rouge-score) of the summary, of the first
    sentences and of TextRank, all of the same length.

    Raises:
        MissingExtra: rouge-score is not installed.
    """
    try:
        scoring = importlib.import_module("rouge_score.rouge_scorer")
    except ImportError as error:
        raise MissingExtra("--reference needs rouge-score; run: pip install rouge-score") from error
    spans = spans_of(text)
    sentences = [text[start:end] for start, end in spans]
    settings = {name: value for name, value in config.to_json().items() if value is not None}
    chosen: Mapping[str, Sequence[str]] = {
        "summary": [each.text for each in summarize(text, vectors=vectors, **settings)],
        "first sentences": [sentences[place] for place in lead(sentences, config)],
        "TextRank": [sentences[place] for place in text_rank(sentences, config)],
    }
    scorer = scoring.RougeScorer(list(ROUGE), use_stemmer=True)
    return {
        name: {figure: score.fmeasure for figure, score in scorer.score(reference, " ".join(texts)).items()}
        for name, texts in chosen.items()
    }
