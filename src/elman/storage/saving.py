"""Save models; of networks also the 8-bit weights and their measured parity."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from elman.errors import ElmanError
from elman.inference.precision import measured
from elman.models.protocol import LanguageModel
from elman.models.registry import is_network, kind_of
from elman.notation import TokenIds
from elman.progress import Progress
from elman.storage import folder as model_folder
from elman.text.speller import Speller


def write_measured(
    path: Path, model: LanguageModel, ids: TokenIds | None = None, *, progress: Progress
) -> dict[str, Any] | None:
    """Write ``inference.safetensors`` into a network's folder; returns what the model card says of it, or None.

    Args:
        ids: tokens of its validation text, to compare on.
    """
    try:
        made = measured(model, ids)
        size = model_folder.write_inference(path, made.model, made.parity)
    except ElmanError as error:  # the model itself is whole
        progress.say(f"note: no {model_folder.INFERENCE_FILE}, so this model needs torch: {error}")
        return None
    int8 = made.parity["int8"]
    kept = f"; kept in fp32: {', '.join(int8['kept_in_fp32'])}" if int8["kept_in_fp32"] else ""
    progress.say(
        f"{model_folder.INFERENCE_FILE}: {made.parity['precision']}, {size / 1e6:.1f} MB, "
        f"perplexity {100 * (int8['perplexity_ratio'] - 1):+.2f}%{kept}"
    )
    return {**made.parity, "bytes": size}


def save_model(
    path: Path, model: LanguageModel, speller: Speller, *, card: Mapping[str, Any], source: Path | None
) -> None:
    """Write a model into the new folder ``path``; one that the engine computes as it lies in its folder ``source``.

    Raises:
        FolderError: the folder exists and is not empty.
    """
    model_folder.create(path)
    if source is not None and kind_of(model) == "inference":
        model_folder.copy(source, path)
    else:
        model_folder.save(path, model, speller)
    if is_network(kind_of(model)):
        write_measured(path, model, progress=Progress())
    if card:
        model_folder.write_card(path, card)
