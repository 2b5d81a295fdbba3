"""An ONNX graph under construction: operators by name, values once, inner graphs that share both."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from elman.models.runtime_file import WEIGHTS_FILE

OPSET = 20
_IR_VERSION = 9
_KINDS = {np.dtype(np.float32): TensorProto.FLOAT, np.dtype(np.uint8): TensorProto.UINT8}
_KINDS |= {np.dtype(np.int8): TensorProto.INT8}
_KINDS |= {np.dtype(np.int64): TensorProto.INT64, np.dtype(np.bool_): TensorProto.BOOL}

Shape = Sequence[int | str]


class Graph:
    """Nodes of one graph; values (initial values, in ONNX's words) belong to the outermost.

    >>> graph = Graph()
    >>> total = graph.op("Add", "x", graph.value("one", np.ones(1, np.float32)))
    >>> model = graph.to_model(inputs={"x": (np.float32, ["B"])}, outputs={"y": (total, np.float32, ["B"])})
    >>> [node.op_type for node in model.graph.node]
    ['Add']
    """

    def __init__(self, outer: "Graph | None" = None) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.rounded: dict[str, tuple[str, str]] = {}
        """What has been rounded to 8 bits here: the rounded one and its scales, see ``elman.export.products``."""
        self._root: Graph = outer._root if outer else self
        self._count = 0
        self._values: dict[str, onnx.TensorProto] = {}

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """One operator with one output: the output's name."""
        return self.ops(kind, *inputs, outputs=1, **attributes)[0]

    def ops(self, kind: str, *inputs: str, outputs: int, **attributes: Any) -> list[str]:
        """One operator: the names of its outputs."""
        root = self._root
        root._count += 1
        names = [f"{kind}{root._count}" + (f".{k}" if k else "") for k in range(outputs)]
        node = helper.make_node(kind, inputs, names, **attributes)
        self.nodes.append(node)
        return names

    def value(self, name: str, array: NDArray[Any]) -> str:
        """A constant, kept once under its name."""
        values = self._root._values
        if name not in values:
            array = np.ascontiguousarray(array)
            kind = _KINDS[array.dtype]
            values[name] = helper.make_tensor(name, kind, array.shape, array.tobytes(), raw=True)
        return name

    def ints(self, *numbers: int) -> str:
        """A list of whole numbers."""
        return self.value(f"ints{list(numbers)}", np.array(numbers, np.int64))

    def number(self, number: float) -> str:
        """One float32 without axes."""
        return self.value(f"number{number}", np.array(number, np.float32))

    def outside(self, name: str, shape: Sequence[int]) -> str:
        """A float32 weight that is taken from the model folder's weights."""
        if name not in self._root._values:
            tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=shape)
            tensor.data_location = TensorProto.EXTERNAL
            entry = tensor.external_data.add()
            entry.key, entry.value = "location", WEIGHTS_FILE
            self._root._values[name] = tensor
        return name

    def split(self, x: str, sizes: Sequence[int]) -> list[str]:
        """Parts of the last axis."""
        return self.ops("Split", x, self.ints(*sizes), outputs=len(sizes), axis=-1)

    def concat(self, *parts: str, axis: int = -1) -> str:
        """Parts joined."""
        return self.op("Concat", *parts, axis=axis)

    def cut(self, x: str, start: int, end: int, axis: int) -> str:
        """From ``start`` to ``end`` of an axis."""
        return self.op("Slice", x, self.ints(start), self.ints(end), self.ints(axis))

    def to_body(
        self, name: str, inputs: Mapping[str, tuple[Any, Shape]], outputs: Mapping[str, tuple[str, Any, Shape]]
    ) -> onnx.GraphProto:
        """The graph alone: inputs by name with type and shape, outputs by name with what they are, type and shape."""
        renamed = {inner: name for name, (inner, *_) in outputs.items()}
        assert len(renamed) == len(outputs), "one thing cannot be two outputs"
        for node in self.nodes:
            for names in (node.input, node.output):
                names[:] = [renamed.get(each, each) for each in names]
        infos = _infos({each: (about[1], about[2]) for each, about in outputs.items()})
        return helper.make_graph(self.nodes, name, _infos(inputs), infos, list(self._values.values()))

    def to_model(
        self,
        inputs: Mapping[str, tuple[Any, Shape]],
        outputs: Mapping[str, tuple[str, Any, Shape]],
        *,
        inline: Mapping[str, NDArray[Any]] | None = None,
    ) -> onnx.ModelProto:
        """The ONNX model; ``inline`` are weights to take in instead of leaving them outside."""
        for name, tensor in list(self._values.items()):
            if inline is not None and tensor.data_location == TensorProto.EXTERNAL:
                del self._values[name]
                self.value(name, np.asarray(inline[name], np.float32))
        body = self.to_body("elman", inputs, outputs)
        return helper.make_model(
            body, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=_IR_VERSION, producer_name="elman"
        )


def _infos(things: Mapping[str, tuple[Any, Shape]]) -> list[onnx.ValueInfoProto]:
    return [helper.make_tensor_value_info(name, _KINDS[np.dtype(t)], shape) for name, (t, shape) in things.items()]
