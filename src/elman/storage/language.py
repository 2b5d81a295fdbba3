"""Folders of language models, and ARPA files: validated when read, written atomically."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from elman.errors import ElmanError, FolderError, UsageError
from elman.inference.model import InferenceConfig, InferenceModel, inference_config, inference_model
from elman.inference.precision import measured
from elman.inference.weights import groups_of
from elman.models.combine import MixtureConfig
from elman.models.network_config import NeuralConfig
from elman.models.network_facts import describe_network, weights_hash
from elman.models.protocol import LanguageModel, stored
from elman.models.registry import entry, kind_of, resolve
from elman.notation import TokenIds
from elman.progress import Progress
from elman.storage import folder as model_folder
from elman.storage.archive import Arrays, read_bytes, read_sealed_json
from elman.storage.folder import INFERENCE_FILE, WEIGHTS_FILE
from elman.system.machine import importable
from elman.text.speller import Speller
from elman.text.tokenizer import Tokenizer

_TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json")


def language_files(tokenizer: Tokenizer, speller: Speller) -> dict[str, bytes]:
    """The static files of every language model."""
    return {**tokenizer.to_files(), "speller.safetensors": speller.to_bytes()}


def read_tokenizer(path: Path) -> Tokenizer:
    """The tokenizer of a model folder.

    Raises:
        FolderError: missing or damaged.
    """
    with model_folder.naming(path):
        return Tokenizer.from_files({name: read_bytes(path / name) for name in _TOKENIZER_FILES})


def read_speller(path: Path) -> Speller:
    """The speller of a model folder.

    Raises:
        FolderError: missing or damaged.
    """
    with model_folder.naming(path):
        return Speller.from_bytes(read_bytes(path / "speller.safetensors"))


def load_with_card(
    path: Path, *, progress: Progress | None = None, torch: bool = False
) -> tuple[LanguageModel, Speller, dict[str, Any]]:
    """Read a model folder or an ARPA file, with its model card.

    Args:
        torch: whether a network is computed by torch, where that is installed, rather than by
            elman's engine.

    Raises:
        FolderError: as for ``load``.
    """
    if not (model_folder.exists(path) and path.is_file()):
        model, speller = load(path, torch=torch)
        # The engine's form of a model has a hash of its own, besides that of the weights.
        model_hash = getattr(model, "weights_hash", model.model_hash)
        return model, speller, model_folder.read_card(path, model_hash=model_hash, or_hash=_own_hash(model))
    imported = resolve("elman.models.ngram.arpa:load_arpa")(path, progress=progress)
    card = {"model": {"hash": imported.model.model_hash}, "imported": imported.facts}
    return imported.model, imported.speller, card


def load(path: Path, *, torch: bool = False) -> tuple[LanguageModel, Speller]:
    """Read a model folder or an ARPA file; ``torch`` as for ``load_with_card``.

    Raises:
        FolderError: anything in it is missing, damaged, too new or inconsistent.
    """
    if model_folder.exists(path) and path.is_file():
        return load_with_card(path)[:2]
    kind, values = model_folder.read_config(path)
    known = entry(kind)
    if known.task != "language":
        raise FolderError(
            f"{path} is not a language model but of task {known.task} (kind {kind}); see: elman info {path}"
        )
    try:
        config = resolve(known.config).from_json(values)
        if entry(kind).learns and not ((torch or _is_refused(path)) and importable("torch")):
            model: LanguageModel = _load_inference(path, config)
        else:
            arrays = model_folder.read_arrays(path / WEIGHTS_FILE, mapped=known.mapped)
            if kind == "mixture" and not torch:
                config = _computed_by_engine(config, arrays, read_tokenizer(path))
            model = resolve(known.model).from_arrays(arrays, read_tokenizer(path), config)
    except UsageError as error:
        raise FolderError(f"{path}: {error}") from error
    return model, read_speller(path)


def _own_hash(model: LanguageModel) -> str | None:
    """The hash of a mixture in the form that computes: elman 0.1 named mixtures by it."""
    return model.model_hash if kind_of(model) == "mixture" else None


def _computed_by_engine(config: MixtureConfig, arrays: Arrays, tokenizer: Tokenizer) -> MixtureConfig:
    """A mixture's configuration with its networks as elman's engine computes them, in float32:
    without torch, and with the same bits however a text is cut or batched.
    """
    parts = []
    for index, part in enumerate(config.parts):
        prefix, known = f"{index}.", entry(part["model"])
        own = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
        if part["model"] == "mixture":
            inner = _computed_by_engine(MixtureConfig.from_json(part["config"]), own, tokenizer)
            part = {"model": "mixture", "config": inner.to_json()}
        elif known.learns and known.task == "language":
            network = NeuralConfig.from_json(part["config"])
            model_hash, about = weights_hash(network, tokenizer, own), describe_network(network, own)
            settings = inference_config(own, network, model_hash=model_hash, about=about, int8=())
            part = {"model": "inference", "config": settings.to_json()}
        parts.append(part)
    return dataclasses.replace(config, parts=parts)


def _is_refused(path: Path) -> bool:
    """Whether the engine's results differed from the network's when its training ended."""
    file = model_folder.card_file(path)
    return (
        not (path / INFERENCE_FILE).exists() and file.is_file() and read_sealed_json(file).get("inference", 0) is None
    )


def _measured(path: Path) -> dict[str, Any]:
    """The measurements of 8-bit weights when the model was trained; empty if there are none."""
    file = model_folder.card_file(path)
    card = read_sealed_json(file) if file.is_file() else {}
    parity = card.get("inference") or card.get("runtime")
    int8 = parity.get("int8") if isinstance(parity, dict) else None
    return int8 if isinstance(int8, dict) else {}


def _load_inference(path: Path, config: NeuralConfig) -> InferenceModel:
    if not (path / INFERENCE_FILE).exists():
        return _from_weights(path, config)
    with model_folder.reading_weights(path) as weights:
        arrays, values = model_folder.read_inference(path, weights)
        settings = InferenceConfig.from_json(values)
        if settings.network != config.to_json():
            raise FolderError(
                f"{path / INFERENCE_FILE} belongs to another network; remove it, or copy the folder again"
            )
        return InferenceModel(arrays, read_tokenizer(path), settings)


def _from_weights(path: Path, config: NeuralConfig) -> InferenceModel:
    """For a folder of elman 0.1 or of an unfinished training: 8 bits if measurements allowed
    them."""
    arrays = model_folder.read_arrays(path / WEIGHTS_FILE, mapped=True)
    tokenizer = read_tokenizer(path)
    kept = _measured(path).get("kept_in_fp32")
    if kept is not None and not (isinstance(kept, list) and all(isinstance(name, str) for name in kept)):
        raise FolderError(f"{model_folder.card_file(path)} is damaged: it does not say which weights stay in fp32")
    groups = () if kept is None else set(groups_of(arrays)) - set(kept)
    return inference_model(
        arrays, config, tokenizer, model_hash=weights_hash(config, tokenizer, arrays),
        about=describe_network(config, arrays), int8=groups,
    )  # fmt: skip


def write_measured(
    path: Path, model: LanguageModel, ids: TokenIds | None = None, *, progress: Progress
) -> dict[str, Any] | None:
    """Write ``inference.safetensors`` into a network's folder; returns what the model card says of
    it, or None.

    Args:
        ids: tokens of its validation text, to compare on.
    """
    try:
        made = measured(model, ids)
        size = model_folder.write_inference(
            path, made.network.to_arrays(), config=made.network.config.to_json(), parity=made.parity
        )
    except ElmanError as error:  # the model itself is complete
        progress.say(f"note: no {INFERENCE_FILE}, so this model needs torch: {error}")
        return None
    int8 = made.parity["int8"]
    kept = f"; kept in fp32: {', '.join(int8['kept_in_fp32'])}" if int8["kept_in_fp32"] else ""
    progress.say(
        f"{INFERENCE_FILE}: {made.parity['precision']}, {size / 1e6:.1f} MB, "
        f"perplexity {100 * (int8['perplexity_ratio'] - 1):+.2f}%{kept}"
    )
    return {**made.parity, "bytes": size}


def save_model(
    path: Path, model: LanguageModel, speller: Speller, *, card: Mapping[str, Any], source: Path | None
) -> None:
    """Write a model into the new folder ``path``; a model that the engine computes is copied from
    its folder ``source``.

    Raises:
        FolderError: the folder exists and is not empty.
    """
    model_folder.create(path)
    if source is not None and getattr(model, "rounded", False):
        model_folder.copy(source, path)
    else:
        write_model(path, model, speller)
    if entry(kind_of(model)).learns:
        write_measured(path, model, progress=Progress())
    if card:
        model_folder.write_card(path, card)


def write_model(path: Path, model: LanguageModel, speller: Speller) -> None:
    """Write a whole model into a folder that ``folder.create`` has made."""
    files = language_files(model.tokenizer, speller)
    model_folder.write_static_files(path, kind=kind_of(model), config=stored(model).config.to_json(), files=files)
    model_folder.write_weights(path, stored(model).to_arrays())
