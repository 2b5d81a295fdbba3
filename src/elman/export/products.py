"""What a graph does with a network's weights: products and rows of tables, in float32 or in 8 bits.

Weights go by their names in the model folder. A *group* of them shares one precision: the embedding with what is tied
to it, the output, a layer, a skip. In float32 they stay in ``model.safetensors``, and the graph only names them.
"""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.export.graph import Graph
from elman.export.int8 import BLOCK, Quantised, quantise

Arrays = Mapping[str, NDArray[Any]]


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
        return self._short(graph, x, f"{name}.turned" if turned else name, matrix.T if turned else matrix, bias)

    def joint(self, graph: Graph, x: str, h: str, prefix: str, *, bias: str) -> str:
        """In 8 bits: ``x`` times ``weight_ih`` plus ``h`` times ``weight_hh`` plus a bias, as one product."""
        names = [f"{prefix}.weight_ih", f"{prefix}.weight_hh"]
        matrix = np.concatenate([self.arrays[name] for name in names], axis=1)
        return self._short(graph, graph.concat(x, h), f"{prefix}.weight", matrix, bias)

    def rows(self, graph: Graph, ids: str, name: str, *, turned: bool = False) -> str:
        """The rows ``ids[N]`` of a table ``name[R, K]`` (``turned``: columns of a ``[K, R]``), ``[N, K]``."""
        matrix = self.arrays[name]
        if not self.is_int8(name):
            table = graph.outside(name, matrix.shape)
            return graph.op("Gather", graph.op("Transpose", table, perm=[1, 0]) if turned else table, ids, axis=0)
        codes, scales, columns = self._store(
            graph, f"{name}.turned" if turned else name, matrix.T if turned else matrix
        )
        small = graph.op("Cast", graph.op("Gather", codes, ids, axis=0), to=1)
        scale = graph.op("Unsqueeze", graph.op("Gather", scales, ids, axis=0), graph.ints(-1))
        blocks = graph.op("Mul", graph.op("Sub", small, graph.number(128)), scale)
        whole = graph.op("Reshape", blocks, graph.ints(-1, -(-columns // BLOCK) * BLOCK))
        return whole if columns % BLOCK == 0 else graph.cut(whole, 0, columns, 1)

    def _short(self, graph: Graph, x: str, name: str, matrix: NDArray[Any], bias: str) -> str:
        codes, scales, columns = self._store(graph, name, matrix)
        more = ["", "", bias] if bias else []
        sizes = {"K": columns, "N": len(matrix), "bits": 8, "block_size": BLOCK}
        # accuracy_level 4: what comes in is rounded to 8 bits too.
        return graph.op("MatMulNBits", x, codes, scales, *more, domain="com.microsoft", accuracy_level=4, **sizes)

    def _store(self, graph: Graph, name: str, matrix: NDArray[Any]) -> tuple[str, str, int]:
        small = self._quantised.get(name) or quantise(np.asarray(matrix, np.float32))
        self._quantised[name] = small
        return graph.value(f"{name}.codes", small.codes), graph.value(f"{name}.scales", small.scales), small.columns
