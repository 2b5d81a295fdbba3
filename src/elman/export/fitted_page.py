"""A page of a given size: n-grams are pruned until it fits, and the keystrokes saved are counted
before and after.
"""

import dataclasses
from collections.abc import Collection, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from elman.data.store import build_store
from elman.decode.keystrokes import Keystrokes, type_lines
from elman.errors import UsageError
from elman.evaluation.splits import held_out_text, training_text
from elman.export.html import about_page, assemble, check_page, data_of, write_page
from elman.export.ngram_page import page_bytes, page_ngram
from elman.export.page_words import page_words
from elman.inference.model import InferenceModel
from elman.models.combine import Mixture
from elman.models.ngram.prune import context_probs_in, context_probs_without_text
from elman.models.ngram.query import NgramModel
from elman.models.protocol import LanguageModel, stored
from elman.progress import Progress
from elman.system.machine import cache_folder
from elman.text.corpus import Sources, read_text
from elman.text.store import Text
from elman.text.tokenizer import EOS_ID

MEASURED_WORDS = 3_000
"""Words at most on which keystrokes are counted, the first ones of the text."""
_SLACK = 4_000
"""Bytes by which pages of a pruned n-gram differ in more than its tables: the contexts with which
they check themselves, and the facts that they name."""
_STEP = 8
"""Sizes of networks that are suggested are multiples of this."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class PageRequest:
    """What is to become a page, and what is known of it."""

    model: LanguageModel
    folder: Path | None
    """Where it lies: its training may have left its texts there."""
    card: Mapping[str, Any]
    name: str
    """The title of the page."""
    version: str
    """That of elman."""
    target: int | None = None
    """The most bytes that the page may have."""
    block: Collection[str] = ()
    """Words that the page never offers."""
    secrets: bool = False
    """Whether it offers what looks private."""
    text: Sources | None = None
    """Text to count keystrokes on; default: the validation text that the card names."""


def export_page(file: Path, request: PageRequest, *, progress: Progress) -> dict[str, Any]:
    """Write a page; returns its facts, with the keystrokes saved before and after.

    Raises:
        ModelError: a page cannot hold the model.
        UsageError: the target is too small for it.
    """
    model = request.model
    check_page(model)
    room = _room(request) if request.target is not None else None
    with ExitStack() as opened:
        held_out = _held_out(request, opened, progress)
        shrunk = _shrunk(request, room, progress)
        facts: dict[str, Any] = {"model": _facts(model), "page": _facts(shrunk)}
        if held_out is not None:
            facts["text"] = {"sha256": held_out.sha256}
            if shrunk is not model:
                facts["model"] |= _keystrokes(model, held_out, "typing, the model", progress)
            facts["page"] |= _keystrokes(shrunk, held_out, "typing, the page", progress)
    card = dict(request.card)
    if shrunk is not model:
        # What training measured is not of this page.
        figures = card.get("figures") or {}
        card["figures"] = {f"{name}, before pruning and rounding": each for name, each in figures.items()}
    if "keystrokes" in facts["page"]:
        card["page"] = _shown(facts)
    more = {"name": request.name, "version": request.version, "card": card}
    rules = {"block": request.block, "secrets": request.secrets}
    facts |= write_page(file, shrunk, **more, **rules, most=request.target, progress=progress)
    facts["page"]["bytes"] = facts["bytes"]
    return facts


def _facts(model: LanguageModel) -> dict[str, Any]:
    arrays = stored(model).to_arrays().values()
    facts: dict[str, Any] = {"bytes": sum(array.nbytes for array in arrays)}
    ngrams = ngrams_of(model)
    return facts | ({"ngrams": sum(sum(each.tables.counts) for each in ngrams)} if ngrams else {})


def _shown(facts: Mapping[str, Any]) -> dict[str, str]:
    """The keystrokes saved, as the page names them."""
    page, before = facts["page"]["keystrokes"], facts["model"].get("keystrokes")
    change = f"; {100 * before['saved']:.1f}% before pruning and rounding" if before else ""
    return {"keystrokes saved": f"{100 * page['saved']:.1f}% of {page['words']:,} words of held-out text{change}"}


def _held_out(request: PageRequest, opened: ExitStack, progress: Progress) -> Text | None:
    if request.text is not None:
        return opened.enter_context(read_text(request.text, folder=cache_folder() / "texts", progress=progress))
    try:
        held = held_out_text(request.folder, request.card, progress=progress, purpose="counting keystrokes on")
        return opened.enter_context(held)
    except UsageError:
        progress.say("no text to count keystrokes on: the validation text was not found; give one with --text FILE")
        return None


def _keystrokes(model: LanguageModel, text: Text, name: str, progress: Progress) -> dict[str, Any]:
    total = Keystrokes()
    with progress.stage(name, unit="words") as advance:
        for line in type_lines(model, text):
            total += line
            advance(line.words)
            if total.words >= MEASURED_WORDS:
                break
    return {"keystrokes": total.figures()}


def ngrams_of(model: LanguageModel) -> list[NgramModel]:
    """The n-grams that a model is or is made of."""
    if isinstance(model, Mixture):
        return [ngram for part in model.models for ngram in ngrams_of(part)]
    return [model] if isinstance(model, NgramModel) else []


def _shrunk(request: PageRequest, room: int | None, progress: Progress) -> LanguageModel:
    """The model with its n-grams as a page holds them, in at most ``room`` bytes."""
    model, ngrams = request.model, ngrams_of(request.model)
    sizes = [page_bytes(ngram.tables.counts[1:], ngram.tables.vocab_size) for ngram in ngrams]
    if not ngrams:
        return model
    made: dict[int, LanguageModel] = {}
    with progress.stage("fitting n-grams into the page", total=len(ngrams), unit="n-grams") as advance:
        for ngram, size in zip(ngrams, sizes, strict=True):
            if room is None or sum(sizes) <= room:
                made[id(ngram)] = page_ngram(ngram, room=None)
            else:
                probs = _context_probs(request, ngram, progress)
                made[id(ngram)] = page_ngram(ngram, room=room * size // sum(sizes), context_probs=probs)
            advance(1)
    return _replaced(model, made)


def _replaced(model: LanguageModel, made: Mapping[int, LanguageModel]) -> LanguageModel:
    if isinstance(model, Mixture):
        return Mixture([_replaced(part, made) for part in model.models], weights=model.weights)
    return made.get(id(model), model)


def _room(request: PageRequest) -> int:
    """Bytes for n-grams in the page.

    Raises:
        UsageError: the target is too small for all the rest.
    """
    assert request.target is not None
    model, ngrams = request.model, ngrams_of(request.model)
    words = page_words(model.tokenizer, block=request.block, secrets=request.secrets)
    about = about_page(model, data_of(model, ngrams=False), words)
    more = {"card": request.card, "name": request.name, "version": request.version, "lm": model}
    rest = len(assemble(about, **more).encode()) + (_SLACK if ngrams else _SLACK // 10)
    least = rest + sum(page_bytes([0] * (ngram.config.order - 1), ngram.tables.vocab_size) for ngram in ngrams)
    if least > request.target:
        raise UsageError(too_large(model, least=least, target=request.target))
    return request.target - rest


def too_large(model: LanguageModel, *, least: int, target: int) -> str:
    """Why a page cannot be made that small, and what could be done."""
    networks = _networks_of(model)
    what = "this network's page" if isinstance(model, InferenceModel) else "the page"
    without = " without any n-gram of two words or more" if ngrams_of(model) else ""
    said = f"--target-size is {_megabytes(target)}, and {what} takes {_megabytes(least)}{without}; "
    fitting = max(networks, key=_weights, default=None)
    if fitting is None:
        return f"{said}give {_rounded(least)} or more, or train with a smaller --vocab-size"
    suggested = _fitting_sizes(fitting, least - target)
    if suggested is None:
        return f"{said}give {_rounded(least)} or more, or train a network with a smaller --vocab-size"
    return f"{said}give {_rounded(least)} or more, or train a network with about {suggested}"


def _networks_of(model: LanguageModel) -> list[InferenceModel]:
    if isinstance(model, Mixture):
        return [network for part in model.models for network in _networks_of(part)]
    return [model] if isinstance(model, InferenceModel) else []


def _weights(network: InferenceModel) -> int:
    return sum(array.size for array in network.weights.arrays.values())


def _fitting_sizes(network: InferenceModel, excess: int) -> str | None:
    """Sizes of such a network whose page is smaller by ``excess`` bytes, as flags; None if none
    is."""
    shape, vocab = network.shape, network.tokenizer.size
    matrices = [each for each in network.to_arrays().values() if each.ndim == 2]

    def size(scale: float) -> float:
        # A side as long as the vocabulary stays so.
        return sum(each.nbytes * scale ** sum(side != vocab for side in each.shape) * 4 / 3 for each in matrices)

    for hidden in range((shape.hidden_size - 1) // _STEP * _STEP, 0, -_STEP):
        if size(1.0) - size(hidden / shape.hidden_size) >= excess:
            embedding = max(round(shape.embedding_size * hidden / shape.hidden_size / 16) * 16, 16)
            return f"--hidden-size {hidden} --embedding-size {embedding}"
    return None


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.2f} MB"


def _rounded(size: int) -> str:
    """The next tenth of a megabyte above, as the flag takes it."""
    return f"--target-size {int(size / 1e5 + 1) / 10:.1f}M"


def _context_probs(request: PageRequest, ngram: NgramModel, progress: Progress) -> list[Any]:
    """How often each context occurs in the training text or, where that is gone, in the model."""
    tables = ngram.backoff_tables()
    text = training_text(request.folder, request.card, progress=progress)
    if text is None:
        progress.say("the training text was not found: n-grams are pruned by what the model itself expects")
        return context_probs_without_text(tables)
    store = build_store(text, ngram.tokenizer, folder=cache_folder() / "tokens", collect_oov=True, progress=progress)
    ids = np.asarray(store.ids)
    starts = np.append(True, ids[:-1] == EOS_ID)
    return context_probs_in(tables, ids, starts)
