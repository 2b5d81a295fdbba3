"""The suspicion with which a runtime's graph is read: nothing reaches onnxruntime that elman would not have written.

The file is plain ONNX. Its last field is a note of our own, ``metadata_props["elman"]``: JSON with what the graph was
made from, a digest over all bytes before it and one over itself. The package onnx is not needed to read it: the few
messages of the format are walked here, each field that they may have is listed, and any other one is refused. So is an
operator that is not on the list, an initial value whose size is not what it says, and any data outside the file but
weights of the model folder by their names.
"""

import hashlib
import json
import math
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.errors import FolderError

OPERATORS = frozenset(
    ("Abs", "Add", "Cast", "Concat", "Div", "Equal", "Erf", "Gather", "GatherElements", "Gemm", "Identity")
    + ("LayerNormalization", "LogSoftmax", "MatMul", "MatMulInteger", "Max", "Mul", "ReduceMax", "Relu", "Reshape")
    + ("Round", "Sigmoid", "Slice", "Softmax", "Split", "Sqrt", "Sub", "Tanh", "Transpose", "Unsqueeze", "Where")
)
"""All of the ONNX standard. None of them runs other graphs, loops, or reads files."""
WEIGHTS_FILE = "model.safetensors"
"""Where values outside the file may lie."""

_NOTE = b"elman"
_VARINT, _BYTES = 0, 2
# Number of each field: how it is encoded, and whether it may come more than once.
_ONE, _MANY, _NUMBER, _NUMBERS = (_BYTES, False), (_BYTES, True), (_VARINT, False), (_VARINT, True)
_MODEL = {1: _NUMBER, 2: _ONE, 3: _ONE, 7: _ONE, 8: _MANY, 14: _MANY}
_OPSET = {1: _ONE, 2: _NUMBER}
_GRAPH = {1: _MANY, 2: _ONE, 5: _MANY, 11: _MANY, 12: _MANY}
_NODE = {1: _MANY, 2: _MANY, 3: _ONE, 4: _ONE, 5: _MANY, 7: _ONE}
_ATTRIBUTE = {1: _ONE, 3: _NUMBER, 8: _NUMBERS, 20: _NUMBER}
_TENSOR = {1: _NUMBERS, 2: _NUMBER, 8: _ONE, 9: _ONE, 13: _MANY, 14: _NUMBER}
_ENTRY = {1: _ONE, 2: _ONE}
_INFO = {1: _ONE, 2: _ONE}
_TYPE, _TENSOR_TYPE = {1: _ONE}, {1: _NUMBER, 2: _ONE}
_SHAPE, _DIM = {1: _MANY}, {1: _NUMBER, 2: _ONE}
_KINDS = {1: np.dtype(np.float32), 2: np.dtype(np.uint8), 3: np.dtype(np.int8), 7: np.dtype(np.int64)}
_MOST_NUMBERS = 1 << 16

Fields = dict[int, list[Any]]


class Node(NamedTuple):
    """An operator."""

    kind: str
    inputs: list[str]
    outputs: list[str]
    attributes: dict[str, int | list[int]]


class Contents(NamedTuple):
    """What a graph computes."""

    nodes: list[Node]
    values: dict[str, NDArray[Any]]
    """Constants by name, where they lie; those outside of the file are missing."""
    inputs: dict[str, tuple[int, list[int | str]]]
    """Type (ONNX's number) and shape by name; sizes that are open have names."""
    outputs: dict[str, tuple[int, list[int | str]]]


def seal(graph: bytes, note: Mapping[str, Any]) -> bytes:
    """The file: the bytes of an ONNX model, and a note with a digest over them."""
    return graph + _note_field(_signed({**note, "graph": hashlib.sha256(graph).hexdigest()}))


def unseal(data: bytes) -> tuple[memoryview, dict[str, Any]]:
    """What ``seal`` was given.

    Raises:
        FolderError: damaged, or not written by elman.
    """
    view = memoryview(data)
    number, encoding, value, end = ([(0, 0, 0, 0), *_walk(view)])[-1]
    if (number, encoding) != (14, _BYTES):
        raise FolderError("it does not end with elman's note; it is cut off or not elman's")
    try:
        note = json.loads(bytes(_one(_message(value, _ENTRY, "note"), 2, b"")))
        whole = isinstance(note, dict) and _note_field(note) == bytes(view[end:])
    except (ValueError, RecursionError) as error:
        raise FolderError("elman's note in it is damaged") from error
    graph = view[:end]
    if not whole or _signed(note) != note or note.get("graph") != hashlib.sha256(graph).hexdigest():
        raise FolderError("it is damaged: its digests do not fit its contents")
    return graph, note


