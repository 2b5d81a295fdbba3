"""elman's own ONNX file, beside a network's weights."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from elman import folder as model_folder
from elman.errors import ElmanError
from elman.export.onnx import write_onnx
from elman.machine import importable
from elman.models.protocol import LanguageModel
from elman.models.registry import is_network, kind_of
from elman.notation import TokenIds
from elman.progress import Progress
from elman.text.speller import Speller

__all__ = ["NEEDED", "missing", "save_model", "write_onnx", "write_runtime"]
NEEDED = ("onnx", "onnxruntime")


def missing() -> list[str]:
    """Which of the packages that exporting needs are not installed."""
    return [name for name in NEEDED if not importable(name)]


def write_runtime(
    path: Path, model: LanguageModel, ids: TokenIds | None = None, *, progress: Progress
) -> dict[str, Any] | None:
    """Write ``model.onnx`` into a network's folder; for the passport how well it does, None if it could not be made.

    Args:
        ids: tokens of its validation text, to compare on.
    """
    if missing():
        progress.say(
            f"note: no {model_folder.PROGRAM_FILE} (run without torch); for one: pip install {' '.join(missing())}"
        )
        return None
    from elman.export.runtime_program import export_network  # brings onnx and onnxruntime along

    try:
        made = export_network(model, ids)
        model_folder.write_program(path, made.program)
    except ElmanError as error:  # the model itself is whole
        progress.say(f"note: no {model_folder.PROGRAM_FILE} (run without torch): {error}")
        return None
    size = (path / model_folder.PROGRAM_FILE).stat().st_size
    int8 = made.parity["int8"]
    kept = f"; kept in fp32: {', '.join(int8['kept_in_fp32'])}" if int8["kept_in_fp32"] else ""
    progress.say(
        f"{model_folder.PROGRAM_FILE}: {made.parity['precision']}, {size / 1e6:.1f} MB, "
        f"perplexity {100 * (int8['perplexity_ratio'] - 1):+.2f}%{kept}"
    )
    return {**made.parity, "bytes": size}


def save_model(
    path: Path, model: LanguageModel, speller: Speller, *, passport: Mapping[str, Any], source: Path | None
) -> None:
    """Write a model into the new folder ``path``; one that runs without torch as it lies in its folder ``source``.

    Raises:
        FolderError: the folder exists and is not empty.
    """
    model_folder.create(path)
    if source is not None and kind_of(model) == "runtime" and (source / model_folder.PROGRAM_FILE).exists():
        model_folder.copy(source, path)
    else:
        model_folder.save(path, model, speller)
    if is_network(kind_of(model)):
        write_runtime(path, model, progress=Progress())
    if passport:
        model_folder.write_passport(path, passport)
