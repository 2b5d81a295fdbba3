"""Correction of spelling in context, by a noisy channel: what was meant is weighed by a language
model, how it would have been typed so by an error model (Kernighan, Church and Gale 1990).

A change is made where it makes the line more probable by more than a threshold. The threshold can
be fitted to text that is believed correct, so that at most a given share of correct words is
changed.
"""

import copy
import math
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

from elman.apps.spelling.confusions import confusions
from elman.apps.spelling.error_model import ErrorModel
from elman.apps.spelling.lexicon import Lexicon
from elman.apps.spelling.pairs import Pair
from elman.apps.spelling.proposals import Candidate, Proposer
from elman.apps.spelling.search import Choice, LineSearch, SearchedLine
from elman.apps.spelling.text_words import text_words
from elman.config import Config
from elman.decode.direction import check_forward
from elman.errors import TextError, UsageError
from elman.metrics.intervals import Interval, proportion_interval
from elman.models.protocol import LanguageModel
from elman.progress import Progress, counted
from elman.text.casing import fold
from elman.text.normalise import composed, marked_letters
from elman.text.speller import Speller

THRESHOLD = 4.0
"""Bits by which a change must make a line more probable, where nothing else is asked for."""
WINDOW = 256
"""Lines corrected together."""


@dataclass(frozen=True, kw_only=True)
class CorrectConfig(Config):
    """How text is corrected."""

    threshold: float | None = None
    """Bits by which a change must make its line more probable (default 4)."""
    beam: int = 8
    """Hypotheses of a line that are kept."""
    names: bool = False
    """Whether unknown words with a capital inside a sentence, usually names, are corrected too."""
    real_words: bool = True
    """Whether known words are corrected where another one is taken for them, such as their and
    there."""
    candidates: int = 8
    """Words that are weighed for each unknown one."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("threshold", self.threshold is None or 0 <= self.threshold < math.inf, "0 bits or more")
        for name, value in (("beam", self.beam), ("candidates", self.candidates)):
            if not 1 <= value <= 100:
                raise UsageError.of(name, value, "1 to 100")


class Correction(NamedTuple):
    """A change of a line."""

    line: int
    """The number of the line, from 0."""
    start: int
    end: int
    original: str
    text: str
    kind: str
    bits: float
    """By how much the change makes the line more probable, what typing it so costs included."""
    others: list[tuple[str, float]]
    """Other words that were weighed, with their bits."""

    @property
    def reason(self) -> str:
        """The change in one sentence.

        >>> Correction(0, 0, 3, "teh", "the", "spelling", 12.3, []).reason
        '"the" is likelier than "teh" by 12.3 bits (spelling)'
        """
        return f'"{self.text}" is likelier than "{self.original}" by {self.bits:.1f} bits ({self.kind})'

    def to_json(self) -> dict[str, Any]:
        """As JSON, with lines from 1 and offsets in characters of the line."""
        others = [{"text": text, "bits": round(bits, 2)} for text, bits in self.others]
        return {
            "line": self.line + 1, "start": self.start, "end": self.end, "original": self.original, "text": self.text,
            "kind": self.kind, "bits": round(self.bits, 2), "others": others,
        }  # fmt: skip


class Harm(NamedTuple):
    """A threshold, and what it changes in text that is believed correct."""

    threshold: float
    """Bits."""
    words: int
    changed: int
    share: Interval
    """Of the correct words that are changed."""


class Corrector:
    """Corrects lines with one model.

    >>> import elman
    >>> lm = elman.train("builtin:pydocs", model="ngram", order=3)
    >>> corrector = Corrector(lm.lm, lm.speller)
    >>> [each.text for each in corrector.correct(["Retrun the value of the fucntion."])[0]]
    ['Return', 'function']
    """

    def __init__(
        self,
        lm: LanguageModel,
        speller: Speller | None,
        *,
        words: Iterable[str] = (),
        pairs: Sequence[Pair] = (),
        protect: Collection[str] = (),
        config: CorrectConfig | None = None,
    ) -> None:
        """Prepare a corrector.

        Args:
            words: a list of words, ``word`` or ``word count`` each, besides those of the model.
            pairs: misspellings from which the error model and confusions of real words are learned.
            protect: words that are left alone, in any case.

        Raises:
            UsageError: the model has no words, and none are listed; or it reads lines from their
                end.
        """
        check_forward(lm.tokenizer)
        self.config = config or CorrectConfig()
        self.lexicon = Lexicon.of(lm, words, lm.tokenizer.config.locale)
        real = [each for each in pairs if each.wrong in self.lexicon and each.right in self.lexicon]
        self.proposer = Proposer(
            self.lexicon,
            ErrorModel.fit(pairs) if pairs else ErrorModel(),
            confusions(real) if self.config.real_words else {},
            most=self.config.candidates,
            names=self.config.names,
        )
        self._speller = speller
        self._search = LineSearch(lm, speller, beam=self.config.beam)
        self._protect = frozenset(fold(word.strip()) for word in protect)
        self.threshold = THRESHOLD if self.config.threshold is None else self.config.threshold

    def through(self, lm: LanguageModel, protect: Collection[str] = ()) -> "Corrector":
        """The same corrector asking its model through ``lm``, with more words that are left
        alone."""
        other = copy.copy(self)
        other._search = LineSearch(lm, self._speller, beam=self.config.beam)
        other._protect = self._protect | {fold(word.strip()) for word in protect}
        return other

    def correct(self, lines: Sequence[str], *, threshold: float | None = None) -> list[list[Correction]]:
        """The changes of each line, in order.

        Args:
            threshold: bits; by default the corrector's own.
        """
        least = self.threshold if threshold is None else threshold
        given = lines
        lines = [composed(line) for line in given]
        words = [list(text_words(line, self._protect)) for line in lines]
        names = {fold(word.text) for each in words for word in each if self.proposer.is_name(word)}
        searched = [
            SearchedLine(line, some, self.proposer.proposals(line, some, names))
            for line, some in zip(lines, words, strict=True)
        ]
        found: list[list[Correction]] = []
        for number, (line, chosen) in enumerate(zip(lines, self._search.choices(searched), strict=True)):
            changes = [_correction(number, line, choice) for choice in chosen]
            changes = [each for each in changes if each.bits >= least and each.original != each.text]
            found.append(changes if line == given[number] else _placed(changes, given[number]))
        return found

    def stream(self, lines: Iterable[str]) -> Iterator[tuple[str, list[Correction]]]:
        """Each line and its changes, in bounded memory; line numbers count from the first."""
        rest, done = iter(lines), 0
        while window := list(islice(rest, WINDOW)):
            for line, found in zip(window, self.correct(window), strict=True):
                yield line, [each._replace(line=each.line + done) for each in found]
            done += len(window)

    def ranked(self, word: str, count: int = 5) -> list[Candidate]:
        """What a misspelled word is likeliest to be without context, the best first."""
        return self.proposer.ranked(word, count)

    def fit_harm(self, clean: Iterable[str], harm: float, *, progress: Progress | None = None) -> Harm:
        """Set the threshold so that at most this share of the words of clean text is changed, with
        97.5% confidence; the smallest such.

        Args:
            clean: lines that are believed correct.
            harm: a share, such as 0.005.

        Raises:
            UsageError: ``harm`` is no share.
            TextError: the text is too short to say.
        """
        if not 0 < harm < 1:
            raise UsageError.of("harm", harm, "a share above 0 and below 1, such as 0.5% or 0.005")
        rest, words, bits = iter(clean), 0, []
        with (progress or Progress()).stage("fitting the threshold", total=None, unit="words") as advance:
            while window := list(islice(rest, WINDOW)):
                count = sum(1 for line in window for _ in text_words(line))
                for each in self.correct(window, threshold=0.0):
                    bits += [change.bits for change in each for _ in change.original.split()]
                words += count
                advance(count)
        allowed = largest_count(words, harm)
        if allowed is None:
            need = next(size for size in (10**power for power in range(1, 12)) if largest_count(size, harm) is not None)
            raise TextError(
                f"the clean text has {counted(words, 'word')}, too few to bound a harm of {harm:.3%}; "
                f"give {need:,} or more"
            )
        bits.sort(reverse=True)
        # Just above the first change that is not allowed.
        self.threshold = 0.0 if len(bits) <= allowed else math.nextafter(bits[allowed], math.inf)
        changed = sum(each >= self.threshold for each in bits)
        return Harm(self.threshold, words, changed, proportion_interval(changed, words))


def corrected(line: str, changes: Sequence[Correction]) -> str:
    """A line with its changes.

    >>> corrected("teh end", [Correction(0, 0, 3, "teh", "the", "spelling", 9.0, [])])
    'the end'
    """
    parts, at = [], 0
    for each in changes:
        parts += [line[at : each.start], each.text]
        at = each.end
    return "".join([*parts, line[at:]])


def largest_count(words: int, share: float) -> int | None:
    """The largest number of words that is a smaller share, also at the upper end of its interval.

    >>> largest_count(10_000, 0.005), largest_count(100, 0.005)
    (36, None)
    """
    if words == 0 or proportion_interval(0, words).high > share:
        return None
    low, high = 0, words
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if proportion_interval(middle, words).high <= share else (low, middle)
    return low


def _placed(changes: list[Correction], line: str) -> list[Correction]:
    """Changes of the composed line, by their places in the line as it is."""
    starts, place = [0], 0
    for part in marked_letters(line):
        size = len(unicodedata.normalize("NFC", part))
        # A place inside a letter and its marks is where the next letter begins.
        starts += [place + len(part)] * size
        place += len(part)
    moved = [each._replace(start=starts[each.start], end=starts[each.end]) for each in changes]
    return [each._replace(original=line[each.start : each.end]) for each in moved]


def _correction(number: int, line: str, choice: Choice) -> Correction:
    proposal, gain, others = choice
    weighed = [(text, own / math.log(2)) for text, own in others if text != proposal.text]
    original = line[proposal.start : proposal.end]
    place = proposal.start, proposal.end
    return Correction(number, *place, original, proposal.text, proposal.kind, gain / math.log(2), weighed)
