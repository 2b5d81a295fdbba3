"""A graph is refused unless elman could have written it, before onnxruntime sees it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from elman.errors import FolderError
from elman.export.graph import Graph
from elman.models.runtime_file import check_graph, outputs_of, part, seal, unseal


def good() -> onnx.ModelProto:
    graph = Graph()
    weight = graph.outside("output.weight", (3, 2))
    bias = graph.value("bias", np.array([1, 2, 3], np.float32))
    found = graph.cut(graph.op("Gemm", "x", weight, bias, transB=1), 0, 2, 1)
    return graph.to_model({"x": (np.float32, ["B", 2])}, {"y": (found, np.float32, ["B", 2])})


def check(model: onnx.ModelProto) -> dict[str, tuple[int, ...]]:
    return check_graph(memoryview(model.SerializeToString()))


def test_what_elman_writes_is_taken() -> None:
    assert check(good()) == {"output.weight": (3, 2)}
    graph, note = unseal(seal(good().SerializeToString(), {"format": 1}))
    assert bytes(graph) == good().SerializeToString()
    assert note["format"] == 1 and len(note["digest"]) == 64


def test_the_file_is_plain_onnx() -> None:
    file = seal(good().SerializeToString(), {"format": 1})
    read = onnx.load_from_string(file)
    assert read.graph == good().graph
    assert [entry.key for entry in read.metadata_props] == ["elman"]
    # Long enough that lengths take two bytes and more.
    assert onnx.load_from_string(seal(good().SerializeToString(), {"x": "y" * 70000})).graph == good().graph


def test_every_flipped_bit_and_every_cut_is_an_error() -> None:
    file = seal(good().SerializeToString(), {"format": 1})
    for place in range(len(file)):
        spoilt = file[:place] + bytes([file[place] ^ (1 << place % 8)]) + file[place + 1 :]
        with pytest.raises(FolderError):
            unseal(spoilt)
        with pytest.raises(FolderError):
            unseal(file[:place])


def node(kind: str, domain: str = "", **attributes: Any) -> Callable[[onnx.ModelProto], None]:
    return lambda model: model.graph.node.append(helper.make_node(kind, ["x"], ["z"], domain=domain, **attributes))


def tensor(**changes: Any) -> Callable[[onnx.ModelProto], None]:
    def apply(model: onnx.ModelProto) -> None:
        made = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[2], raw_data=bytes(8))
        for name, value in changes.items():
            made.ClearField(name)
            getattr(made, name).extend(value) if isinstance(value, list) else setattr(made, name, value)
        model.graph.initializer.append(made)

    return apply


def outside(*pairs: tuple[str, str]) -> Callable[[onnx.ModelProto], None]:
    def apply(model: onnx.ModelProto) -> None:
        made = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[2], data_location=TensorProto.EXTERNAL)
        for key, value in pairs:
            made.external_data.add(key=key, value=value)
        model.graph.initializer.append(made)

    return apply


def inner() -> onnx.GraphProto:
    return helper.make_graph([], "inner", [], [])


SPOILS: dict[str, tuple[Callable[[onnx.ModelProto], Any], str]] = {
    "an operator of another domain": (node("Relu", "evil.ops"), "Relu"),
    "an operator that elman does not use": (node("Loop", body=inner()), "Loop"),
    "an operator that makes much of little": (node("Tile"), "Tile"),
    "a graph inside an operator": (node("Add", body=inner()), "attribute"),
    "a tensor in an operator": (node("Cast", value=helper.make_tensor("t", 1, [1], [1.0])), "attribute"),
    "another set of operators": (
        lambda model: model.opset_import.append(helper.make_opsetid("ai.onnx.ml", 3)),
        "ai.onnx.ml",
    ),
    "functions": (
        lambda model: model.functions.append(
            helper.make_function("d", "f", ["x"], ["y"], [helper.make_node("Relu", ["x"], ["y"])], [])
        ),
        "field 25",
    ),
    "another note": (lambda model: model.metadata_props.add(key="a", value="b"), "notes"),
    "a sparse value": (lambda model: model.graph.sparse_initializer.add(), "field 15"),
    "a value that is larger than it says": (tensor(dims=[1]), "not as large"),
    "a value that is smaller than it says": (tensor(dims=[1 << 39]), "not as large"),
    "a size below 0": (tensor(dims=[-2]), "type or shape"),
    "numbers that are not finite": (tensor(raw_data=np.array([1, np.nan], np.float32).tobytes()), "not finite"),
    "another type": (tensor(data_type=TensorProto.STRING), "type or shape"),
    "numbers in another field": (tensor(float_data=[1.0, 2.0]), "field 4"),
    "another file": (outside(("location", "../../etc/passwd")), "outside"),
    "an absolute path": (outside(("location", "/etc/passwd")), "outside"),
    "a place in the file": (outside(("location", "model.safetensors"), ("offset", "4096")), "outside"),
    "two files": (outside(("location", "model.safetensors"), ("location", "/etc/passwd")), "outside"),
    "no file": (outside(), "outside"),
}


@pytest.mark.parametrize("name", SPOILS)
def test_hostile_graphs_are_refused(name: str) -> None:
    spoil, match = SPOILS[name]
    model = good()
    spoil(model)
    with pytest.raises(FolderError, match=match):
        check(model)


def test_what_one_reader_merges_and_another_does_not() -> None:
    """Twice the same field is legal in the format: the last one counts, or both are merged."""
    data = good().SerializeToString()
    hidden = onnx.ModelProto(graph=helper.make_graph([helper.make_node("Loop", ["x"], ["z"])], "g", [], []))
    with pytest.raises(FolderError, match="field 7"):
        check_graph(memoryview(data + hidden.SerializeToString()))


def test_garbage_is_refused_quickly() -> None:
    draw = np.random.default_rng(0)
    for size in (0, 1, 2, 10, 1000):
        data = draw.integers(0, 256, size, dtype=np.uint8).tobytes()
        with pytest.raises(FolderError):
            unseal(data)
    with pytest.raises(FolderError):
        check_graph(memoryview(b"\x3a" + b"\xff" * 20))
    with pytest.raises(FolderError):
        unseal(b"\x70\x05")
    with pytest.raises(FolderError):
        unseal(b"\x72\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01")


def test_a_part_holds_only_what_its_outputs_need() -> None:
    graph = Graph()
    one = graph.op("Add", "x", graph.outside("w", (2,)))
    two = graph.op("Mul", "y", graph.value("c", np.array([2, 3], np.float32)))
    both = {"x": (np.float32, [2]), "y": (np.float32, [2])}
    whole = graph.to_model(both, {"a": (one, np.float32, [2]), "b": (two, np.float32, [2])})
    data = memoryview(whole.SerializeToString())
    assert outputs_of(data) == ["a", "b"]
    made, needed = part(data, ["b"])
    assert needed == {"b", "y", "c"}
    read = onnx.load_from_string(made)
    onnx.checker.check_model(read)
    assert [each.op_type for each in read.graph.node] == ["Mul"]
    assert [each.name for each in (*read.graph.input, *read.graph.output, *read.graph.initializer)] == ["y", "b", "c"]
    assert read.opset_import == whole.opset_import and read.ir_version == whole.ir_version
    assert onnx.load_from_string(part(data, ["a", "b"])[0]) == whole
