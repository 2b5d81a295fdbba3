"""ONNX files on disk: elman's own beside a network's weights, and those for other tools in a folder of their own."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from elman import folder as model_folder
from elman.errors import ElmanError, MissingExtra, ModelError
from elman.files import write_atomic
from elman.machine import importable
from elman.models.protocol import LanguageModel
from elman.models.registry import is_network, kind_of
from elman.notation import TokenIds
from elman.progress import Progress
from elman.text.speller import Speller

NEEDED = ("onnx", "onnxruntime")
_LARGEST = (1 << 31) - 1


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
    from elman.export.onnx import export_network  # brings onnx and onnxruntime along

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


def write_onnx(path: Path, model: LanguageModel, *, precision: str, progress: Progress) -> dict[str, Any]:
    """Write ``step.onnx``, ``score.onnx``, the tokenizer and ``onnx.json`` into the new folder ``path``.

    Returns what ``onnx.json`` holds: inputs and outputs by file, sizes, and how exact the figures are.

    Raises:
        ModelError: it is no network computed by torch, or its graph differs from it by more than it may.
        MissingExtra: onnx or onnxruntime is not installed.
    """
    if missing():
        raise MissingExtra(f"ONNX files need {' and '.join(missing())}; run: pip install {' '.join(missing())}")
    from elman.export.network import NetworkGraph
    from elman.export.onnx import export_network, network_config

    config = network_config(model)
    made = export_network(model, precision=precision)
    arrays = model.to_arrays()  # type: ignore[attr-defined]
    graphs = NetworkGraph(arrays, config, model.tokenizer.size, int8=made.int8)
    model_folder.create(path)
    about: dict[str, Any] = {"model": model.describe(), "hash": model.model_hash, "bos_id": model.tokenizer.size}
    about |= {"parity": made.parity, "files": {}}
    for name, graph in (("step.onnx", graphs.step()), ("score.onnx", graphs.score())):
        sides = {"inputs": graph.graph.input, "outputs": graph.graph.output}
        about["files"][name] = {side: {each.name: _shape(each) for each in found} for side, found in sides.items()}
        if graph.ByteSize() > _LARGEST:
            raise ModelError(f"{name} would have {graph.ByteSize()} bytes; ONNX files hold at most 2 GB: use int8")
        write_atomic(path / name, graph.SerializeToString(deterministic=True))
        progress.say(f"{path / name}: {made.parity['precision']}, {graph.ByteSize() / 1e6:.1f} MB")
    for name, data in model.tokenizer.to_files().items():
        write_atomic(path / name, data)
    write_atomic(path / "onnx.json", (json.dumps(about, indent=2) + "\n").encode())
    return about


def _shape(info: Any) -> list[int | str]:
    return [axis.dim_param or axis.dim_value for axis in info.type.tensor_type.shape.dim]
