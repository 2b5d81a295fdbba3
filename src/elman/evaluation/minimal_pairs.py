"""Minimal pairs: how often a model prefers the grammatical one of two sentences.

The sentences of a pair differ in one thing, such as the number of a verb. A model is right where
the good sentence is more probable as a whole (Linzen et al. 2016; BLiMP, Warstadt et al. 2020).
A tie is wrong.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.decode.bulk import score_texts
from elman.errors import TextError
from elman.metrics.intervals import Interval, proportion_interval
from elman.models.protocol import LanguageModel
from elman.progress import Progress
from elman.text.decoding import raw_lines
from elman.text.readers.delimited import read_csv, read_tsv
from elman.text.readers.json_lines import read_json_lines
from elman.text.readers.record import Missing, Record, text_of
from elman.text.sources import Source, find_sources
from elman.text.speller import Speller

_GOOD, _BAD = ("sentence_good", "good"), ("sentence_bad", "bad")
_PHENOMENON, _PARADIGM = ("linguistics_term", "phenomenon"), ("uid", "paradigm")
_PIECE = 4096
"""Pairs scored together."""


class MinimalPair(NamedTuple):
    """A good and a bad sentence."""

    good: str
    bad: str
    phenomenon: str = ""
    """What they test: ``linguistics_term`` of BLiMP, the third column of a table."""
    paradigm: str = ""
    """The kind of sentence within the phenomenon: ``UID`` of BLiMP."""


class PairFigures(NamedTuple):
    """The figures of some pairs."""

    name: str
    pairs: int
    right: int
    ties: int
    """Pairs of equal probability, which count as wrong."""

    @property
    def accuracy(self) -> Interval:
        """The share of pairs that the model gets right, with Wilson's 95% interval."""
        return proportion_interval(self.right, self.pairs)

    def to_json(self) -> dict[str, Any]:
        """The figures under stable names."""
        value, low, high = self.accuracy
        interval = {"accuracy": value, "low": low, "high": high}
        return {"name": self.name, "pairs": self.pairs, "right": self.right, "ties": self.ties, **interval}


class PairScores(NamedTuple):
    """The figures of a set of pairs."""

    total: PairFigures
    phenomena: list[PairFigures]
    """In the order in which they first occur."""
    paradigms: list[tuple[str, PairFigures]]
    """The phenomenon and the figures of each paradigm, in the order in which they first occur."""

    @property
    def mean(self) -> float:
        """The mean accuracy of the paradigms, or else of the phenomena: BLiMP's overall figure."""
        parts = [each for _, each in self.paradigms] or self.phenomena or [self.total]
        return float(np.mean([each.accuracy.value for each in parts]))

    def to_json(self) -> dict[str, Any]:
        """All figures under stable names."""
        return {
            "total": self.total.to_json(),
            "mean": self.mean,
            "phenomena": [each.to_json() for each in self.phenomena],
            "paradigms": [{"phenomenon": phenomenon, **each.to_json()} for phenomenon, each in self.paradigms],
        }


def read_pairs(source: str | Path, *, encoding: str = "utf-8") -> list[MinimalPair]:
    """The pairs of a file: BLiMP's JSON lines, or a table ``good<TAB>bad[<TAB>phenomenon]``.

    JSON objects, CSV and tables with a line of names have ``sentence_good`` (or ``good``) and
    ``sentence_bad`` (``bad``), and may have ``linguistics_term`` (``phenomenon``) and ``UID``. A
    folder or a pattern gives the pairs of all its files.

    Raises:
        TextError: a file cannot be read, or a line is no pair; says which.
    """
    pairs = []
    for each in find_sources(source):
        lines = raw_lines(each, encoding=encoding, advance=lambda amount: None)
        named = {".csv": read_csv, **dict.fromkeys((".jsonl", ".json", ".ndjson"), read_json_lines)}.get(each.suffix)
        pairs += _named_pairs(named(lines, name=each.name)) if named else _table_pairs(lines, each)
    if not pairs:
        raise TextError(f"{source}: empty, there is no pair in it; give a good and a bad sentence in each line")
    return pairs


