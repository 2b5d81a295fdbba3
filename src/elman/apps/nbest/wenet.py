"""WeNet's n-best lists: a line ``wav UTT``, and a line ``candidate SCORE words`` for each
hypothesis."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from elman.apps.nbest.lists import SCORE, Hypothesis, NbestList, lines_of, number_of, words_of
from elman.errors import TextError


def read_wenet(path: Path) -> Iterator[NbestList]:
    """The lists of a file; an utterance without candidates has one empty hypothesis.

    Raises:
        TextError: a line is neither; says which.
    """
    utterance, hypotheses, first = None, [], ""
    for position, line in lines_of(path):
        kind, remainder = _parted(line)
        if kind == "wav":
            if utterance is not None:
                yield _list(utterance, hypotheses, first)
            utterance, hypotheses, first = remainder, [], position
            if len(utterance.split()) != 1:
                raise TextError(f"{position}: {line[:40]!r} names no utterance; it must be wav UTT")
        elif kind == "candidate" and utterance is not None:
            score, words = _parted(remainder)
            hypotheses.append(Hypothesis(words_of(words), {SCORE: number_of(score, position, "the score")}))
        elif kind:
            raise TextError(f"{position}: {line[:40]!r} is neither wav UTT nor candidate SCORE words")
    if utterance is None:
        raise TextError(f"{path}: empty, there is no n-best list in it")
    yield _list(utterance, hypotheses, first)


def write_wenet(lists: Iterable[NbestList]) -> Iterator[str]:
    """The lines of lists, with the scores called ``score`` (0 without one)."""
    for each in lists:
        yield f"wav {each.utterance}"
        for hypothesis in each.hypotheses:
            yield f"candidate {hypothesis.scores.get(SCORE, 0.0):.6g} {hypothesis.text}".rstrip()


def _parted(line: str) -> tuple[str, str]:
    """The first word of a line, and the others."""
    first, *others = line.split(maxsplit=1) or [""]
    return first, "".join(others).strip()


def _list(utterance: str, hypotheses: list[Hypothesis], position: str) -> NbestList:
    return NbestList(utterance, tuple(hypotheses or [Hypothesis("", {SCORE: 0.0})]), position=position)