def stated_digest(file: Path) -> Any:
    """What a weights file says of its arrays, without reading them.

    Raises:
        FolderError: damaged, or not written by elman.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="numpy") as opened:
            return json.loads((opened.metadata() or {})["elman"])["digest"]
    except (SafetensorError, ValueError, TypeError, KeyError, OSError, RecursionError) as error:
        raise FolderError(f"{file} is damaged or no safetensors file; copy or train it again") from error


def check_graph(graph: memoryview) -> dict[str, tuple[int, ...]]:
    """Raise unless elman could have written this ONNX model; the shapes of the float32 weights that are outside of it.

    Raises:
        FolderError: whatever is strange.
    """
    model = _message(graph, _MODEL, "model")
    if 14 in model:
        raise FolderError("it holds more notes than elman's own")
    for opset in model.get(8, []):
        domain = _one(_message(opset, _OPSET, "operator set"), 1, b"")
        if len(domain):
            raise FolderError(f"it wants operators of {_shown(_text(domain))}, which elman never uses")
    inside = _message(_one(model, 7, b""), _GRAPH, "graph")
    outside: dict[str, tuple[int, ...]] = {}
    for tensor in inside.get(5, []):
        found = _check_tensor(tensor)
        if found is not None:
            outside[found[0]] = found[1]
    for node in inside.get(1, []):
        _check_node(node)
    for info in (*inside.get(11, []), *inside.get(12, [])):
        _info_name(info)
    return outside


def part(graph: memoryview, outputs: Collection[str]) -> tuple[bytes, set[str]]:
    """The ONNX model that computes only ``outputs`` of a checked one, and the names of all that it is computed from.

    onnxruntime runs all that a graph holds, whatever is asked for.
    """
    inside = _message(_message(graph, _MODEL, "model")[7][0], _GRAPH, "graph")
    needed, nodes = set(outputs), []
    for data in reversed(inside.get(1, [])):  # each stands behind those that it needs
        node = _message(data, _NODE, "operator")
        if not needed.isdisjoint(map(_text, node.get(2, []))):
            nodes.append(data)
            needed.update(map(_text, node.get(1, [])))
    kept = {1: nodes[::-1], 2: inside[2]}
    kept[5] = [data for data in inside.get(5, []) if _text(_message(data, _TENSOR, "value")[8][0]) in needed]
    kept[11] = [data for data in inside.get(11, []) if _info_name(data) in needed]
    kept[12] = [data for data in inside.get(12, []) if _info_name(data) in outputs]
    body = b"".join(_field(number, data) for number, found in kept.items() for data in found)
    head = b"".join(bytes(graph[start:end]) for number, start, end in _spans(graph) if number != 7)
    return head + _field(7, body), needed


def contents(graph: memoryview | bytes) -> Contents:
    """What a checked model holds.

    Raises:
        FolderError: a type or shape that elman never writes.
    """
    inside = _message(_message(memoryview(graph), _MODEL, "model")[7][0], _GRAPH, "graph")
    nodes = []
    for data in inside.get(1, []):
        node = _message(data, _NODE, "operator")
        found = (_message(each, _ATTRIBUTE, "attribute") for each in node.get(5, []))
        attributes = {_text(_one(each, 1, b"")): _attribute(each) for each in found}
        inputs, outputs = (list(map(_text, node.get(number, []))) for number in (1, 2))
        nodes.append(Node(_text(node[4][0]), inputs, outputs, attributes))
    values = {}
    for data in inside.get(5, []):
        tensor = _message(data, _TENSOR, "value")
        if 9 in tensor:
            shape, kind = tuple(_numbers(tensor.get(1, []))), _KINDS[tensor[2][0]]
            values[_text(tensor[8][0])] = np.frombuffer(tensor[9][0], kind).reshape(shape)
    inputs, outputs = (dict(map(_info, inside.get(number, []))) for number in (11, 12))
    return Contents(nodes, values, inputs, outputs)


def outputs_of(graph: memoryview) -> list[str]:
    """The names of a checked model's outputs."""
    inside = _message(_message(graph, _MODEL, "model")[7][0], _GRAPH, "graph")
    return [_info_name(data) for data in inside.get(12, [])]


def _info_name(data: memoryview) -> str:
    return _text(_one(_message(data, _INFO, "input or output"), 1, b""))


def _info(data: memoryview) -> tuple[str, tuple[int, list[int | str]]]:
    """Name, type and shape of an input or output."""
    whole = _message(_one(_message(data, _INFO, "input or output"), 2, b""), _TYPE, "type")
    tensor = _message(_one(whole, 1, b""), _TENSOR_TYPE, "type")
    dims = _message(_one(tensor, 2, b""), _SHAPE, "shape").get(1, [])
    sizes = [_message(dim, _DIM, "shape") for dim in dims]
    shape = [size[1][0] if 1 in size else _text(_one(size, 2, b"")) for size in sizes]
    return _info_name(data), (_one(tensor, 1, 0), shape)


