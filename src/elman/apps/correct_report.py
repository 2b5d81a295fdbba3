"""Changes as people read them, and figures of a corrector."""

import difflib
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from elman.apps.correct import Correction, Corrector, corrected
from elman.apps.spelling.pairs import Pair
from elman.metrics.intervals import proportion_interval
from elman.text.casing import fold

NO_LINE_END = "\n\\ No newline at end of file"
"""What a diff has after a last line without a line end."""


def marked(line: str, changes: Sequence[Correction]) -> str:
    """A line with its changes marked as ``wdiff`` marks them.

    >>> marked("teh end", [Correction(0, 0, 3, "teh", "the", "spelling", 9.0, [])])
    '[-teh-]{+the+} end'
    """
    return corrected(line, [each._replace(text=f"[-{each.original}-]{{+{each.text}+}}") for each in changes])


def unified_diff(before: Sequence[str], after: Sequence[str], *, name: str = "text") -> Iterator[str]:
    """The lines of a unified diff, which ``patch`` can apply.

    >>> list(unified_diff(["teh"], ["the"]))[2:]
    ['@@ -1 +1 @@', '-teh', '+the']
    """
    return difflib.unified_diff(before, after, f"a/{name}", f"b/{name}", lineterm="")


@dataclass(frozen=True)
class WordCounts:
    """Words of running text, and what became of them. Counts add up over texts."""

    correct: int = 0
    """Words that were right."""
    broken: int = 0
    """Those of them that were changed."""
    wrong: int = 0
    """Words that were wrong."""
    touched: int = 0
    """Those of them that were changed."""
    mended: int = 0
    """Those of them that were made right."""

    def __add__(self, other: "WordCounts") -> "WordCounts":
        return WordCounts(
            self.correct + other.correct,
            self.broken + other.broken,
            self.wrong + other.wrong,
            self.touched + other.touched,
            self.mended + other.mended,
        )

    @classmethod
    def of(cls, given: str, wanted: str, found: str) -> "WordCounts":
        """Count the words between spaces of a line as it was given, as it should be, and as it was
        made.

        >>> WordCounts.of("teh cat sta here", "the cat sat here", "the cat say hare")
        WordCounts(correct=2, broken=1, wrong=2, touched=2, mended=1)
        """
        words, right, made = given.split(), _by_word(given, wanted), _by_word(given, found)
        wrong = [word != meant for word, meant in zip(words, right, strict=True)]
        changed = [word != got for word, got in zip(words, made, strict=True)]
        mended = [bad and meant == got for bad, meant, got in zip(wrong, right, made, strict=True)]
        return cls(
            correct=wrong.count(False),
            broken=sum(not bad and new for bad, new in zip(wrong, changed, strict=True)),
            wrong=sum(wrong),
            touched=sum(bad and new for bad, new in zip(wrong, changed, strict=True)),
            mended=sum(mended),
        )

    def figures(self) -> dict[str, Any]:
        """Precision, recall, F0.5 and words broken, as shares; with 95% intervals where they are
        proportions."""
        precision = proportion_interval(self.mended, self.broken + self.touched)
        recall = proportion_interval(self.mended, self.wrong)
        weighted = 1.25 * self.mended / max(self.broken + self.touched + 0.25 * self.wrong, 1)
        return {
            "words": self.correct + self.wrong,
            "errors": self.wrong,
            "precision": precision._asdict(),
            "recall": recall._asdict(),
            "f0.5": weighted,
            "broken": proportion_interval(self.broken, self.correct)._asdict(),
        }


def line_figures(corrector: Corrector, lines: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Figures of running text.

    Args:
        lines: each as it is given, and as it should be.
    """
    counts, begun = WordCounts(), time.process_time()
    found = [corrected(line, changes) for line, changes in corrector.stream(line for line, _ in lines)]
    seconds = time.process_time() - begun
    for (given, wanted), made in zip(lines, found, strict=True):
        counts += WordCounts.of(given, wanted, made)
    figures = counts.figures()
    return {**figures, "words_per_second": figures["words"] / max(seconds, 1e-9)}


def pair_figures(corrector: Corrector, pairs: Iterable[Pair]) -> dict[str, Any]:
    """Shares of misspelled words that are corrected without context, at the first and within five;
    each different pair counts once."""
    asked = list(dict.fromkeys((each.wrong, each.right) for each in pairs))
    begun = time.process_time()
    first = five = known = left = strict = 0
    for wrong, right in asked:
        found = [fold(each.word) for each in corrector.ranked(wrong, 5)]
        first += found[:1] == [fold(right)]
        five += fold(right) in found
        known += right in corrector.lexicon
        left += wrong in corrector.lexicon
        strict += found[:1] == [fold(right)] and wrong not in corrector.lexicon
    seconds = time.process_time() - begun
    return {
        "pairs": len(asked),
        "at_1": proportion_interval(first, len(asked))._asdict(),
        "at_5": proportion_interval(five, len(asked))._asdict(),
        "at_1_if_known_words_stay": proportion_interval(strict, len(asked))._asdict(),
        "right_words_known": known / max(len(asked), 1),
        "wrong_words_known": left / max(len(asked), 1),
        "words_per_second": len(asked) / max(seconds, 1e-9),
    }


def _by_word(given: str, other: str) -> list[str]:
    """What stands in another line in place of each word of a given one; words that are put in
    belong to the word after them, at the end to the last one."""
    one, two = given.split(), other.split()
    found: list[list[str]] = [[] for _ in one]
    for tag, begin, end, first, last in difflib.SequenceMatcher(None, one, two, autojunk=False).get_opcodes():
        if tag == "insert":
            if one:
                place = min(begin, len(one) - 1)
                found[place] = [*found[place], *two[first:last]]
        elif end - begin == last - first:
            for place, word in zip(range(begin, end), two[first:last], strict=True):
                found[place].append(word)
        else:
            found[begin] += two[first:last]
    return [" ".join(each) for each in found]
