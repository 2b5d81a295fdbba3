"""Finds the texts of a model again: its validation text, to fit adaptations, and its training
text."""

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from elman.data.preprocessing import DataConfig
from elman.errors import FolderError, TextError, UsageError
from elman.progress import Progress
from elman.system.machine import cache_folder
from elman.text.corpus import Corpus, CorpusConfig, prepare, read_text
from elman.text.sources import check_local
from elman.text.store import Text
from elman.training.plan_file import read_plan


@contextmanager
def held_out_text(
    folder: Path | None, card: Mapping[str, Any], *, progress: Progress, purpose: str = "tuning on"
) -> Iterator[Text]:
    """The validation text of the model in ``folder``, for the length of the block; reported to the
    user.

    ``purpose`` is its use in that message.

    It is searched in the cache, where training left it, and then among the files that ``--valid``
    named; its hash must be the one in the model card.

    Raises:
        UsageError: it is missing, or has changed.
    """
    wanted, prepared = _hashes(card)
    cached = _in_cache(prepared, wanted)
    if cached is not None:
        progress.say(f"{purpose} the validation text of the model card, still in the cache ({wanted[:12]})")
        yield cached
        return
    request = _request(folder)
    if not wanted or request is None or not request.valid or "-" in request.valid:
        raise UsageError(
            "there is no text to tune on: the model's own validation text cannot be found; give one with "
            "--tune FILE (not the one you evaluate on)"
        )
    names, texts = ", ".join(request.valid), cache_folder() / "texts"
    try:
        check_local(request.valid)
        with read_text(request.valid, config=request.config, folder=texts, progress=progress) as text:
            if text.sha256 != wanted:
                raise TextError("it has changed since")
            progress.say(f"{purpose} the validation text of the model card: {names} ({wanted[:12]})")
            yield text
    except TextError as error:
        raise UsageError(
            f"the model's validation text {names} cannot be tuned on ({error}); give one with --tune FILE"
        ) from error


def training_text(folder: Path | None, card: Mapping[str, Any], *, progress: Progress) -> Text | None:
    """The training text of the model in ``folder``, from the cache or its sources; None if it is
    gone."""
    _, prepared = _hashes(card)
    request, texts = _request(folder), cache_folder() / "texts"
    if not prepared:
        return None
    try:
        return Corpus.open(texts / prepared).train
    except FolderError:
        if request is None:
            return None
    try:
        check_local((*request.sources, *request.valid, *request.test))
        corpus = prepare(
            request.sources,
            valid=request.valid,
            test=request.test,
            config=request.config,
            folder=texts,
            progress=progress,
        )
    except TextError:
        return None
    return corpus.train if corpus.hash == prepared else None


def seen_in_training(
    folder: Path | None, card: Mapping[str, Any], text: Text, sources: Sequence[str | Path], *, progress: Progress
) -> str | None:
    """What training did with an evaluated text, in words; None if the model card does not have it.

    Args:
        folder: of the model; it records how its texts were read.
        text: what was read from ``sources``.
    """
    data = card.get("data")
    parts = {name: data.get(name) for name in ("train", "valid", "test")} if isinstance(data, dict) else {}
    parts = {name: part for name, part in parts.items() if isinstance(part, dict) and "sha256" in part}
    hashes = {name: part["sha256"] for name, part in parts.items()}
    wanted, request, names = _hashes(card)[1], _request(folder), [str(source) for source in sources]
    if text.sha256 not in hashes.values() and request is not None and "-" not in names:
        # Texts of the same size are read once more, as training read them, to compare the hash.
        how: dict[str, Any] = {"config": request.config, "folder": cache_folder() / "texts", "progress": progress}
        if _same_size(text, [*parts.values()]) and prepare(names, **how).hash == wanted:
            return "the model was trained on most of this text"
        if any(_same_size(text, [part]) for part in parts.values()):
            with read_text(names, **how) as again:
                text = dataclasses.replace(text, sha256=again.sha256)
    did = {"train": "trained on", "valid": "validated on"}
    return next((f"the model was {did[name]} this text" for name in did if hashes.get(name) == text.sha256), None)


def _same_size(text: Text, parts: Sequence[Mapping[str, Any]]) -> bool:
    return all(getattr(text, size) == sum(part.get(size, 0) for part in parts) for size in ("bytes", "lines"))


def _hashes(card: Mapping[str, Any]) -> tuple[str, str]:
    """Of the validation text and of the whole corpus; empty if the model card does not say."""
    data = card.get("data")
    data = data if isinstance(data, dict) else {}
    valid = data.get("valid")
    found = (valid.get("sha256") if isinstance(valid, dict) else None, data.get("hash"))
    text, corpus = (str(each) if each is not None else "" for each in found)
    # The corpus' hash becomes a folder's name.
    return text, corpus if re.fullmatch("[0-9a-f]{16}", corpus) else ""


def _in_cache(prepared: str, wanted: str) -> Text | None:
    if not prepared or not wanted:
        return None
    try:
        found = Corpus.open(cache_folder() / "texts" / prepared).valid
    except FolderError:
        return None
    return found if found is not None and found.sha256 == wanted else None


class _Sources(NamedTuple):
    """What a training read, and how."""

    sources: tuple[str, ...]
    valid: tuple[str, ...]
    test: tuple[str, ...]
    config: CorpusConfig


def _request(folder: Path | None) -> _Sources | None:
    if folder is None or not (folder / "training" / "plan.json").is_file():
        return None
    try:
        kept = read_plan(folder / "training")["request"]
        sources, valid, test = (tuple(map(str, kept[name])) for name in ("sources", "valid", "test"))
        return _Sources(sources, valid, test, DataConfig.from_json(kept["data"]).corpus)
    except (UsageError, KeyError, TypeError):
        return None
