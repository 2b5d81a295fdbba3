"""N-best lists: what a recogniser believes it heard, each hypothesis with its scores."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from elman.errors import TextError
from elman.text.decoding import raw_lines
from elman.text.sources import find_sources

ACOUSTIC, OLD_LM, SCORE = "acoustic", "lm", "score"
"""Names of scores that formats have: of sounds, of the recogniser's language model, of both."""
LN_10 = 2.302585092994046


@dataclass(frozen=True)
class Hypothesis:
    """One hypothesis."""

    text: str
    """Its words, separated by single spaces; may be empty."""
    scores: Mapping[str, float] = field(default_factory=dict)
    """Log-probabilities by name, the higher the better (nats where the format says so)."""


@dataclass(frozen=True)
class NbestList:
    """The hypotheses of one utterance, the recogniser's choice first."""

    utterance: str
    hypotheses: tuple[Hypothesis, ...]
    reference: str | None = None
    """What was said, if it is known."""
    group: str | None = None
    """The conversation or document of the utterance, if the format names one."""
    position: str = ""
    """The file and line, for messages."""

    def __post_init__(self) -> None:
        if not self.hypotheses:
            raise TextError(
                f"{self.position or self.utterance}: no hypothesis for {self.utterance!r}; give at least one, which "
                "may be empty"
            )


def lines_of(path: str | Path, *, encoding: str = "utf-8") -> Iterator[tuple[str, str]]:
    """The lines of a file, plain or compressed, each with its place for messages.

    Raises:
        TextError: it cannot be read.
    """
    for name, lines in find_lines(path, encoding=encoding):
        for number, line in enumerate(lines, start=1):
            yield f"{name}, line {number}", line


def find_lines(path: str | Path, *, encoding: str = "utf-8") -> Iterator[tuple[str, Iterator[str]]]:
    """The name and the lines of each file of a source."""
    for source in find_sources(path):
        yield source.name, raw_lines(source, encoding=encoding, advance=lambda amount: None)


def number_of(text: str, position: str, what: str) -> float:
    """A finite number.

    Raises:
        TextError: it is none; says where.
    """
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if number - number != 0:  # infinite, or none
        raise TextError(f"{position}: {what} is {text[:40]!r}; it must be a finite number")
    return number


def is_whole(text: str) -> bool:
    """Whether a text is a whole number that no file is too small for.

    >>> is_whole("12"), is_whole("-1"), is_whole("9" * 5000)
    (True, False, False)
    """
    return text.isdecimal() and len(text) < 19


def words_of(text: str) -> str:
    """The words of a text, separated by single spaces."""
    return " ".join(text.split())


def same_scores(lists: Sequence[NbestList]) -> list[str]:
    """The names of the scores, which all hypotheses have.

    Raises:
        TextError: one lacks a score that others have.
    """
    names = dict.fromkeys(name for each in lists for hypothesis in each.hypotheses for name in hypothesis.scores)
    for each in lists:
        for number, hypothesis in enumerate(each.hypotheses, start=1):
            missing = next((name for name in names if name not in hypothesis.scores), None)
            if missing is not None:
                raise TextError(
                    f"{each.position or each.utterance}: hypothesis {number} of {each.utterance!r} has no score "
                    f"{missing!r}, others have; give each hypothesis the same scores"
                )
    return list(names)


def with_references(lists: Iterable[NbestList], references: Mapping[str, str], *, name: str) -> list[NbestList]:
    """Lists with the references of their utterances.

    Raises:
        TextError: an utterance has none.
    """
    found = []
    for each in lists:
        if each.utterance not in references:
            raise TextError(
                f"{name}: no reference for utterance {each.utterance!r}; it has "
                f"{', '.join(map(repr, [*references][:3])) or 'none'}{', ...' if len(references) > 3 else ''}"
            )
        found.append(replace(each, reference=references[each.utterance]))
    return found
