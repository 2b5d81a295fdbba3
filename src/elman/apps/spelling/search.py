"""The best corrections of lines: the language model weighs proposals where they stand.

First each proposal is scored by itself: the log-probability of the line with it, less that of the
line without, less what typing it so costs. Words that stand near each other and have promising
proposals are then decided together by a beam search. Of a long line only what stands around a
change is read: the words before it from the last but one multiple of ``CONTEXT`` on, and ``REACH``
words after it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from elman.apps.prefix_tree import tree_log_probs
from elman.apps.spelling.proposals import Proposal
from elman.apps.spelling.text_words import TextWord
from elman.decode.bulk import line_sums
from elman.decode.line_ids import line_ids
from elman.models.protocol import LanguageModel
from elman.text.normalise import normalise_line
from elman.text.speller import Speller

REACH = 4
CONTEXT = 24
_PROMISING = 5.0
"""Nats that a proposal may lack by itself."""
_PER_WORD = 4
_TOGETHER = 6
"""Words that are decided together at most."""


@dataclass(frozen=True)
class SearchedLine:
    """A line, its words and what may have been meant."""

    text: str
    words: Sequence[TextWord]
    proposals: Sequence[Proposal]


class Choice(NamedTuple):
    """A proposal that makes its line more probable."""

    proposal: Proposal
    gain: float
    """By how much (nats)."""
    others: list[tuple[str, float]]
    """Other proposals for the same word, with their gains."""


class LineSearch:
    """Finds the best corrections of lines with one model."""

    def __init__(self, lm: LanguageModel, speller: Speller | None, *, beam: int = 8, lm_weight: float = 1.0) -> None:
        self._lm, self._speller, self._beam, self._weight = lm, speller, beam, lm_weight

    def choices(self, lines: Sequence[SearchedLine]) -> list[list[Choice]]:
        """The choices for each line, in the order of its words; all have gains above 0."""
        gains = self._alone(lines)
        found: list[list[Choice]] = []
        clusters: list[tuple[int, list[list[Proposal]]]] = []
        single: list[dict[int, Choice]] = []
        for number, (line, by_itself) in enumerate(zip(lines, gains, strict=True)):
            slots: dict[int, list[tuple[float, Proposal]]] = {}
            for proposal, gain in zip(line.proposals, by_itself, strict=True):
                if gain > -_PROMISING:
                    slots.setdefault(proposal.first, []).append((gain, proposal))
            groups: list[list[list[tuple[float, Proposal]]]] = []
            last = -1 - REACH
            for first in sorted(slots):
                ranked = sorted(slots[first], key=lambda each: -each[0])[:_PER_WORD]
                if first - last > REACH or len(groups[-1]) == _TOGETHER:
                    groups.append([])
                groups[-1].append(ranked)
                last = max(last, *(proposal.last for _, proposal in ranked))
            alone: dict[int, Choice] = {}
            for group in groups:
                if len(group) > 1:
                    clusters.append((number, [[proposal for _, proposal in slot] for slot in group]))
                elif group[0][0][0] > 0:
                    (gain, best), *rest = group[0]
                    alone[best.first] = Choice(best, gain, [(each.text, own) for own, each in rest])
            single.append(alone)
        together = self._clusters(lines, clusters)
        for (number, slots_), choices in zip(clusters, together, strict=True):
            by_itself = dict(zip(lines[number].proposals, gains[number], strict=True))
            for proposal, gain in choices:
                rest = [
                    (each.text, by_itself[each])
                    for slot in slots_
                    for each in slot
                    if each.first == proposal.first and each != proposal
                ]
                single[number][proposal.first] = Choice(proposal, gain, rest)
        for alone in single:
            found.append([choice for _, choice in sorted(alone.items()) if choice.gain > 0])
        return found

    def _alone(self, lines: Sequence[SearchedLine]) -> list[list[float]]:
        texts: list[str] = []
        for line in lines:
            for proposal in line.proposals:
                begin, end = _begin(line, proposal.first), _end(line, proposal.last)
                texts += [line.text[begin:end], _applied(line.text[:end], [proposal])[begin:]]
        whole = [_end(line, each.last) == len(line.text) for line in lines for each in line.proposals for _ in range(2)]
        scores = iter(self._scores(texts, whole))
        return [[-next(scores) + next(scores) - proposal.nats for proposal in line.proposals] for line in lines]

    def _clusters(
        self, lines: Sequence[SearchedLine], clusters: Sequence[tuple[int, list[list[Proposal]]]]
    ) -> list[list[tuple[Proposal, float]]]:
        """The chosen proposals of each cluster with their gains against the line without each."""
        starts = [slots[0][0].first for _, slots in clusters]
        beams: list[list[tuple[Proposal, ...]]] = [[()] for _ in clusters]
        for step in range(max((len(slots) for _, slots in clusters), default=0)):
            going = [place for place, (_, slots) in enumerate(clusters) if step < len(slots)]
            longer = []
            for place in going:
                slot = clusters[place][1][step]
                longer.append(
                    [
                        each
                        for begun in beams[place]
                        for each in [
                            begun,
                            *((*begun, more) for more in slot if not begun or begun[-1].last < more.first),
                        ]
                    ]
                )
            last = [max(each.last for each in clusters[place][1][step]) for place in going]
            scores = self._hypotheses(
                lines, [clusters[place][0] for place in going], longer, [starts[place] for place in going], last
            )
            for place, hypotheses, own in zip(going, longer, scores, strict=True):
                order = sorted(range(len(own)), key=lambda at: -own[at])[: self._beam]
                beams[place] = [hypotheses[at] for at in order]
        best = [beam[0] for beam in beams]
        without = [
            [chosen, *(chosen[:at] + chosen[at + 1 :] for at in range(len(chosen)))] if chosen else []
            for chosen in best
        ]
        last = [max(each.last for slot in slots for each in slot) for _, slots in clusters]
        scores = self._hypotheses(lines, [number for number, _ in clusters], without, starts, last)
        return [
            [(proposal, own[0] - less) for proposal, less in zip(chosen, own[1:], strict=True)]
            for chosen, own in zip(best, scores, strict=True)
        ]

    def _hypotheses(
        self,
        lines: Sequence[SearchedLine],
        numbers: Sequence[int],
        hypotheses: Sequence[Sequence[tuple[Proposal, ...]]],
        first: Sequence[int],
        last: Sequence[int],
    ) -> list[list[float]]:
        """The scores of sets of proposals, of which none stands before the word ``first`` or after
        ``last``."""
        texts, whole = [], []
        for number, several, start, word in zip(numbers, hypotheses, first, last, strict=True):
            line = lines[number]
            begin, end = _begin(line, start), _end(line, word)
            texts += [_applied(line.text[:end], chosen)[begin:] for chosen in several]
            whole += [end == len(lines[number].text)] * len(several)
        scores = iter(self._scores(texts, whole))
        return [[next(scores) - sum(each.nats for each in chosen) for chosen in several] for several in hypotheses]

    def _scores(self, texts: Sequence[str], whole: Sequence[bool]) -> list[float]:
        """Weighted log-probabilities of lines, with the end of those that are ``whole``."""
        encoded = line_ids(self._lm.tokenizer, [normalise_line(text) for text in texts])
        rows = [ids if ends else ids[:-1] for ids, ends in zip(encoded.split(), whole, strict=True)]
        found = (
            [float(each.sum(dtype=float)) for each in tree_log_probs(self._lm, rows, self._lm.start())] if rows else []
        )
        if self._speller is not None:
            spelling = line_sums(encoded.spelling_nats(self._lm.tokenizer, self._speller), encoded.ends)
            found = [score - nats for score, nats in zip(found, spelling.tolist(), strict=True)]
        return [self._weight * score for score in found]


def _begin(line: SearchedLine, word: int) -> int:
    """Where the reading of a line begins whose first change is at a word."""
    first = (word // CONTEXT - 1) * CONTEXT
    return line.words[first].start if first > 0 else 0


def _end(line: SearchedLine, word: int) -> int:
    """Where the reading of a line ends that changes at a word."""
    return line.words[word + REACH].end if word + REACH < len(line.words) else len(line.text)


def _applied(text: str, chosen: Sequence[Proposal]) -> str:
    """A text with proposals, in order and without overlaps.

    >>> _applied("teh cat", [Proposal(0, 3, "the", 1.0, "spelling", 0, 0)])
    'the cat'
    """
    assert all(one.end <= other.start for one, other in pairwise(chosen)), "proposals overlap"
    parts, at = [], 0
    for each in chosen:
        parts += [text[at : each.start], each.text]
        at = each.end
    return "".join([*parts, text[at:]])
