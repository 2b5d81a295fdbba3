"""Rescoring from files to files: reads lists and references, chooses, writes in any format."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from elman.apps.list_scores import ScoringModel
from elman.apps.nbest.formats import FOLDER_WRITERS, ReadOptions, read_nbest, write_nbest
from elman.apps.nbest.json_lines import nbest_of_json
from elman.apps.nbest.lists import NbestList, with_references
from elman.apps.nbest.references import read_references
from elman.apps.rescore import RescoreConfig, Rescored, Weights, rescore_lists
from elman.apps.text_rules import TextRules
from elman.errors import UsageError
from elman.models.protocol import LanguageModel
from elman.progress import Progress
from elman.system.files import write_atomic
from elman.text.speller import Speller

Lists = str | Path | Sequence[Any]
"""A file or folder, or lists as JSON has them: objects with ``hyps``, or lists of hypotheses."""


class TextModel(Protocol):
    """What ``elman.load`` gives for language models."""

    lm: LanguageModel
    speller: Speller


def load_lists(
    nbest: Lists,
    references: str | Path | None = None,
    *,
    format: str | None = None,
    options: ReadOptions | None = None,
    progress: Progress | None = None,
) -> list[NbestList]:
    """Lists of a file, a folder or Python, with the references of a file. References without a list
    are left out, and a note says how many.

    Raises:
        TextError: something cannot be read; says where.
        UsageError: an unknown format, or no list.
    """
    if isinstance(nbest, (str, Path)):
        lists = read_nbest(nbest, format=format, options=options)
    else:
        first = options.first if options else None
        lists = [
            each if isinstance(each, NbestList) else nbest_of_json(each, f"list {number}", number=number, first=first)
            for number, each in enumerate(nbest, start=1)
        ]
        if not lists:
            raise UsageError("no n-best list was given; give one or more")
    if references is None:
        return lists
    known = read_references(references)
    lists = with_references(lists, known, name=str(references))
    if progress is not None and len(known) > len(lists):
        progress.say(
            f"note: {references}: {len(known) - len(lists):,} of {len(known):,} references belong to no list and are "
            "not counted"
        )
    return lists


def rescore_loaded(
    model: TextModel,
    lists: Sequence[NbestList],
    *,
    others: Sequence[TextModel] = (),
    tune: Sequence[NbestList] | None = None,
    weights: Weights | str | Path | dict[str, Any] | None = None,
    config: RescoreConfig | None = None,
    rules: TextRules | None = None,
    progress: Progress | None = None,
) -> Rescored:
    """``rescore_lists`` for models as they are loaded, and weights from anywhere."""
    if isinstance(weights, (str, Path)):
        weights = read_weights(Path(weights))
    elif isinstance(weights, dict):
        weights = Weights.from_json(weights)
    models = [ScoringModel(each.lm, each.speller) for each in (model, *others)]
    return rescore_lists(lists, models, tune=tune, weights=weights, config=config, rules=rules, progress=progress)


def read_weights(path: Path) -> Weights:
    """Weights that ``save_weights`` wrote, or a JSON object of numbers.

    Raises:
        UsageError: the file cannot be read, or holds something else.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}; give a file of weights") from error
    except ValueError as error:
        raise UsageError(f"{path}: no JSON; give a file that --save-weights wrote") from error
    try:
        return Weights.from_json(value)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from error


def save_weights(path: Path, weights: Weights) -> None:
    """Write weights, and the references of the domain's n-gram, to a file."""
    write_atomic(path, (json.dumps(weights.to_json(), ensure_ascii=False, indent=1) + "\n").encode())


def save_lists(path: Path, lists: Sequence[NbestList], format: str) -> None:
    """Write lists to a file, or those of SRILM to a folder, which is made.

    Raises:
        UsageError: an unknown format, or an utterance whose name is no name of a file.
    """
    if format not in FOLDER_WRITERS:
        write_atomic(path, "".join(f"{line}\n" for line in write_nbest(lists, format)).encode())
        return
    wrong = next((each.utterance for each in lists if Path(each.utterance).name != each.utterance), None)
    if wrong is not None:
        raise UsageError(
            f"utterance {wrong!r} cannot be the name of a file; choose a format of one file, such as jsonl"
        )
    path.mkdir(parents=True, exist_ok=True)
    for utterance, lines in FOLDER_WRITERS[format](lists):
        write_atomic(path / utterance, "".join(f"{line}\n" for line in lines).encode())
