"""Evaluates translations: BLEU and others with intervals, rivals, a verdict, and BLEU by sentence
length."""

import dataclasses
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from elman.data.example_splits import random_part
from elman.data.pair_filters import same_language
from elman.data.pairs import Pairs
from elman.errors import UsageError
from elman.evaluation.results import Results
from elman.evaluation.scores import SystemScores, compared_scores
from elman.evaluation.verdict import points, sentence, verdict_of
from elman.metrics.gleu import gleu_figure
from elman.metrics.intervals import RESAMPLES
from elman.metrics.signature import signature
from elman.metrics.translation import TranslationFigures, translation_figures
from elman.progress import counted
from elman.system.machine import version
from elman.text.level import choose_level

LENGTHS = (5, 10, 15, 20, 30, 40)
"""Words of the longest source in each group of ``by_length``; longer ones are the last group."""
EXAMPLES = 20
_NAMES = {"exact_match": "points of exact matches"}
"""Of headline figures, where they are no abbreviation."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class WrittenReport(Results):
    """The results on texts that a model wrote; ``elman.report.translations_page`` shows their
    JSON."""

    headline: str
    """The figure that the verdict is about: ``bleu``; of corrections ``gleu``; ``exact_match`` if
    half of the captions or more are too short for BLEU."""
    scores: SystemScores
    """Of the model: ``bleu``, ``bleu_lowercase``, ``chrf``, ``exact_match``, and ``gleu`` of
    corrections, from 0 to 100."""
    rivals: tuple[SystemScores, ...]
    """The best first."""
    examples: list[dict[str, Any]]
    """Some examples, drawn at random, with what the model wrote (``predicted``)."""
    verdict: str
    """One sentence."""
    notes: tuple[str, ...]
    signatures: Mapping[str, str]
    """sacreBLEU's line for each figure that is its own."""
    signature: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class TranslationReport(WrittenReport):
    """The results of ``evaluate_translations``; examples have ``source`` and ``target``."""

    sentences: int
    by_length: list[dict[str, Any]]
    """Groups of sentences by words of the source: ``from``, ``to`` (None: no limit), ``sentences``,
    and ``bleu`` of each translator by name."""


def evaluate_translations(
    pairs: Pairs,
    predicted: Sequence[str],
    *,
    rivals: Mapping[str, Sequence[str]] | None = None,
    model: str = "the model",
    notes: Sequence[str] = (),
    facts: Mapping[str, str] | None = None,
    resamples: int = RESAMPLES,
    seed: int = 1,
) -> TranslationReport:
    """Figures of translations, with intervals of a bootstrap over sentences, beside those of
    rivals.

    Args:
        predicted: the model's translation of each source.
        rivals: those of simpler translators, by name.
        model: its name in tables.
        facts: further parts of the signature.

    Raises:
        MissingExtra: sacreBLEU is not installed.
        UsageError: no pairs.

    >>> pairs = Pairs([f"das Haus ist {number} Jahre alt" for number in range(40)],
    ...     [f"the house is {number} years old" for number in range(40)])
    >>> report = evaluate_translations(pairs, pairs.target, rivals={"a copy of the source": pairs.source})
    >>> print(report.verdict)
    Better than a copy of the source by 99.5 points of BLEU (99.5 to 99.5).
    """
    if not len(pairs):
        raise UsageError("there is nothing to translate; give data with at least one pair")
    systems = {model: predicted, **(rivals or {})}
    corrects = same_language(pairs)
    found = system_figures(systems, pairs.target)
    if corrects:
        for name, texts in systems.items():
            found[name].figures["gleu"] = gleu_figure(pairs.source, texts, pairs.target)
    examples = [
        {"source": source, "target": target, "predicted": text}
        for source, target, text in zip(pairs.source, pairs.target, predicted, strict=True)
    ]
    results = written_results(
        found, model, "gleu" if corrects else "bleu", examples, unit="sentence", resamples=resamples, seed=seed
    )
    return TranslationReport(
        **results,
        sentences=len(pairs),
        by_length=_by_length(pairs, found),
        notes=tuple(notes),
        signature=written_signature("translate", facts, pairs.hash),
    )


def system_figures(
    systems: Mapping[str, Sequence[str]], *references: Sequence[str | None]
) -> dict[str, TranslationFigures]:
    """The figures of each system; where no blanks part words, BLEU compares characters.

    Args:
        references: as ``translation_figures`` takes them.
    """
    texts = "\n".join(text for text in references[0] if text is not None)
    tokenize = "char" if choose_level(texts) == "char" else "13a"
    return {name: translation_figures(said, *references, tokenize=tokenize) for name, said in systems.items()}


def written_results(
    found: Mapping[str, TranslationFigures],
    model: str,
    headline: str,
    examples: Sequence[dict[str, Any]],
    *,
    unit: str,
    resamples: int = RESAMPLES,
    seed: int = 1,
) -> dict[str, Any]:
    """What reports of every kind of text have in common, by the names of ``WrittenReport``.

    Args:
        found: the figures of each system.
        unit: of an example, in words.
    """
    figures = {name: of.figures for name, of in found.items()}
    scores, rivals = compared_scores(figures, model, headline, count=len(examples), resamples=resamples, seed=seed)
    figure = _NAMES.get(headline, f"points of {headline.upper()}")
    return {
        "headline": headline,
        "scores": scores,
        "rivals": rivals,
        "examples": random_part(examples, EXAMPLES),
        "verdict": verdict_of(
            rivals, figure=figure, units=counted(len(examples), unit), say=partial(sentence, shown=points)
        ),
        "signatures": found[model].signatures,
    }


def written_signature(task: str, facts: Mapping[str, str] | None, data_hash: str) -> str:
    """The signature of figures of texts."""
    return signature(task=task, **(facts or {}), data=data_hash[:12], elman=version("elman") or "unknown")


def _by_length(pairs: Pairs, found: Mapping[str, TranslationFigures]) -> list[dict[str, Any]]:
    words = np.array([len(text.split()) for text in pairs.source])
    groups = []
    for low, high in zip((0, *LENGTHS), (*LENGTHS, None), strict=True):
        here = ((words > low) | (low == 0)) & (words <= (high or np.inf))
        if here.any():
            bleu = {name: float(of.figures["bleu"](here.astype(np.int64))) for name, of in found.items()}
            groups.append({"from": low + 1, "to": high, "sentences": int(here.sum()), "bleu": bleu})
    return groups