def pair_scores(
    model: LanguageModel,
    speller: Speller,
    pairs: Sequence[MinimalPair],
    *,
    spelling: bool = True,
    eos: bool = True,
    progress: Progress | None = None,
) -> PairScores:
    """The figures of a model on pairs.

    Args:
        spelling, eos: as for ``score_lines``.

    >>> from elman.models.ngram.query import fit_ngram
    >>> from elman.text.tokenizer import Tokenizer, TokenizerConfig
    >>> words = Tokenizer.fit(["the cats sleep"], config=TokenizerConfig(pretokenized=True))
    >>> model = fit_ngram(words.encode("the cats sleep").ids, np.array([0, 3]), words)
    >>> found = pair_scores(model, Speller.fit({}), [MinimalPair("the cats sleep", "the cats the", "number")])
    >>> found.total.right, found.phenomena[0].name
    (1, 'number')
    """
    better, tied = [], []
    with (progress or Progress()).stage("scoring", total=len(pairs), unit="pairs") as advance:
        for start in range(0, len(pairs), _PIECE):
            some = pairs[start : start + _PIECE]
            lines = [text for pair in some for text in (pair.good, pair.bad)]
            good, bad = score_texts(model, speller, lines, spelling=spelling, eos=eos).log_probs.reshape(-1, 2).T
            better.append(good > bad)
            tied.append(good == bad)
            advance(len(some))
    right, ties = (np.concatenate([np.empty(0, bool), *parts]) for parts in (better, tied))
    phenomena, paradigms = defaultdict[str, list[int]](list), defaultdict[tuple[str, str], list[int]](list)
    for number, pair in enumerate(pairs):
        if pair.phenomenon:
            phenomena[pair.phenomenon].append(number)
        if pair.paradigm:
            paradigms[pair.phenomenon, pair.paradigm].append(number)
    return PairScores(
        _figures("total", right, ties),
        [_figures(name, right[which], ties[which]) for name, which in phenomena.items()],
        [(whole, _figures(name, right[which], ties[which])) for (whole, name), which in paradigms.items()],
    )


def _figures(name: str, right: NDArray[np.bool_], ties: NDArray[np.bool_]) -> PairFigures:
    return PairFigures(name, len(right), int(right.sum()), int(ties.sum()))


def _named_pairs(records: Iterator[Record]) -> Iterator[MinimalPair]:
    for record in records:
        record = replace(record, fields={name.strip().casefold(): value for name, value in record.fields.items()})
        whole, part = (
            next((value for name in names if isinstance(value := record.fields.get(name), str)), "").strip()
            for names in (_PHENOMENON, _PARADIGM)
        )
        good, bad = (_sentence(record, names) for names in (_GOOD, _BAD))
        yield MinimalPair(good, bad, whole or part, part if whole else "")


def _sentence(record: Record, names: tuple[str, ...]) -> str:
    found = next((name for name in names if name in record.fields), None)
    if found is None:
        raise TextError(f"{record.position}: {Missing(names[0], lambda: ([*record.fields], None))}")
    return text_of(record, found).strip()


def _table_pairs(lines: Iterator[str], source: Source) -> Iterator[MinimalPair]:
    first = next(lines, "")
    names = {cell.strip().casefold() for cell in first.split("\t")}
    lines = chain([first], lines)
    if names & {*_GOOD} and names & {*_BAD}:
        yield from _named_pairs(read_tsv(lines, name=source.name))
        return
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        cells = [cell.strip() for cell in line.split("\t")]
        if not 2 <= len(cells) <= 3 or not cells[0] or not cells[1]:
            raise TextError(
                f"{source.name}, line {number}: {line[:40]!r} is no pair; give good<TAB>bad, "
                "or good<TAB>bad<TAB>phenomenon"
            )
        yield MinimalPair(*cells)
