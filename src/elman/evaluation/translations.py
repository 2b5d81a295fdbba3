"""Evaluates translations: BLEU and others with intervals, rivals, a verdict, and BLEU by sentence length."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from elman.data.example_splits import random_part
from elman.data.pair_filters import same_language
from elman.data.pairs import Pairs
from elman.errors import UsageError
from elman.evaluation.verdict import verdict
from elman.metrics.gleu import gleu_figure
from elman.metrics.intervals import RESAMPLES, Interval, bootstrap_intervals
from elman.metrics.signature import signature
from elman.metrics.tags import SentenceFigure
from elman.metrics.translation import TranslationFigures, translation_figures
from elman.progress import counted
from elman.system.machine import version
from elman.text.level import choose_level

LENGTHS = (5, 10, 15, 20, 30, 40)
"""Words of the longest source in each group of ``by_length``; longer ones are the last group."""
EXAMPLES = 20
_NAMES = {"exact_match": "exact matches"}
"""Of headline figures, where they are no abbreviation."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class TranslationScores:
    """The figures of one translator."""

    name: str
    figures: Mapping[str, Interval]
    """``bleu``, ``bleu_lowercase``, ``chrf``, ``exact_match``, and ``gleu`` of corrections; from 0 to 100."""
    difference: Interval | None = None
    """Of a rival: the headline figure of the model minus this one's, on the same resamples."""

    def to_json(self) -> dict[str, Any]:
        """The numbers by their stable names; an interval is ``{"value", "low", "high"}``."""
        values: dict[str, Any] = {"name": self.name}
        values.update({name: interval._asdict() for name, interval in self.figures.items()})
        if self.difference is not None:
            values["difference"] = self.difference._asdict()
        return values


@dataclasses.dataclass(frozen=True, kw_only=True)
class TranslationReport:
    """The results of ``evaluate_translations``."""

    headline: str
    """The figure that the verdict is about: ``bleu``, or ``gleu`` of corrections."""
    scores: TranslationScores
    """Of the model."""
    rivals: tuple[TranslationScores, ...]
    """The best first."""
    sentences: int
    by_length: list[dict[str, Any]]
    """Groups of sentences by words of the source: ``from``, ``to`` (None: no limit), ``sentences``, and
    ``bleu`` of each translator by name."""
    examples: list[dict[str, str]]
    """Some sentences, drawn at random: ``source``, ``target`` and what the model made (``predicted``)."""
    verdict: str
    """One sentence."""
    notes: tuple[str, ...]
    signatures: Mapping[str, str]
    """sacreBLEU's line for each figure that is its own."""
    signature: str

    def to_json(self) -> dict[str, Any]:
        """All of it as JSON; ``elman.report.translations_page`` shows it."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        rivals = [rival.to_json() for rival in self.rivals]
        return {**values, "scores": self.scores.to_json(), "rivals": rivals, "notes": list(self.notes)}


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
    """Figures of translations, with intervals of a bootstrap over sentences, beside those of rivals.

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
    headline = "gleu" if corrects else "bleu"
    units = counted(len(pairs), "sentence")
    ours, beside, said = compared_scores(
        {name: of.figures for name, of in found.items()}, model, headline, len(pairs), units, resamples, seed
    )
    return TranslationReport(
        headline=headline,
        scores=ours,
        rivals=beside,
        sentences=len(pairs),
        by_length=_by_length(pairs, found),
        examples=[
            {"source": pairs.source[row], "target": pairs.target[row], "predicted": predicted[row]}
            for row in random_part(range(len(pairs)), EXAMPLES)
        ],
        verdict=said,
        notes=tuple(notes),
        signatures=found[model].signatures,
        signature=signature(
            task="translate", **(facts or {}), data=pairs.hash[:12], elman=version("elman") or "unknown"
        ),
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


def compared_scores(
    found: Mapping[str, Mapping[str, SentenceFigure]],
    model: str,
    headline: str,
    count: int,
    units: str,
    resamples: int = RESAMPLES,
    seed: int = 1,
) -> tuple[TranslationScores, tuple[TranslationScores, ...], str]:
    """The scores of a model, those of its rivals, the best first, and the verdict.

    Args:
        found: the figures of each system by name.
        model: the name of the model.
        headline: the figure that the verdict is about.
        count: examples.
        units: the same in words.
    """

    def scores(name: str) -> TranslationScores:
        wanted = dict(found[name])
        if name != model:
            wanted["difference"] = _minus(found[model][headline], wanted[headline])
        intervals = bootstrap_intervals(wanted, np.ones(count, np.int64), resamples=resamples, seed=seed)
        difference = intervals.pop("difference", None)
        return TranslationScores(name=name, figures=intervals, difference=difference)

    rivals = (scores(name) for name in found if name != model)
    beside = tuple(sorted(rivals, key=lambda rival: -rival.figures[headline].value))
    said = "No rival was compared."
    if beside:
        difference = beside[0].difference
        assert difference is not None
        shares = Interval(*(bound / 100 for bound in difference))
        said = verdict(beside[0].name, shares, figure=_NAMES.get(headline, headline.upper()), units=units)
    return scores(model), beside, said


def _minus(first: SentenceFigure, second: SentenceFigure) -> SentenceFigure:
    return lambda weights: first(weights) - second(weights)


def _by_length(pairs: Pairs, found: Mapping[str, TranslationFigures]) -> list[dict[str, Any]]:
    words = np.array([len(text.split()) for text in pairs.source])
    groups = []
    for low, high in zip((0, *LENGTHS), (*LENGTHS, None), strict=True):
        here = ((words > low) | (low == 0)) & (words <= (high or np.inf))
        if here.any():
            bleu = {name: float(of.figures["bleu"](here.astype(np.int64))) for name, of in found.items()}
            groups.append({"from": low + 1, "to": high, "sentences": int(here.sum()), "bleu": bleu})
    return groups
