"""ESPnet's n-best lists: folders ``1best_recog``, ``2best_recog``, ... with files ``text`` and
``score``."""

import re
from collections.abc import Iterator
from pathlib import Path

from elman.apps.nbest.lists import SCORE, Hypothesis, NbestList, lines_of, number_of, words_of
from elman.errors import TextError

_FOLDER = re.compile(r"([0-9]{1,18})best_recog")
_NUMBER = re.compile(r"tensor\(\s*([^,)\s]+)[^)]*\)")


def rank_folders(folder: Path) -> list[Path]:
    """The folders of the first, second, ... hypotheses, in order."""
    ranks = {int(match[1]): each for each in folder.iterdir() if (match := _FOLDER.fullmatch(each.name))}
    return [ranks[rank] for rank in sorted(ranks)]


def read_espnet(path: Path) -> Iterator[NbestList]:
    """The lists of a folder of decoding results; utterances with fewer hypotheses are shorter
    lists.

    Raises:
        TextError: a line is broken, or a text has no score.
    """
    folders = rank_folders(path) if path.is_dir() else []
    if not folders:
        raise TextError(f"{path}: no folder 1best_recog in it; give ESPnet's folder of decoding results")
    lists: dict[str, list[Hypothesis]] = {}
    positions: dict[str, str] = {}
    for folder in folders:
        scores = _scores(folder / "score")
        for position, line in lines_of(folder / "text"):
            if not line.strip():
                continue
            utterance, *words = line.split(maxsplit=1)
            if utterance not in scores:
                raise TextError(f"{folder / 'score'}: no score for {utterance!r} ({position})")
            lists.setdefault(utterance, []).append(Hypothesis(words_of("".join(words)), {SCORE: scores[utterance]}))
            positions.setdefault(utterance, position)
    if not lists:
        raise TextError(f"{folders[0]}: empty, there is no hypothesis in it")
    for utterance, hypotheses in lists.items():
        yield NbestList(utterance, tuple(hypotheses), position=positions[utterance])


def _scores(path: Path) -> dict[str, float]:
    found = {}
    for position, line in lines_of(path):
        if not line.strip():
            continue
        utterance, *values = line.split(maxsplit=1)
        value = "".join(values).strip()
        tensor = _NUMBER.fullmatch(value)
        found[utterance] = number_of(tensor[1] if tensor else value, position, "the score")
    return found
