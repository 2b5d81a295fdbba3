"""N-best lists as JSON lines: one object for each utterance, or one array of hypotheses.

    {"id": "a1", "hyps": [["in the end", -3.2], ["in the and", -3.5]], "ref": "in the end"}
    {"utt": "a2", "nbest": [{"text": "yes", "am_score": -80.1, "lm_score": -4.2}]}
    [{"hyp": "yes", "score": -1.5}, {"hyp": "yet", "score": -1.9}]
    {"id": "a3", "hyps": ["yes", "yet"], "am_scores": [-80.1, -81.0], "lm_scores": [-4.2, -6.0]}
    {"a4": {"hyp_1": {"text": "yes", "score": -1.5}, "hyp_2": ..., "ref": "yes"}, "a5": ...}

A hypothesis is a string, a list of a text and its scores, or an object. Every number of an object
is a score under its own name; costs (``ac_cost``) change their sign. ``probability``,
``confidence`` and ``posterior`` become logarithms. Scores may also stand in lists beside the
hypotheses. The keys of an object that is no list itself are utterances.
"""

import itertools
import json
import math
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from elman.apps.nbest.lists import ACOUSTIC, OLD_LM, SCORE, Hypothesis, NbestList, find_lines, words_of
from elman.errors import TextError
from elman.text.readers.json_stream import json_values
from elman.text.readers.record import json_type, listed

IDS = ("id", "utt", "utterance", "utt_id", "uttid", "utterance_id", "key", "name")
_LISTS = ("hyps", "nbest", "n_best", "hypotheses", "alternatives", "candidates", "input")
_NUMBERED = re.compile(r"hyp(?:othesis)?[_-]?([0-9]{1,9})")
_TEXTS = ("rec_text", "text", "hyp", "hypothesis", "sentence", "transcript", "words")
REFERENCES = ("ref", "reference", "truth", "target", "output")
_GROUPS = ("group", "conversation", "document", "dialogue", "session", "speaker")
_NAMES = {
    **dict.fromkeys(("am_score", "ac_score", "acoustic_score", "ascore", "am", "ac", ACOUSTIC), ACOUSTIC),
    **dict.fromkeys(("lm_score", "lscore", "graph", OLD_LM), OLD_LM),
    **dict.fromkeys(("total", "total_score", "log_prob", "logprob", SCORE), SCORE),
}
_COSTS = {
    **dict.fromkeys(("ac_cost", "acoustic_cost"), ACOUSTIC),
    **dict.fromkeys(("lm_cost", "graph_cost"), OLD_LM),
    "cost": SCORE,
}
_PROBABILITIES = ("probability", "confidence", "posterior", "prob")
_SCORES = {*_NAMES, *_COSTS, *_PROBABILITIES}
_LEAST = 1e-300


def read_json_lines(path: Path, *, first: str | None = None, encoding: str = "utf-8") -> Iterator[NbestList]:
    """The lists of a file.

    Args:
        first: a field with the recogniser's own choice, where that does not stand in the list. It
            becomes the first hypothesis, with the best scores of the list, and a score ``first``.

    Raises:
        TextError: a line is no list; says which and why.
    """
    for name, lines in find_lines(path, encoding=encoding):
        lists = ((line, each) for line, value in _values(lines, name) for each in _by_utterance(value))
        for number, (line, value) in enumerate(lists, start=1):
            yield nbest_of_json(value, f"{name}, line {line}", number=number, first=first)


def _values(lines: Iterator[str], name: str) -> Iterator[tuple[int, Any]]:
    """The values of a file, each with its line: one a line, or written over many lines, or an
    array."""
    passed: list[str] = []
    for line in lines:
        passed.append(line)
        if line.strip():
            break
    if not _is_hypotheses(passed[-1] if passed else ""):
        yield from json_values(itertools.chain(passed, lines), name=name)
        return
    # One array of hypotheses a line; json_values would take the first for the array of all records.
    for number, line in enumerate(itertools.chain(passed, lines), start=1):
        if line.strip():
            for _, value in json_values(iter([f"[{line}]"]), name=f"{name}, line {number}"):
                yield number, value


def _is_hypotheses(line: str) -> bool:
    """Whether a line is an array whose first item is no list of hypotheses itself."""
    if not line.lstrip().startswith("["):
        return False
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return False
    first = value[0] if value else None
    return not isinstance(first, dict) or _hyps(first) is None


def _by_utterance(value: Any) -> list[Any]:
    """The lists of an object whose keys are utterances; of any other value itself."""
    if not isinstance(value, dict) or not value or _hyps(value) is not None:
        return [value]
    found = [each if isinstance(each, dict) else {"hyps": each} for each in value.values()]
    first = _hyps(found[0])
    if any(not isinstance(_hyps(each), list) for each in found) or (first and not _has_text(first[0])):
        return [value]
    return [{"id": utterance, **each} for utterance, each in zip(value, found, strict=True)]


