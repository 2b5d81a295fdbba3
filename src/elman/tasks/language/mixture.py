"""Mixtures by the names of their parts: ``MODEL`` or ``MODEL=WEIGHT``."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from elman.errors import TextError, UsageError
from elman.evaluation.mixing import fit_mixture
from elman.evaluation.splits import held_out_text
from elman.models.combine import Mixture
from elman.progress import Progress
from elman.system.machine import cache_folder
from elman.tasks.language.model import Model, load
from elman.text.corpus import CorpusConfig, read_text


class Part(NamedTuple):
    """A part of a mixture as it was named."""

    path: str
    weight: float | None
    """None where none was given."""


def parse_part(word: str) -> Part:
    """A part from ``MODEL`` or ``MODEL=WEIGHT``; if the whole word is an existing path, it is a
    model.

    >>> parse_part("news"), parse_part("news=0.3")
    (Part(path='news', weight=None), Part(path='news', weight=0.3))

    Raises:
        UsageError: the weight is not between 0 and 1.
    """
    path, equals, number = word.rpartition("=")
    if not equals or not path or Path(word).exists():
        return Part(word, None)
    try:
        weight = float(number)
    except ValueError:
        raise UsageError(
            f"{word!r} has a weight that is not a number ({number!r}); give MODEL, or MODEL=WEIGHT like {path}=0.3"
        ) from None
    if not 0 < weight < 1:
        raise UsageError(f"the weight of {path} is {number}; it must be above 0 and below 1, like {path}=0.3")
    return Part(path, weight)


def complete_weights(given: Sequence[float | None]) -> list[float]:
    """The weights of all parts; those without one share the rest equally.

    >>> complete_weights([None, 0.4]), complete_weights([None, None])
    ([0.6, 0.4], [0.5, 0.5])

    Raises:
        UsageError: nothing is left, or all have weights whose sum is not 1.
    """
    known = [weight for weight in given if weight is not None]
    left, open_parts = 1.0 - sum(known), len(given) - len(known)
    if not open_parts and abs(left) > 1e-6:
        raise UsageError(f"the weights sum to {sum(known):g}; they must sum to 1, or leave one out")
    if open_parts and left < 1e-9:
        raise UsageError(f"the weights sum to {sum(known):g} and leave nothing for the others; give less than 1")
    return [left / open_parts if weight is None else weight for weight in given]


def load_parts(parts: Sequence[Part], *, one_folder: bool = False, progress: Progress | None = None) -> list[Model]:
    """The models of the parts, computed by elman's engine, as when they are used.

    Args:
        one_folder: whether one folder will hold them all.

    Raises:
        ModelError: their types differ.
        FolderError: one cannot be read.
    """
    models = [load(part.path, progress=progress) for part in parts]
    mixed = Mixture([model.lm for model in models])
    if one_folder:
        _ = mixed.config
    return models


def load_mixed(model: str, mix: Sequence[str], *, progress: Progress | None = None) -> Model:
    """A model with others mixed in, each ``MODEL`` or ``MODEL=WEIGHT``; without others, the model.

    Raises:
        UsageError: the weights leave nothing for the model.
        ModelError: the models' types differ.
        FolderError: one cannot be read.
    """
    if not mix:
        return load(model, progress=progress)
    parts = [Part(model, None), *map(parse_part, mix)]
    weights = complete_weights([part.weight for part in parts])
    models = load_parts(parts, progress=progress)
    mixed = mixed_model(models, weights)
    mixed.folder = with_text(models).folder
    if all(part.weight is None for part in parts) and progress is not None:
        progress.say(f"mixture: {spelled(mixed)}; equal weights, as none was given (`elman mix` fits them to a text)")
    return mixed


def mixed_model(models: Sequence[Model], weights: Sequence[float], **facts: Any) -> Model:
    """A mixture as a Model, with a card that names its parts.

    Args:
        facts: what else the card says about the mixture, besides weights and parts.
    """
    mixed = Mixture([model.lm for model in models], weights=weights)
    card: dict[str, Any] = {"model": {"hash": mixed.weights_hash}}
    if "data" in with_text(models).card:
        # So that the validation text of a part is found again.
        card["data"] = with_text(models).card["data"]
    card["mixture"] = {"weights": list(mixed.weights), "parts": [about_part(model) for model in models], **facts}
    return Model(mixed, models[0].speller, card=card)


def with_text(models: Sequence[Model]) -> Model:
    """The first of some models whose card names its text; without any, the first."""
    return next((model for model in models if "data" in model.card), models[0])


def about_part(model: Model) -> dict[str, Any]:
    """A mixture's card on one part."""
    about = model.lm.describe()
    return {
        "name": about["name"],
        "size": about["size"],
        "parameters": about["parameters"],
        "hash": getattr(model.lm, "weights_hash", model.lm.model_hash),
        "folder": str(model.folder) if model.folder else None,
    }


def spelled(model: Model) -> str:
    """The weights and names of a mixture's parts."""
    found = model.card["mixture"]
    named = zip(found["weights"], found["parts"], strict=True)
    return ", ".join(f"{weight:.2f} {part['name']}" for weight, part in named)


def mixture_again(folder: Path, sources: Sequence[str], *, progress: Progress) -> dict[str, Any]:
    """The figures of a mixture's card on the text that its weights were fitted on, derived anew.

    Args:
        sources: that text, if it is not the validation text of a part.

    Raises:
        TextError: it is not there, or is another text.
    """
    model = load(folder)
    if not isinstance(model.lm, Mixture):
        raise TextError("it was made of other models, without figures of its own")
    facts = model.card.get("mixture", {})
    if "tuned_on" not in facts:
        raise TextError("its weights were given, so there is no text that they were fitted on")
    config = CorpusConfig(pretokenized=model.lm.tokenizer.config.pretokenized)
    places = [Path(part["folder"]) for part in facts["parts"] if part.get("folder")]
    with ExitStack() as opened:
        if sources:
            where: Any = read_text(sources, config=config, folder=cache_folder() / "texts", progress=progress)
        else:
            where = held_out_text(next(iter(places), None), model.card, progress=progress, purpose="measuring on")
        text = opened.enter_context(where)
        if text.sha256 != facts["tuned_on"]:
            raise TextError(f"it is another text ({text.sha256[:16]}) than the one of the weights")
        fitted = fit_mixture(model.lm.models, model.speller, text, context=facts["context"], progress=progress)
    parts = [{"figures": part.figures()} for part in fitted.parts]
    return {"mixture": {"weights": fitted.weights, "parts": parts, "figures": fitted.mixture.figures()}}
