"""What a graph does with a network's weights: products and rows of tables, in float32 or in 8 bits.

Weights go by their names in the model folder. A *group* of them shares one precision: the embedding with what is tied
to it, the output, a layer, a skip. In float32 they stay in ``model.safetensors``, and the graph only names them.

In 8 bits, what a matrix is multiplied with is rounded too, each row by a scale of its own, and whole numbers are
multiplied: what a row becomes never depends on its neighbours in a batch, nor on how many they are.
"""

import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.export.graph import Graph
from elman.export.int8 import Quantised, quantise

FLOAT, UINT8 = 1, 2
"""ONNX's names of types."""
_MIDDLE = 128
_SMALLEST = 1e-30
"""A row of zeros has some scale too."""

Arrays = Mapping[str, NDArray[Any]]
Stored = tuple[str, str]
"""The names of a matrix in 8 bits and of its scales."""


def group_of(name: str) -> str:
    """The group of a weight.

    >>> group_of("stack.layers.1.weight_hh"), group_of("output.own.table0"), group_of("embedding.weight")
    ('stack.layers.1', 'output', 'embedding')
    """
    found = re.match(r"stack\.\w+\.\d+", name)
    return found.group() if found else name.split(".")[0]


def groups_of(arrays: Arrays) -> list[str]:
    """All groups that hold matrices, in their order."""
    return sorted({group_of(name) for name, array in arrays.items() if array.ndim == 2})


class Products:
    """The weights ``arrays`` in a graph, those of the groups ``int8`` in 8 bits."""

    def __init__(self, arrays: Arrays, int8: frozenset[str]) -> None:
        self.arrays = arrays
        self.int8 = int8
        self._quantised: dict[str, Quantised] = {}
        # Tables that both ends of a tied network share are kept as the input looks them up.
        self._looked_up = {name for name in arrays if re.fullmatch(r"embedding\.(weight|table\d+)", name)}

    def is_int8(self, name: str) -> bool:
        """Whether a weight is in 8 bits."""
        return group_of(name) in self.int8

    def vector(self, graph: Graph, name: str) -> str:
        """A vector of weights: small enough to be in the graph."""
        return graph.value(name, self.arrays[name].astype(np.float32))

    def linear(self, graph: Graph, x: str, name: str, *, bias: str = "", turned: bool = False) -> str:
        """``x[N, K]`` times the matrix ``name[M, K]`` (``turned``: stored as ``[K, M]``), plus a bias: ``[N, M]``."""
        matrix = self.arrays[name]
        if not self.is_int8(name):
            weight = graph.outside(name, matrix.shape)
            return graph.op("Gemm", x, weight, *([bias] if bias else []), transB=int(not turned))
        columns = self._columns(graph, f"{name}.turned" if turned else name, matrix.T if turned else matrix)
        return self._short(graph, x, columns, bias)

    def joint(self, graph: Graph, x: str, h: str, prefix: str, *, bias: str, gain: float) -> str:
        """In 8 bits: ``x`` times ``weight_ih`` plus ``h`` times ``weight_hh`` plus a bias, as one product.

        ``gain`` makes x about as large as h, so that the one scale that both get rounds neither of them away.
        """
        from_x, from_h = (self.arrays[f"{prefix}.{name}"] for name in ("weight_ih", "weight_hh"))
        matrix = np.concatenate([from_x / np.float32(gain), from_h], axis=1)
        x = x if gain == 1 else graph.op("Mul", x, graph.number(gain))
        return self._short(graph, graph.concat(x, h), self._columns(graph, f"{prefix}.weight", matrix), bias)

    def rows(self, graph: Graph, ids: str, name: str, *, turned: bool = False) -> str:
        """The rows ``ids[N]`` of a table ``name[R, K]`` (``turned``: columns of a ``[K, R]``), ``[N, K]``."""
        matrix = self.arrays[name]
        if not self.is_int8(name):
            table = graph.outside(name, matrix.shape)
            return graph.op("Gather", graph.op("Transpose", table, perm=[1, 0]) if turned else table, ids, axis=0)
        codes, scales = self._table(graph, f"{name}.turned" if turned else name, matrix.T if turned else matrix)
        small = graph.op("Cast", graph.op("Gather", codes, ids, axis=0), to=FLOAT)
        return graph.op("Mul", small, graph.op("Unsqueeze", graph.op("Gather", scales, ids, axis=0), graph.ints(-1)))

    def gain(self) -> float:
        """What makes the embedding's vectors about as large as hidden states that a tanh has shut in: a power of 2."""
        table = self.arrays.get("embedding.weight", self.arrays.get("embedding.table0"))
        usual = 1.0 if table is None else float(np.abs(table).max(axis=1).mean())
        return 2.0 ** round(-math.log2(usual)) if usual > 0 else 1.0

    def _table(self, graph: Graph, name: str, matrix: NDArray[Any]) -> Stored:
        """A matrix ``[R, K]`` of which rows are looked up."""
        small = self._small(name, matrix)
        return graph.value(f"{name}.codes", small.codes), graph.value(f"{name}.scales", small.scales)

    def _columns(self, graph: Graph, name: str, matrix: NDArray[Any]) -> Stored:
        """A matrix ``[M, K]`` that is multiplied with, as columns."""
        small = self._small(name, matrix)
        if name in self._looked_up:
            codes, scales = self._table(graph, name, matrix)
            return graph.op("Transpose", codes, perm=[1, 0]), scales
        return graph.value(f"{name}.columns", small.codes.T), graph.value(f"{name}.scales", small.scales)

    def _small(self, name: str, matrix: NDArray[Any]) -> Quantised:
        if name not in self._quantised:
            self._quantised[name] = quantise(np.asarray(matrix, np.float32))
        return self._quantised[name]

    def _short(self, graph: Graph, x: str, stored: Stored, bias: str) -> str:
        codes, scales = stored
        rounded, scale = self._rounded(graph, x)
        total = graph.op("MatMulInteger", rounded, codes, graph.value("middle", np.array(_MIDDLE, np.uint8)))
        product = graph.op("Mul", graph.op("Mul", graph.op("Cast", total, to=FLOAT), scale), scales)
        return graph.op("Add", product, bias) if bias else product

    def _rounded(self, graph: Graph, x: str) -> tuple[str, str]:
        """``x[N, K]`` in 8 bits around 128, and each row's scale ``[N, 1]``; once in a graph."""
        if x not in graph.rounded:
            largest = graph.op("ReduceMax", graph.op("Abs", x), graph.ints(-1), keepdims=1)
            scale = graph.op("Mul", graph.op("Max", largest, graph.number(_SMALLEST)), graph.number(1 / 127))
            whole = graph.op("Round", graph.op("Div", x, scale))
            graph.rounded[x] = graph.op("Cast", graph.op("Add", whole, graph.number(_MIDDLE)), to=UINT8), scale
        return graph.rounded[x]
