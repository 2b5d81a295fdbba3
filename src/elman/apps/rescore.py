"""Rescoring: choose again among a recogniser's hypotheses, with the help of language models.

The choice is the hypothesis with the highest weighted sum of scores: the recogniser's, the
log-probability that each model gives it, its number of words, and its number of unknown words. The
weights are fitted to the fewest word errors on a development part, never on the lists that are
reported on.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from elman.apps.domain import FEWEST, PARTS, domain_model, part_of
from elman.apps.list_scores import UNKNOWN, WORDS, Comparable, ListScorer, Scores, ScoringModel
from elman.apps.nbest.lists import ACOUSTIC, OLD_LM, Hypothesis, NbestList, same_scores
from elman.apps.text_rules import TextRules
from elman.apps.weights import Fitted, Table, fit_weights
from elman.config import Config
from elman.errors import UsageError
from elman.metrics.word_errors import edit_distances
from elman.progress import Progress

MODEL, DOMAIN = "model", "domain"
TOTAL = "total"
_FOLDS = 5
_GUESSES = {ACOUSTIC: 0.1, OLD_LM: 0.5, MODEL: 0.5, WORDS: 0.0, UNKNOWN: 0.0}
"""Weights where none are fitted or given; other scores of the recogniser count 1."""


@dataclass(frozen=True, kw_only=True)
class RescoreConfig(Config):
    """How lists are rescored."""

    context: Literal["independent", "document"] = "independent"
    """What a model knows when an utterance begins: nothing, or the chosen hypotheses of its
    conversation before it."""
    spelling: bool = True
    """Whether an unknown word costs its spelling in addition to <unk>."""
    eos: bool = True
    """Whether the end of an utterance, </s>, is scored."""
    merge: bool = True
    """Whether hypotheses that are equal by the rules are one."""
    domain: bool = True
    """Whether an n-gram of the references of the development part has a score of its own (from 50
    different references on)."""
    seed: int = 1
    """Seed of the search for weights."""


@dataclass(frozen=True)
class Weights:
    """Weights of scores by name, and the references of the domain's n-gram, if there is one."""

    values: Mapping[str, float]
    domain: Sequence[Sequence[str]] = ()

    def to_json(self) -> dict[str, Any]:
        """Both as JSON."""
        return {
            "elman": "rescoring weights",
            "weights": dict(self.values),
            "domain": [" ".join(each) for each in self.domain],
        }

    @classmethod
    def from_json(cls, value: Any) -> "Weights":
        """Read ``to_json`` back, or a plain object of weights by name.

        Raises:
            UsageError: it is neither.
        """
        weights = value.get("weights", value) if isinstance(value, dict) else None
        domain = value.get("domain", []) if isinstance(value, dict) else None
        if not isinstance(weights, dict) or not all(_finite(each) for each in weights.values()):
            raise UsageError('weights must be an object of names and finite numbers, like {"score": 1, "model": 0.5}')
        if not isinstance(domain, list) or not all(isinstance(each, str) for each in domain):
            raise UsageError("the weights' domain must be a list of texts")
        return cls({str(name): float(each) for name, each in weights.items()}, [each.split() for each in domain])


@dataclass(frozen=True)
class Rescored:
    """Lists with a new order, and how it came about."""

    lists: list[NbestList]
    """The best hypothesis first; scores of models and ``total`` are added."""
    weights: Weights
    fitted: str
    """Where the weights are from: ``given``, ``guessed``, ``development part`` or
    ``cross-validation``."""
    compared: list[Comparable]
    """The lists by the rules, in the recogniser's order."""
    choices: NDArray[np.int64]
    """The place of the chosen hypothesis in each of ``compared``, ``[U]``."""


def rescore_lists(
    lists: Sequence[NbestList],
    models: Sequence[ScoringModel],
    *,
    tune: Sequence[NbestList] | None = None,
    weights: Weights | None = None,
    rules: TextRules | None = None,
    config: RescoreConfig | None = None,
    progress: Progress | None = None,
) -> Rescored:
    """Choose again among the hypotheses of lists.

    Args:
        models: one or more, with any vocabularies; their scores are ``model``, ``model2`` and so
            on.
        tune: lists with references to which weights are fitted. Without them, and without weights,
            lists that have references are cross-validated: the weights of each fifth are fitted to
            the others. Otherwise the weights are guessed.
        weights: by name; those that are not named are guessed.

    Raises:
        UsageError: no model, weights of unknown scores, or a development part without references.
        TextError: lists whose scores differ.
    """
    work = _Rescoring(models, rules or TextRules(), config or RescoreConfig(), progress or Progress())
    return work.run(lists, tune, weights)


