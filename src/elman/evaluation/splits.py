"""The texts of a model, found again: what it was validated on, to tune what adapts, and what it was
trained on."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from elman.data.preprocessing import DataConfig
from elman.errors import FolderError, TextError, UsageError
from elman.progress import Progress
from elman.system.machine import cache_folder
from elman.text.corpus import Corpus, CorpusConfig, prepare, read_text
from elman.text.store import Text
from elman.training.plan_file import read_plan


@contextmanager
def held_out_text(
    folder: Path | None, card: Mapping[str, Any], *, progress: Progress, purpose: str = "tuning on"
) -> Iterator[Text]:
    """The text that the model in ``folder`` was validated on, for the length of the block; said
    aloud.

    ``purpose`` is what it is said to be for.

    It is looked for in the cache, where training left it, and then among the files that ``--valid``
    named; what is found must have the hash that the model card names.

    Raises:
        UsageError: it is nowhere, or has changed.
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
            "there is no text to tune on: the model's own validation text is not to be found; give one with "
            "--tune FILE (not the one you evaluate on)"
        )
    names, texts = ", ".join(request.valid), cache_folder() / "texts"
    try:
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
    """The text that the model in ``folder`` was trained on, from the cache or its sources; None if
    it is gone."""
    _, prepared = _hashes(card)
    request, texts = _request(folder), cache_folder() / "texts"
    if not prepared:
        return None
    try:
        return Corpus.open(texts / prepared).train
    except FolderError:
        if request is None or "-" in (*request.sources, *request.valid, *request.test):
            return None
    try:
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


def _hashes(card: Mapping[str, Any]) -> tuple[str, str]:
    """Of the validation text and of the whole corpus; empty where the model card does not say."""
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
