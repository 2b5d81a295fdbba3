"""The conditions of a comparison: what was equal, what was not, and warnings."""

from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from elman.data.preprocessing import Data

_LEAST_LAYERS = 0.02
"""The least share of the parameters that layers must have, or nothing is said of their kind."""
_EMBEDDING = 32


def fair_play(models: Sequence[dict[str, Any]], *, equal: str, remarks: Sequence[str]) -> list[str]:
    """Sentences on the conditions, equal ones first.

    Args:
        equal: what is equal for all.
        remarks: more sentences.
    """
    sentences = [f"Equal for all: {equal}."]
    networks = [model for model in models if model["network"]]
    if networks:
        sentences.append(
            "Equal for all networks: the trainer, the budget, the schedule of rates, and that the best weights on "
            "validation text are kept."
        )
        for name, what in (("dropout", "dropout"), ("rate", "highest rate"), ("batch", "batch")):
            values = {model["name"]: model["runs"][0]["recipe"]["plan"][name] for model in networks}
            if len(set(values.values())) > 1:
                spelled = ", ".join(f"{model} {value:g}" for model, value in values.items())
                sentences.append(f"Not equal: {what} follows a recipe for each kind of network ({spelled}).")
        sizes = {model["parameters"] for model in networks}
        if len(sizes) > 1:
            spread = max(sizes) / min(sizes)
            sentences.append(f"Not equal: parameters differ by up to {spread:.1f} times among the networks.")
        epochs = {model["name"]: model["runs"][0]["epochs"] for model in networks}
        if max(epochs.values()) > 1.05 * min(epochs.values()):
            spelled = ", ".join(f"{model} {value:.1f}" for model, value in epochs.items())
            sentences.append(f"Not equal: in the same budget networks read the text this often: {spelled}.")
    return [
        *sentences,
        *remarks,
        "The best of several models on one test text looks a little better than it is; the intervals do not correct "
        "for that.",
    ]


def language_remarks(models: Sequence[dict[str, Any]], *, orders: bool) -> list[str]:
    """What language models besides networks have in advance.

    Args:
        orders: whether n-grams of several orders were counted.
    """
    sentences = []
    if orders:
        sentences.append(
            "Not equal: an n-gram is counted once, whatever the budget, and begins anew at each line, where networks "
            "remember the lines before; its order was chosen on validation text."
        )
    if any(model["kind"] == "mixture" for model in models):
        sentences.append(
            "The mixture has the budgets of both its parts; its network was chosen and its weights fitted on "
            "validation text. It is of one seed."
        )
    return sentences


def is_starved(arrays: Mapping[str, NDArray[Any]]) -> bool:
    """Whether a network's vocabulary has nearly all of its parameters."""
    layers = sum(array.size for name, array in arrays.items() if name.startswith("stack."))
    return layers < _LEAST_LAYERS * sum(array.size for array in arrays.values())


def starved_words(
    names: Sequence[str], abouts: Sequence[Mapping[str, Any]], *, budget: int | None, data: Data
) -> list[str]:
    """Why networks are left out of the verdict."""
    if not names:
        return []
    layers = ", ".join(
        f"{name}: {about['size'].split(', embedding')[0]}" for name, about in zip(names, abouts, strict=True)
    )
    types = data.tokenizer.size
    # An embedding of 32, the least that the recipe would choose.
    enough = float(f"{_EMBEDDING * types * 1.1:.1e}")
    return [
        f"No verdict on {', '.join(names)}: of {budget:,} parameters the {types:,} types take nearly all, and hardly "
        f"any are left for the layers ({layers}); give --parameters {enough:.0f} or more, or fewer types (--vocab-size)"
    ]


def warnings_of(models: Sequence[dict[str, Any]]) -> list[str]:
    """Warnings about the table."""
    cut = [model["name"] for model in models if model["cut_off"]]
    sentences = []
    if cut:
        sentences.append(
            f"Cut off before converging: {', '.join(cut)} (validation got better by more than 1% over the last "
            "fifth of training, or there was only one). With a larger budget the order may change."
        )
    return sentences