class _Rescoring:
    def __init__(
        self, models: Sequence[ScoringModel], rules: TextRules, config: RescoreConfig, progress: Progress
    ) -> None:
        if not models:
            raise UsageError("no model to rescore with; give one or more")
        self._models = {MODEL if not number else f"{MODEL}{number + 1}": model for number, model in enumerate(models)}
        self._rules, self._config, self._progress = rules, config, progress

    def run(self, lists: Sequence[NbestList], tune: Sequence[NbestList] | None, weights: Weights | None) -> Rescored:
        names = same_scores([*lists, *(tune or ())])
        compared = self._compared(lists)
        known = all(each.reference is not None for each in compared)
        if weights is None and tune is not None:
            weights, fitted = self._fitted(names, self._compared(tune)), "development part"
        elif weights is None and known and len(lists) >= 2 * _FOLDS:
            return self._cross_validated(names, compared)
        else:
            fitted = "guessed" if weights is None else "given"
        weights = weights or Weights({})
        scorer = self._scorer(names, weights.domain)
        vector = self._vector(weights, scorer)
        scores = self._scores(scorer, compared, vector)
        choices = [_choose(vector, each) for each in scores]
        return self._answer(scorer, compared, scores, [vector] * len(lists), choices, fitted, weights.domain)

    def _compared(self, lists: Sequence[NbestList]) -> list[Comparable]:
        return [Comparable.of(each, self._rules, merge=self._config.merge) for each in lists]

    def _scorer(self, names: Sequence[str], domain: Sequence[Sequence[str]]) -> ListScorer:
        own = {DOMAIN: _domain_scorer(domain)} if domain else {}
        return ListScorer(names, {**self._models, **own}, self._rules, self._config.spelling, self._config.eos)

    def _scores(self, scorer: ListScorer, lists: Sequence[Comparable], vector: NDArray[np.float64]) -> list[Scores]:
        if self._config.context == "independent":
            return scorer.alone(lists, progress=self._progress)
        return scorer.in_context(lists, partial(_choose, vector), progress=self._progress)

    def _vector(self, weights: Weights, scorer: ListScorer) -> NDArray[np.float64]:
        unknown = next((name for name in weights.values if name not in scorer.columns), None)
        if unknown is not None:
            raise UsageError(f"there is no score {unknown!r} to weigh; the scores are: {', '.join(scorer.columns)}")
        guesses = {
            name: _GUESSES.get(name, _GUESSES[MODEL] if name in scorer.models else 1.0) for name in scorer.columns
        }
        return np.array([weights.values.get(name, guesses[name]) for name in scorer.columns])

    def _fitted(self, names: Sequence[str], lists: Sequence[Comparable]) -> Weights:
        references = [each.reference for each in lists if each.reference is not None]
        if len(references) < len(lists):
            missing = next(each.source for each in lists if each.reference is None)
            raise UsageError(
                f"{missing.position or 'the development part'}: no reference for {missing.utterance!r}; weights "
                "can only be fitted to lists with references (--tune-ref FILE)"
            )
        spoken = list({tuple(each): each for each in references if each}.values())
        domain = spoken if self._config.domain and len(spoken) >= FEWEST else []
        scorer = self._scorer(names, [])
        vector, rounds = self._vector(Weights({}), scorer), 1 if self._config.context == "independent" else 2
        errors = list_errors(lists)
        held_out = self._held_out(scorer, lists, references) if domain else None
        for _ in range(rounds):
            scores = self._scores(scorer, lists, vector)
            columns = [*scorer.columns]
            if held_out is not None:
                # The domain's column stands where that of its scorer will be.
                place = len(names) + len(self._models)
                scores = [np.insert(each, place, own, axis=1) for each, own in zip(scores, held_out, strict=True)]
                columns.insert(place, DOMAIN)
            start = np.array([dict(zip(scorer.columns, vector, strict=True)).get(name, 0.0) for name in columns])
            found = fit_weights(Table.of(scores, errors), start, seed=self._config.seed)
            values = dict(zip(columns, _scaled(found, len(names)).tolist(), strict=True))
            vector = np.array([values[name] for name in scorer.columns])
        return Weights(values, domain)

    def _held_out(
        self, scorer: ListScorer, lists: Sequence[Comparable], references: Sequence[Sequence[str]]
    ) -> list[NDArray[np.float64]]:
        """The domain's score of each hypothesis, from models that did not see the utterance."""
        parts = np.array([part_of(each) for each in references])
        found: dict[int, NDArray[np.float64]] = {}
        for part in range(PARTS):
            here = np.flatnonzero(parts == part)
            others = [each for each, own in zip(references, parts, strict=True) if own != part and each]
            if not len(here) or not others:
                found |= {row: np.zeros(len(lists[row].hypotheses)) for row in here.tolist()}
                continue
            own = dataclasses.replace(scorer, names=(), models={DOMAIN: _domain_scorer(others)})
            scores = own.alone([lists[row] for row in here.tolist()])
            found |= {row: each[:, 0] for row, each in zip(here.tolist(), scores, strict=True)}
        return [found[row] for row in range(len(lists))]

    def _cross_validated(self, names: Sequence[str], lists: Sequence[Comparable]) -> Rescored:
        scorer = self._scorer(names, [])
        start = self._vector(Weights({}), scorer)
        scores = self._scores(scorer, lists, start)
        table = Table.of(scores, list_errors(lists))
        folds = np.arange(len(lists)) * _FOLDS // len(lists)
        seed = {"seed": self._config.seed}
        by_fold = [
            _scaled(fit_weights(table.take(np.flatnonzero(folds != fold)), start, **seed), len(names))
            for fold in range(_FOLDS)
        ]
        vectors = [by_fold[fold] for fold in folds]
        choices = [_choose(vector, each) for vector, each in zip(vectors, scores, strict=True)]
        return self._answer(scorer, lists, scores, vectors, choices, "cross-validation", ())

    def _answer(
        self,
        scorer: ListScorer,
        lists: Sequence[Comparable],
        scores: Sequence[Scores],
        vectors: Sequence[NDArray[np.float64]],
        choices: Sequence[int],
        fitted: str,
        domain: Sequence[Sequence[str]],
    ) -> Rescored:
        ranked = [
            _ranked(each, own, vector, scorer.columns) for each, own, vector in zip(lists, scores, vectors, strict=True)
        ]
        # The mean of equal vectors may differ from them in the last bit.
        mean = vectors[0] if all(each is vectors[0] for each in vectors) else np.mean(vectors, axis=0)
        values = dict(zip(scorer.columns, mean.tolist(), strict=True))
        return Rescored(ranked, Weights(values, domain), fitted, list(lists), np.array(choices, np.int64))


