"""ARPA files of models that are not n-grams: finds the texts and distils the model."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from elman.data.store import build_store
from elman.evaluation.splits import held_out_text, training_text
from elman.export.distill import DistillConfig, distill
from elman.models.ngram.arpa import arpa_preamble, arpa_words, tell_losses
from elman.models.ngram.arpa_writer import write_arpa
from elman.models.protocol import LanguageModel
from elman.progress import Progress
from elman.system.files import storage_errors
from elman.system.machine import cache_folder
from elman.text.corpus import Sources, read_text
from elman.text.store import Text
from elman.text.tokenizer import Tokenizer


def write_distilled(
    path: Path,
    model: LanguageModel,
    config: DistillConfig,
    *,
    folder: Path | None,
    card: Mapping[str, Any],
    text: Sources | None = None,
    tune: Sources | None = None,
    tokenizer: Tokenizer | None = None,
    progress: Progress,
) -> dict[str, Any]:
    """Distil a model into an n-gram, write it, and report its quality.

    Args:
        folder, card: those of the model, which name its texts.
        text: the text on which to query the model; default: its training text or, if that is gone,
            generated text.
        tune: text on which to fit the weights; default: its validation text.
        tokenizer: names its types have in the file; default: its own tokenizer.

    Raises:
        ModelError: a type of the model cannot stand in an ARPA file.
        UsageError: there is no validation text.
        StorageError: the file cannot be written.
    """
    words = arpa_words(tokenizer or model.tokenizer)
    with storage_errors(path):  # fail now, not after minutes
        tempfile.TemporaryFile(dir=path.parent).close()
    stores = cache_folder() / "tokens"
    with (
        _named(tune, progress) if tune else held_out_text(folder, card, progress=progress) as valid,
        _named(text, progress) if text else _trained_on(folder, card, progress) as train,
    ):
        if train is None:
            progress.say("the training text was not found, so the model generates some; --text FILE names a better one")
            distilled = distill(model, train=None, valid=valid, config=config, progress=progress)
        else:
            store = build_store(train, model.tokenizer, folder=stores, collect_oov=True, progress=progress)
            ids = store.ids, store.documents
            distilled = distill(model, train=ids, valid=valid, config=config, progress=progress)
    write_arpa(path, distilled.tables, words, preamble=arpa_preamble(tokenizer or model.tokenizer), progress=progress)
    tell_losses(model.tokenizer, progress)
    return {"from": model.describe()["name"], **distilled.facts}


@contextmanager
def _named(sources: Sources, progress: Progress) -> Iterator[Text]:
    with read_text(sources, folder=cache_folder() / "texts", progress=progress) as text:
        yield text


@contextmanager
def _trained_on(folder: Path | None, card: Mapping[str, Any], progress: Progress) -> Iterator[Text | None]:
    yield training_text(folder, card, progress=progress)