def _hyps(value: dict[str, Any]) -> Any:
    """The hypotheses of an object: a list, or fields with numbers."""
    found = _named(value, _LISTS)
    ranks = (
        {} if found is not None else {int(m[1]): each for key, each in value.items() if (m := _NUMBERED.fullmatch(key))}
    )
    return [ranks[rank] for rank in sorted(ranks)] if ranks else found


def _has_text(value: Any) -> bool:
    return isinstance(value, (str, list)) or (isinstance(value, dict) and _named(value, _TEXTS) is not None)


def nbest_of_json(value: Any, position: str, *, number: int, first: str | None = None) -> NbestList:
    """One list from its JSON; ``number`` names it if nothing else does.

    Raises:
        TextError: it is no list.
    """
    whole = value if isinstance(value, dict) else {"hyps": value}
    hyps = _hyps(whole)
    if not isinstance(hyps, list):
        raise TextError(
            f"{position}: no list of hypotheses, which is called {', '.join(_LISTS[:-1])} or {_LISTS[-1]}; fields: "
            f"{listed(whole) if isinstance(value, dict) else json_type(value)}"
        )
    beside = _beside(whole, len(hyps), position)
    hypotheses = [
        _hypothesis(each, position, rank, [(name, numbers[rank - 1]) for name, numbers in beside])
        for rank, each in enumerate(hyps, start=1)
    ]
    if first is not None:
        hypotheses = _with_first(whole, first, hypotheses, position)
    utterance, reference, group = (_named(whole, names) for names in (IDS, REFERENCES, _GROUPS))
    return NbestList(
        str(number if utterance is None else utterance),
        tuple(hypotheses),
        reference=words_of(reference) if isinstance(reference, str) else None,
        group=None if group is None else str(group),
        position=position,
    )


def write_json_lines(lists: Iterable[NbestList]) -> Iterator[str]:
    """One line of JSON for each list."""
    for each in lists:
        value: dict[str, Any] = {"id": each.utterance}
        value |= {"group": each.group} if each.group is not None else {}
        value |= {"ref": each.reference} if each.reference is not None else {}
        value["hyps"] = [{"text": hypothesis.text, **hypothesis.scores} for hypothesis in each.hypotheses]
        yield json.dumps(value, ensure_ascii=False)


def _named(value: dict[str, Any], names: Iterable[str]) -> Any:
    return next((value[name] for name in names if name in value), None)


def _with_first(whole: dict[str, Any], first: str, hypotheses: list[Hypothesis], position: str) -> list[Hypothesis]:
    text = whole.get(first)
    if not isinstance(text, str):
        raise TextError(f"{position}: field {first!r} is no text; the fields are: {listed(whole)}")
    names = hypotheses[0].scores if hypotheses else {}
    best = {name: max(each.scores.get(name, -math.inf) for each in hypotheses) for name in names}
    others = [Hypothesis(each.text, {**each.scores, "first": 0.0}) for each in hypotheses]
    return [Hypothesis(words_of(text), {**best, "first": 1.0}), *others]


def _beside(whole: dict[str, Any], count: int, position: str) -> list[tuple[str, list[Any]]]:
    """The scores that stand in lists beside the hypotheses (``am_scores``), by their name."""
    found = []
    for field, numbers in whole.items():
        name = field if field in _SCORES else field.removesuffix("s")
        if name not in _SCORES or not isinstance(numbers, list):
            continue
        if len(numbers) != count:
            raise TextError(f"{position}: {len(numbers)} {field} for {count} hypotheses; give each its own")
        found.append((name, numbers))
    return found


def _hypothesis(value: Any, position: str, rank: int, beside: Sequence[tuple[str, Any]] = ()) -> Hypothesis:
    if isinstance(value, str):
        return Hypothesis(words_of(value), _scores(beside, position, rank))
    if isinstance(value, list) and value and isinstance(value[0], str):
        names = [SCORE] if len(value) <= 2 else [f"score{number}" for number in range(1, len(value))]
        own = zip(names, value[1:], strict=False)
        return Hypothesis(words_of(value[0]), _scores([*own, *beside], position, rank))
    text = _named(value, _TEXTS) if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(text, str):
        raise TextError(
            f"{position}: hypothesis {rank} has no text; give a string, [text, score], or an object with text and score"
        )
    rest = ((name, number) for name, number in value.items() if _is_number(number))
    return Hypothesis(words_of(text), _scores([*rest, *beside], position, rank))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _scores(named: Iterable[tuple[str, Any]], position: str, rank: int) -> dict[str, float]:
    scores = {}
    for name, number in named:
        if not _is_number(number) or not abs(number) <= sys.float_info.max:  # whole numbers of JSON have no bound
            raise TextError(
                f"{position}: score {name!r} of hypothesis {rank} is {repr(number)[:40]}; it must be a finite number"
            )
        if name in _COSTS:
            scores[_COSTS[name]] = -float(number)
        elif name in _PROBABILITIES:
            if not 0 <= number <= 1:
                raise TextError(
                    f"{position}: {name!r} of hypothesis {rank} is {number!r}; it must be from 0 to 1; "
                    "call a logarithm score"
                )
            scores[name] = math.log(max(number, _LEAST))
        else:
            scores[_NAMES.get(name, name)] = float(number)
    return scores