def _attribute(fields: Fields) -> int | list[int]:
    """Whole numbers are the only attributes that are used."""
    if 8 in fields:
        return [_signed_number(number) for number in _numbers(fields[8])]
    return _signed_number(_one(fields, 3, 0))


def _signed_number(number: int) -> int:
    return number - (1 << 64) if number >= 1 << 63 else number


def _spans(data: memoryview) -> Iterator[tuple[int, int, int]]:
    """Number, start and end of each field of a message."""
    starts = [(number, start) for number, _, _, start in _walk(data)]
    ends = [start for _, start in starts[1:]] + [len(data)]
    return ((number, start, end) for (number, start), end in zip(starts, ends, strict=True))


def _signed(note: Mapping[str, Any]) -> dict[str, Any]:
    body = {name: value for name, value in note.items() if name != "digest"}
    return {**body, "digest": hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()}


def _note_field(note: Mapping[str, Any]) -> bytes:
    return _field(14, _field(1, _NOTE) + _field(2, json.dumps(note, sort_keys=True).encode()))


def _check_node(data: memoryview) -> None:
    node = _message(data, _NODE, "operator")
    kind = _text(_one(node, 4, b""))
    if kind not in OPERATORS or len(_one(node, 7, b"")):
        raise FolderError(f"it has an operator {_shown(kind)}, which elman never uses")
    for attribute in node.get(5, []):
        _message(attribute, _ATTRIBUTE, "attribute")


def _check_tensor(data: memoryview) -> tuple[str, tuple[int, ...]] | None:
    """Name and shape of a value that lies outside; None for one that is here."""
    tensor = _message(data, _TENSOR, "value")
    name, shape = _text(_one(tensor, 8, b"")), tuple(_numbers(tensor.get(1, [])))
    kind = _KINDS.get(_one(tensor, 2, 0))
    if kind is None or any(not 0 <= size < 1 << 40 for size in shape):
        raise FolderError(f"its value {_shown(name)} has a type or shape that elman never writes")
    if _one(tensor, 14, 0) == 0 and 13 not in tensor:
        raw = _one(tensor, 9, memoryview(b""))
        if len(raw) != math.prod(shape) * kind.itemsize:
            raise FolderError(f"its value {_shown(name)} is not as large as it says")
        if kind == np.float32 and not np.isfinite(np.frombuffer(raw, kind)).all():
            raise FolderError(f"its value {_shown(name)} holds numbers that are not finite")
        return None
    pairs = [_message(entry, _ENTRY, "place") for entry in tensor.get(13, [])]
    places = [(_text(_one(pair, 1, b"")), _text(_one(pair, 2, b""))) for pair in pairs]
    if places != [("location", WEIGHTS_FILE)] or kind != np.float32 or 9 in tensor:
        raise FolderError(f"its value {_shown(name)} points to data outside the model folder's weights")
    return name, shape


def _walk(data: memoryview) -> Iterator[tuple[int, int, Any, int]]:
    """Number, encoding, value and place of each field of a message."""
    place, end = 0, len(data)
    while place < end:
        start = place
        head, place = _varint(data, place)
        number, encoding = head >> 3, head & 7
        value, place = _varint(data, place)
        if encoding == _BYTES:
            if value > end - place:
                raise FolderError("it is cut off")
            value, place = data[place : place + value], place + value
        elif encoding != _VARINT:
            raise FolderError("it is damaged, or no ONNX file of elman")
        yield number, encoding, value, start


def _varint(data: memoryview, place: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if place >= len(data):
            raise FolderError("it is cut off")
        byte = data[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place
    raise FolderError("it is damaged, or no ONNX file of elman")


def _message(data: memoryview, allowed: Mapping[int, tuple[int, bool]], what: str) -> Fields:
    found: Fields = {}
    for number, encoding, value, _ in _walk(memoryview(data)):
        wanted, repeats = allowed.get(number, (None, False))
        # Numbers may be packed.
        packed = wanted == _VARINT and repeats and encoding == _BYTES
        if (encoding != wanted and not packed) or (number in found and not repeats):
            raise FolderError(f"its {what} has a field {number} that elman never writes")
        found.setdefault(number, []).append(value)
    return found


def _numbers(values: list[Any]) -> Iterator[int]:
    for value in values:
        if isinstance(value, int):
            yield value
            continue
        place = 0
        while place < min(len(value), _MOST_NUMBERS):
            number, place = _varint(value, place)
            yield number


def _one(fields: Fields, number: int, default: Any) -> Any:
    return fields.get(number, [default])[0]


def _text(data: Any) -> str:
    return bytes(data).decode("utf-8", errors="replace")


def _shown(text: str) -> str:
    return repr(text[:40])


def _field(number: int, value: bytes | memoryview) -> bytes:
    head, length = number << 3 | _BYTES, len(value)
    out = bytearray()
    for each in (head, length):
        while each >= 128:
            out.append(each & 127 | 128)
            each >>= 7
        out.append(each)
    return bytes(out) + value
