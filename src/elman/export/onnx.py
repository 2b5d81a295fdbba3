"""ONNX files of a network for other tools: one token for B rows, or B rows of T tokens.

    step.onnx    ids [B], stack.k -> log_probs [B, V], next.top, next.stack.k
    score.onnx   ids [B, T], lengths [B], top, stack.k -> scores [B, T], next.top, next.stack.k

``stack.k [B, size]`` are the parts of the layers' states. ``top [B, E]`` is the last layer's
output, from which the next token is predicted. Zeros and id V begin a text. Both files hold all
weights.

int8 files compute products of uint8 and int8 numbers (``MatMulInteger``). On x86 processors without
VNNI instructions onnxruntime adds pairs of such products in 16 bits, which can saturate:
probabilities are then wrong. elman's own engine is not affected. Use fp32 files on such processors.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from elman.errors import MissingExtra, ModelError
from elman.export.onnx_graph import Constants, Emitter, Graph, Types
from elman.inference.model import InferenceModel, inference_model
from elman.inference.program import Program
from elman.inference.weights import ProgramWeights, groups_of
from elman.models.network_config import NeuralConfig
from elman.models.protocol import LanguageModel, stored
from elman.models.registry import kind_of
from elman.progress import Progress
from elman.storage import folder as model_folder
from elman.system.files import write_atomic
from elman.system.machine import importable
from elman.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    import onnx

INT8_NOTE = (
    "8-bit products: onnxruntime may saturate them on x86 processors without VNNI instructions, "
    "and probabilities are then wrong; use --precision fp32 there"
)
_CHUNK = 64
"""Tokens per chunk of probabilities in ``score.onnx``."""
_LARGEST = (1 << 31) - 1


def write_onnx(
    path: Path, model: LanguageModel, *, precision: str, tokenizer: Tokenizer | None = None, progress: Progress
) -> dict[str, Any]:
    """Write ``step.onnx``, ``score.onnx``, the tokenizer and ``onnx.json`` into the new folder
    ``path``.

    Args:
        model: a network, computed by torch or by elman's engine.
        precision: ``int8`` or ``fp32``. A model whose groups of weights are partly in 8 bits keeps
            them so for int8.
        tokenizer: the names of its types; default: its own tokenizer.

    Returns:
        The content of ``onnx.json``: inputs and outputs of each file with their shapes, and the
        precision.

    Raises:
        ModelError: it is not a network, has no float32 weights to write, or is too large for an
            ONNX file.
        MissingExtra: onnx is not installed.
    """
    if not importable("onnx"):
        raise MissingExtra("ONNX files need onnx; run: pip install 'elman[onnx]'")
    import onnx

    network = network_of(model, precision)
    model_folder.create(path)
    about: dict[str, Any] = {
        "model": network.config.about, "hash": network.weights_hash, "bos_id": network.tokenizer.size,
        "precision": network.precision, "files": {},
    }  # fmt: skip
    if network.precision != "fp32":
        about["note"] = INT8_NOTE
    for name, build in (("step.onnx", step_model), ("score.onnx", score_model)):
        onnx_model = build(network.program, network.weights)
        if onnx_model.ByteSize() > _LARGEST:
            raise ModelError(f"{name} would have {onnx_model.ByteSize()} bytes; ONNX files hold at most 2 GB: use int8")
        onnx.checker.check_model(onnx_model)
        sides = {"inputs": onnx_model.graph.input, "outputs": onnx_model.graph.output}
        about["files"][name] = {
            side: {tensor.name: _shape(tensor) for tensor in values} for side, values in sides.items()
        }
        write_atomic(path / name, onnx_model.SerializeToString(deterministic=True))
        progress.say(f"{path / name}: {network.precision}, {onnx_model.ByteSize() / 1e6:.1f} MB")
    for name, data in (tokenizer or network.tokenizer).to_files().items():
        write_atomic(path / name, data)
    write_atomic(path / "onnx.json", (json.dumps(about, indent=2) + "\n").encode())
    if network.precision != "fp32":
        progress.say(f"note: {INT8_NOTE}")
    return about


def network_of(model: LanguageModel, precision: str) -> InferenceModel:
    """The network on elman's engine, in a precision.

    Raises:
        ModelError: it is not a network, or fp32 is requested for 8-bit weights.
    """
    config = getattr(model, "config", None)
    if isinstance(model, InferenceModel):
        if precision == "int8" and model.config.int8:
            return model
        arrays, config = model.weights.arrays, model.shape
        model_hash, about = model.weights_hash, model.config.about
        if any(array.dtype == np.int8 for array in arrays.values()):
            raise ModelError(
                "float32 files are made of the trained weights by torch, and this model holds 8-bit ones; install "
                "torch, or use --precision int8"
            )
    elif isinstance(config, NeuralConfig):
        arrays = stored(model).to_arrays()
        model_hash, about = model.model_hash, model.describe()
    else:
        raise ModelError(f"ONNX files are made of networks; this model ({kind_of(model)}) is not a network")
    int8 = groups_of(arrays) if precision == "int8" else ()
    return inference_model(arrays, config, model.tokenizer, model_hash=model_hash, about=about, int8=int8)


def step_model(program: Program, weights: ProgramWeights) -> "onnx.ModelProto":
    """``step.onnx``: one token for B rows."""
    graph = Graph()
    constants = Constants(graph, weights, program)
    made = Emitter(graph, constants, {"ids": "ids", **{name: name for name in program.states}}).emit(
        program["step"], program["step"].outputs
    )
    made |= Emitter(graph, constants, {"top": made["next.top"]}).emit(program["output"], ["log_probs"])
    for name, value in made.items():
        graph.rename(name, value)
    outputs: Types = {"log_probs": (np.float32, ["B", program["output"].outputs["log_probs"].size])}
    return graph.to_model({"ids": (np.int64, ["B"]), **_states(program)}, {**outputs, **_after(program)})


def score_model(program: Program, weights: ProgramWeights) -> "onnx.ModelProto":
    """``score.onnx``: T tokens for B rows, one step of a ``Scan`` after the other."""
    graph = Graph()
    constants = Constants(graph, weights, program)
    ids = graph.op("Transpose", "ids", perm=[1, 0])
    real = _real(graph)
    # Ids at padding are replaced before lookup.
    safe = graph.op("Where", real, ids, graph.ints(0))
    body = _step_body(graph, constants, program)
    carried = ["top", *program.states]
    *after, before = graph.ops(
        "Scan", *carried, safe, real, outputs=len(carried) + 1, body=body, num_scan_inputs=2
    )  # fmt: skip
    for name, value in zip(carried, after, strict=True):
        graph.rename(f"next.{name}", value)
    rows = graph.op("Reshape", before, graph.ints(-1, program["output"].inputs["top"]))
    chosen = _chosen_in_chunks(graph, constants, program, rows, graph.op("Reshape", safe, graph.ints(-1)))
    chosen = graph.op("Reshape", chosen, graph.op("Shape", ids))
    masked = graph.op("Where", real, chosen, graph.number(0.0))
    graph.rename("scores", graph.op("Transpose", masked, perm=[1, 0]))
    top = program["output"].inputs["top"]
    inputs: Types = {"ids": (np.int64, ["B", "T"]), "lengths": (np.int64, ["B"]), "top": (np.float32, ["B", top])}
    outputs: Types = {"scores": (np.float32, ["B", "T"])}
    return graph.to_model({**inputs, **_states(program)}, {**outputs, **_after(program)})


def _real(graph: Graph) -> str:
    """Which steps are not padding, ``[T, B]``."""
    zero, one = (graph.constant(f"whole{k}", np.array(k, np.int64)) for k in (0, 1))
    time = graph.op("Squeeze", graph.op("Shape", "ids", start=1, end=2))
    times = graph.op("Unsqueeze", graph.op("Range", zero, time, one), graph.ints(-1))
    return graph.op("Less", times, graph.op("Unsqueeze", "lengths", graph.ints(0)))


def _step_body(graph: Graph, constants: Constants, program: Program) -> "onnx.GraphProto":
    """One step, in which rows at padding keep their state; ``top`` before the step is an output
    too.
    """
    body = Graph(graph)
    carried = {"top": program["output"].inputs["top"], **program.states}
    body_inputs = {name: f"before.{name}" for name in ("ids", *program.states)}
    made = Emitter(body, constants, body_inputs).emit(program["step"], program["step"].outputs)
    real = body.op("Unsqueeze", "before.real", body.ints(-1))
    for name in carried:
        body.rename(f"after.{name}", body.op("Where", real, made[f"next.{name}"], f"before.{name}"))
    body.rename("predicting", "before.top")
    inputs: Types = {f"before.{name}": (np.float32, ["B", size]) for name, size in carried.items()}
    scanned: Types = {"before.ids": (np.int64, ["B"]), "before.real": (np.bool_, ["B"])}
    outputs: Types = {f"after.{name}": (np.float32, ["B", size]) for name, size in carried.items()}
    outputs = {**outputs, "predicting": (np.float32, ["B", carried["top"]])}
    return body.to_proto("step", {**inputs, **scanned}, outputs)


def _chosen_in_chunks(graph: Graph, constants: Constants, program: Program, rows: str, targets: str) -> str:
    """Log-probabilities ``[N]`` of targets ``[N]`` given ``rows[N, E]``, in chunks to save
    memory.
    """
    size = program["output"].inputs["top"]
    count, zero = graph.rows(targets), graph.ints(0)
    missing = graph.op("Mod", graph.op("Neg", count), graph.ints(_CHUNK))
    rows = graph.op("Pad", rows, graph.concat(zero, zero, missing, zero, axis=0))
    targets = graph.op("Pad", targets, graph.concat(zero, missing, axis=0))
    body = Graph(graph)
    chunk = {"top": "chunk.top", "targets": "chunk.targets"}
    outputs = Emitter(body, constants, chunk).emit(program["output"], ["chosen"])
    body.rename("chosen", outputs["chosen"])
    inputs: Types = {"chunk.top": (np.float32, [_CHUNK, size]), "chunk.targets": (np.int64, [_CHUNK])}
    proto = body.to_proto("chunk", inputs, {"chosen": (np.float32, [_CHUNK, 1])})
    chunks = (
        graph.op("Reshape", rows, graph.ints(-1, _CHUNK, size)), graph.op("Reshape", targets, graph.ints(-1, _CHUNK))
    )  # fmt: skip
    chosen = graph.op("Reshape", graph.op("Scan", *chunks, body=proto, num_scan_inputs=2), graph.ints(-1))
    return graph.op("Slice", chosen, zero, count, zero)


def _states(program: Program, before: str = "") -> Types:
    return {f"{before}{name}": (np.float32, ["B", size]) for name, size in program.states.items()}


def _after(program: Program) -> Types:
    return {"next.top": (np.float32, ["B", program["output"].inputs["top"]]), **_states(program, "next.")}


def _shape(info: Any) -> list[int | str]:
    return [axis.dim_param or axis.dim_value for axis in info.type.tensor_type.shape.dim]