def list_errors(lists: Sequence[Comparable]) -> list[NDArray[np.int64]]:
    """The word errors of every hypothesis of each list."""
    return edit_distances([each.reference or [] for each in lists], [each.hypotheses for each in lists])


def _domain_scorer(references: Sequence[Sequence[str]]) -> ScoringModel:
    """Without a cost of spelling: the few words of the references say nothing about how others are
    spelled."""
    return ScoringModel(domain_model(references), None)


def _choose(vector: NDArray[np.float64], scores: Scores) -> int:
    return int((scores @ vector).argmax())


def _scaled(found: Fitted, names: int) -> NDArray[np.float64]:
    """Weights in which the recogniser's first score counts 1, or else the largest."""
    first = found.weights[0] if names else 0.0
    size = first if first > 0 else np.abs(found.weights).max()
    return found.weights / size if size else found.weights


def _ranked(each: Comparable, scores: Scores, vector: NDArray[np.float64], columns: Sequence[str]) -> NbestList:
    totals = scores @ vector
    hypotheses = []
    for row in np.argsort(-totals, kind="stable").tolist():
        source = each.source.hypotheses[each.kept[row]]
        added = {
            name: value
            for name, value in zip(columns, scores[row].tolist(), strict=True)
            if name not in (WORDS, UNKNOWN)
        }
        hypotheses.append(Hypothesis(source.text, {**source.scores, **added, TOTAL: float(totals[row])}))
    return dataclasses.replace(each.source, hypotheses=tuple(hypotheses))


def _finite(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and bool(np.isfinite(value))
