"""All scores of n-best lists: those of the recogniser, of language models, and counts of words.

Lists that stand alone are scored together. With context, each list follows the chosen hypothesis of
the one before, so its choice is made before the next list is scored.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.apps.nbest.lists import NbestList
from elman.apps.prefix_tree import tree_log_probs
from elman.apps.text_rules import EncodedLine, TextRules, encode_lines
from elman.decode.rows import row_score
from elman.models.protocol import LanguageModel, State
from elman.progress import Progress
from elman.text.speller import Speller

WORDS, UNKNOWN = "words", "unk"
_LEAST = -1e6
"""Instead of the logarithm of 0, so that a weight of 0 ignores it."""
_LISTS = 256
"""Lists scored together."""

Scores = NDArray[np.float64]
Choose = Callable[[Scores], int]
"""The place of the best of a list's hypotheses, by their scores ``[K, D]``."""


class ScoringModel(NamedTuple):
    """A language model and its spelling model; without one unknown words cost no spelling."""

    lm: LanguageModel
    speller: Speller | None


@dataclass(frozen=True)
class Comparable:
    """An n-best list whose hypotheses are different words, by the rules."""

    source: NbestList
    hypotheses: list[list[str]]
    """The words of each; those that differ in nothing else are there once."""
    kept: list[int]
    """Their places in the list."""
    reference: list[str] | None

    @classmethod
    def of(cls, source: NbestList, rules: TextRules, *, merge: bool = True) -> "Comparable":
        """A list by these rules; without ``merge`` equal hypotheses stay."""
        words = [rules.words(hypothesis.text) for hypothesis in source.hypotheses]
        first: dict[tuple[str, ...], int] = {}
        kept = [place for place, each in enumerate(words) if first.setdefault(tuple(each), place) == place or not merge]
        reference = None if source.reference is None else rules.words(source.reference)
        return cls(source, [words[place] for place in kept], kept, reference)


@dataclass(frozen=True)
class ListScorer:
    """What gives hypotheses their scores."""

    names: Sequence[str]
    """The recogniser's scores that are used."""
    models: Mapping[str, ScoringModel]
    rules: TextRules
    spelling: bool = True
    eos: bool = True

    @cached_property
    def columns(self) -> list[str]:
        """The names of all scores, in the order of the arrays."""
        return [*self.names, *self.models, WORDS, UNKNOWN]

    def alone(self, lists: Sequence[Comparable], *, progress: Progress | None = None) -> list[Scores]:
        """The scores of lists that stand alone, ``[K, D]`` each."""
        found: list[Scores] = []
        total = sum(len(each.hypotheses) for each in lists)
        with (progress or Progress()).stage("rescoring", total=total, unit="hypotheses") as advance:
            for start in range(0, len(lists), _LISTS):
                some = lists[start : start + _LISTS]
                encoded = {name: self._encoded(model, some) for name, model in self.models.items()}
                columns = [self._log_probs(self.models[name].lm, lines) for name, lines in encoded.items()]
                ends = np.cumsum([len(each.hypotheses) for each in some])[:-1]
                by_model = np.split(np.array(columns).reshape(len(columns), -1), ends, axis=1)
                found += [self._joined(each, own) for each, own in zip(some, by_model, strict=True)]
                advance(sum(len(each.hypotheses) for each in some))
        return found

    def in_context(
        self, lists: Sequence[Comparable], choose: Choose, *, progress: Progress | None = None
    ) -> list[Scores]:
        """The scores of lists that follow one another within their group, as ``alone``.

        Args:
            choose: which hypothesis of a list the next one follows.
        """
        found: list[Scores] = []
        states: dict[tuple[str | None, str], State] = {}
        total = sum(len(each.hypotheses) for each in lists)
        with (progress or Progress()).stage("rescoring", total=total, unit="hypotheses") as advance:
            for each in lists:
                group, columns, encoded = each.source.group, [], {}
                for name, model in self.models.items():
                    encoded[name] = self._encoded(model, [each])
                    begun = states.get((group, name)) or model.lm.start()
                    states[group, name] = begun
                    columns.append(self._log_probs(model.lm, encoded[name], begun))
                scores = self._joined(each, np.array(columns).reshape(len(columns), -1))
                chosen = choose(scores)
                for name, model in self.models.items():
                    ids = encoded[name][chosen].ids
                    states[group, name] = row_score(model.lm, [ids], states[group, name])[1]
                found.append(scores)
                advance(len(each.hypotheses))
        return found

    def _encoded(self, model: ScoringModel, lists: Sequence[Comparable]) -> list[EncodedLine]:
        lines = [words for each in lists for words in each.hypotheses]
        return encode_lines(model.lm.tokenizer, model.speller, lines, unk=self.rules.unk)

    def _log_probs(self, lm: LanguageModel, lines: Sequence[EncodedLine], begun: State | None = None) -> Scores:
        rows = [line.ids if self.eos else line.ids[:-1] for line in lines]
        scores = tree_log_probs(lm, rows, lm.start() if begun is None else begun)
        sums = np.array([row.sum(dtype=np.float64) for row in scores])
        spelling = np.array([line.spelling for line in lines])
        return np.maximum(sums - spelling if self.spelling else sums, _LEAST)

    def _joined(self, each: Comparable, by_model: Scores) -> Scores:
        given = [[each.source.hypotheses[place].scores[name] for name in self.names] for place in each.kept]
        counts = [[len(words), words.count(self.rules.unk)] for words in each.hypotheses]
        shape = (len(each.kept), -1)
        return np.concatenate(
            [np.array(given).reshape(shape), by_model.T.reshape(shape), np.array(counts, float)], axis=1
        )
