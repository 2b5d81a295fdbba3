"""Figures of translations, from 0 to 100, as sacreBLEU computes them: BLEU and chrF, cased and
lower-cased.

Both follow from counts of each sentence that are summed over a text (Papineni et al. 2002; Popović
2015; Post, "A call for clarity in reporting BLEU scores", 2018), so that a bootstrap over sentences
need not count again. sacreBLEU is imported when a figure is computed.
"""

import importlib
import logging
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.errors import MissingExtra
from elman.metrics.tags import SentenceFigure


class TranslationFigures(NamedTuple):
    """The figures of a system, and what exactly they are."""

    figures: dict[str, SentenceFigure]
    """``bleu``, ``bleu_lowercase``, ``chrf`` and ``exact_match``."""
    signatures: dict[str, str]
    """sacreBLEU's line for each figure that is its own."""


def translation_figures(
    predicted: Sequence[str], *references: Sequence[str | None], tokenize: str = "13a"
) -> TranslationFigures:
    """The figures of predicted sentences.

    Args:
        references: one or several translations of each sentence, None where one has fewer; exact
            matches are with any of them.
        tokenize: how BLEU finds words, by sacreBLEU's name; ``char`` for scripts without spaces.

    Raises:
        MissingExtra: sacreBLEU is not installed.

    >>> found = translation_figures(["the cat sat here"], ["the cat sat there"])
    >>> {name: round(float(figure(np.array([1]))), 1) for name, figure in found.figures.items()}
    {'bleu': 59.5, 'bleu_lowercase': 59.5, 'chrf': 75.6, 'exact_match': 0.0}
    >>> found.signatures["bleu"].rsplit("|", 1)[0]
    'nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp'
    """
    metrics = _metrics(tokenize)
    figures: dict[str, SentenceFigure] = {}
    for name, metric in metrics.items():
        # The two methods on which sacreBLEU's own significance tests rest.
        counts = np.array(metric._extract_corpus_statistics(predicted, references), np.float64)
        figures[name] = _figure(metric, counts)
    exact = np.array([text in known for text, *known in zip(predicted, *references, strict=True)], np.float64)
    figures["exact_match"] = lambda weights: 100 * (weights @ exact) / np.maximum(weights.sum(axis=-1), 1)
    return TranslationFigures(figures, {name: str(metric.get_signature()) for name, metric in metrics.items()})


def _metrics(tokenize: str) -> dict[str, Any]:
    try:
        sacrebleu: Any = importlib.import_module("sacrebleu.metrics")
    except ImportError as error:
        raise MissingExtra("BLEU and chrF need sacrebleu; run: pip install 'elman[tasks]'") from error
    logging.getLogger("sacrebleu").setLevel(logging.ERROR)
    return {
        "bleu": sacrebleu.BLEU(tokenize=tokenize),
        "bleu_lowercase": sacrebleu.BLEU(tokenize=tokenize, lowercase=True),
        "chrf": sacrebleu.CHRF(),
    }


def _figure(metric: Any, counts: NDArray[np.float64]) -> SentenceFigure:
    def figure(weights: NDArray[Any]) -> NDArray[np.float64]:
        sums = weights @ counts
        rows = sums.reshape(-1, counts.shape[1]).tolist()
        scores = [metric._compute_score_from_stats(row).score for row in rows]
        return np.array(scores, np.float64).reshape(sums.shape[:-1])

    return figure
