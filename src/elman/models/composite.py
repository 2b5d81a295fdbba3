"""Composite models: states, configurations and weights of the models inside, the k-th under
``"k."``.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from elman.errors import FolderError, UsageError
from elman.models.protocol import LanguageModel, State, stored
from elman.models.registry import entry, kind_of, resolve
from elman.text.tokenizer import Tokenizer

Arrays = Mapping[str, NDArray[Any]]

_DEEPEST = 8


def check_part(part: Any, *, depth: int = 0) -> None:
    """Raise unless ``part`` is ``{"model": kind, "config": {...}}``, and so are the parts inside
    it.

    Raises:
        UsageError: it is not, or it is nested too deeply.
    """
    if not isinstance(part, dict) or set(part) != {"model", "config"} or not isinstance(part["model"], str):
        raise UsageError(f"a part of the model is {str(part)[:60]}; it must be an object with model and config")
    if depth > _DEEPEST:
        raise UsageError(f"the model's parts are nested more than {_DEEPEST} deep; no model of elman is")
    inner = part["config"].get("parts", []) if isinstance(part["config"], dict) else []
    for nested in inner if isinstance(inner, list) else []:
        check_part(nested, depth=depth + 1)


def part_configs(models: Sequence[LanguageModel]) -> list[dict[str, Any]]:
    """Kind and configuration of each part, ``{"model": ..., "config": {...}}``."""
    return [{"model": kind_of(model), "config": stored(model).config.to_json()} for model in models]


def join_arrays(models: Sequence[LanguageModel]) -> dict[str, NDArray[Any]]:
    """The weights of all parts."""
    arrays = [stored(model).to_arrays() for model in models]
    return {f"{k}.{name}": array for k, part in enumerate(arrays) for name, array in part.items()}


def build_parts(arrays: Arrays, tokenizer: Tokenizer, configs: Sequence[dict[str, Any]]) -> list[LanguageModel]:
    """The models that ``part_configs`` and ``join_arrays`` were called on.

    Raises:
        FolderError: the arrays are damaged or do not fit the configurations.
    """
    own: list[dict[str, NDArray[Any]]] = [{} for _ in configs]
    indices = {str(k): k for k in range(len(own))}
    for name, array in arrays.items():
        k, _, own_name = name.partition(".")
        if k not in indices:
            raise FolderError(f"the weights hold {name!r}, which no part of this model has; the folder is damaged")
        own[indices[k]][own_name] = array
    models = []
    for part, part_arrays in zip(configs, own, strict=True):
        kind = entry(part["model"])
        models.append(
            resolve(kind.model).from_arrays(part_arrays, tokenizer, resolve(kind.config).from_json(part["config"]))
        )
    return models


def join_states(states: Sequence[State]) -> dict[str, NDArray[Any]]:
    """The arrays of the parts' states."""
    return {f"{k}.{name}": part for k, state in enumerate(states) for name, part in state.parts.items()}


def split_states(state: State, models: Sequence[LanguageModel]) -> list[State]:
    """The states of the parts, without the arrays that have no number in their name."""
    parts: list[dict[str, NDArray[Any]]] = [{} for _ in models]
    for name, part in state.parts.items():
        k, _, own_name = name.partition(".")
        if k.isdecimal():
            parts[int(k)][own_name] = part
    return [State(model.model_hash, part) for model, part in zip(models, parts, strict=True)]
