"""From a checked graph to a tape's instructions: what each name stands for, operator by operator."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.errors import FolderError
from elman.inference.byte_product import pack, packed_bytes, padded
from elman.models import tape_kernels as kernels
from elman.models.runtime_file import Contents, Node
from elman.models.tape_things import Bytes, Fields, Pending, Shaped, Thing, Untranslatable, Vector, Whole

_UINT8, _FLOAT = 2, 1
_MIDDLE = 128
_BINARY = {"Add": kernels.ADD, "Sub": kernels.SUB, "Mul": kernels.MUL, "Div": kernels.DIV, "Max": kernels.MAX}
_UNARY = {
    "Abs": kernels.ABS, "Round": kernels.ROUND, "Sigmoid": kernels.SIGMOID, "Tanh": kernels.TANH,
    "Relu": kernels.RELU, "Sqrt": kernels.SQRT, "Erf": kernels.ERF, "LogSoftmax": kernels.LOG_SOFTMAX,
}  # fmt: skip


class Translation:
    """The translation: what each name stands for, and the instructions so far.

    Args:
        whole: the whole-number inputs and their bounds (least, most).
        dense: also translate products and tables in float32, which ``tape_kernels`` does not run.
    """

    def __init__(self, graph: Contents, whole: Mapping[str, tuple[int, int]], *, dense: bool = False) -> None:
        self.graph = graph
        self.dense = dense
        self.instructions: list[Fields] = []
        self.things: dict[str, Thing] = dict(graph.values)
        self.sizes: list[int] = []
        """Of all vectors that are made."""
        self.bytes = self.slots = 0
        self.pools: tuple[list[NDArray[Any]], ...] = ([], [], [])
        """Constants of float32, of whole numbers, and rows of codes."""
        self.codes: list[NDArray[np.int8]] = []
        """The last pool's tables ``[R, K]``, in their order."""
        self._ends = [0, 0, 0]
        self._places: dict[tuple[int, int], int] = {}
        self._matrices: dict[str, tuple[int, int, NDArray[np.int8]]] = {}
        self._packed = self._middles = 0
        self.given: list[str] = []
        """Whole-number inputs, one for each of the first slots."""
        self.vectors: dict[str, int] = {}
        """Sizes of the vectors that come in."""
        for name, (_, shape) in graph.inputs.items():
            if name in whole:
                self.things[name] = self._slot(*whole[name])
                self.given.append(name)
            elif len(shape) == 2 and isinstance(shape[1], int) and 0 < shape[1] <= 1 << 24:
                self.vectors[name] = shape[1]
                self.things[name] = self._vector(shape[1])
            else:
                raise Untranslatable(f"input {name}")

    def translate(self) -> None:
        """All operators, in their order."""
        ways: dict[str, Callable[[Node], None]] = {
            **dict.fromkeys(_BINARY, self._do_binary), **dict.fromkeys(_UNARY, self._do_unary),
            "Cast": self._do_cast, "Concat": self._do_concat, "Equal": self._do_equal, "Gather": self._do_gather,
            "GatherElements": self._do_pick, "Identity": self._do_same, "MatMulInteger": self._do_product,
            "LayerNormalization": self._do_norm, "MatMul": self._do_attention, "ReduceMax": self._do_largest,
            "Reshape": self._do_shape, "Slice": self._do_slice, "Softmax": self._do_shares, "Split": self._do_split,
            "Transpose": self._do_transpose, "Unsqueeze": self._do_deepen, "Where": self._do_where,
        }  # fmt: skip
        if self.dense:
            ways["Gemm"] = self._do_dense
        for node in self.graph.nodes:
            if node.kind not in ways:
                raise Untranslatable(node.kind)
            strange = [name for name in node.inputs if name not in self.things]
            if strange:
                raise FolderError(f"its operator {node.kind} takes {strange[0][:40]!r}, which nothing before it makes")
            try:
                ways[node.kind](node)
            except (ValueError, IndexError) as error:  # more or fewer names or numbers than are unpacked
                raise FolderError(f"its operator {node.kind} has inputs that elman never gives it") from error
        self._join_products()

    def _join_products(self) -> None:
        """One pass over a product's numbers instead of three: by both scales, and plus the bias."""
        uses: dict[int, int] = {}
        for fields in (*self.instructions, tuple(self.named().values())):
            for field in fields:
                if isinstance(field, Vector):
                    uses[field.made] = uses.get(field.made, 0) + 1

        def follows(place: int, kind: int, vector: Fields) -> bool:
            """Whether the instruction at a place is of a kind and the only one that takes what another one made."""
            made = vector[1]
            assert isinstance(made, Vector)
            found = self.instructions[place] if place < len(self.instructions) else (-1,) * kernels.FIELDS
            return found[0] == kind and found[2] == made and uses[made.made] == 2

        joined, place = [], 0
        while place < len(self.instructions):
            product, *rest = self.instructions[place : place + 4]
            joined.append(product)
            place += 1
            if product[0] != kernels.MULTIPLY or not follows(place, kernels.MUL, product) or rest[0][6:] != (1, 0):
                continue
            if not follows(place + 1, kernels.MUL, rest[0]) or rest[1][7] != 2 or rest[1][6] != product[4]:
                continue
            biased = follows(place + 2, kernels.ADD, rest[1]) and rest[2][7] == 2 and rest[2][6] == product[4]
            last, bias = (rest[2], rest[2][3]) if biased else (rest[1], -1)
            joined.append((kernels.FINISH, last[1], product[1], rest[0][3], product[4], rest[1][3], bias, 0))
            place += 3 if biased else 2
        self.instructions = joined

    def vector(self, name: str) -> Vector:
        """The vector of a name."""
        thing = self.things.get(name)
        if not isinstance(thing, Vector):
            raise Untranslatable(name)
        return thing

    def named(self) -> dict[str, Vector]:
        """The vectors that come in and go out."""
        return {name: self.vector(name) for name in (*self.vectors, *self.graph.outputs)}

    def laid_out(self) -> tuple[NDArray[np.int8], NDArray[np.int32]]:
        """All matrices as the products read them, from an address that is a multiple of 64; 128 times their sums."""
        room = np.empty(self._packed + 64, np.int8)
        weights, middles = room[-room.ctypes.data % 64 :], np.zeros(max(self._middles, 1), np.int32)
        for place, sums, matrix in self._matrices.values():
            some = middles[sums : sums + matrix.shape[1]]
            pack(np.ascontiguousarray(matrix), weights[place : place + packed_bytes(*matrix.shape)], some)
        return weights, middles * np.int32(_MIDDLE)

    def matrices(self) -> list[tuple[int, int, NDArray[np.int8]]]:
        """Each matrix ``[K, M]`` of a product with its places among the weights and among their sums."""
        return list(self._matrices.values())

    def _emit(self, *fields: "int | Vector") -> None:
        self.instructions.append((*fields, *[0] * (kernels.FIELDS - len(fields))))

    def _vector(self, size: int) -> Vector:
        self.sizes.append(size)
        return Vector(len(self.sizes) - 1, 0, size)

    def _slot(self, least: int, most: int) -> Whole:
        self.slots += 1
        return Whole(self.slots - 1, least, most)

    def _constant(self, array: NDArray[Any], pool: int) -> int:
        """Where a constant lies in its pool."""
        key = (pool, id(array))
        if key not in self._places:
            self._places[key] = self._ends[pool]
            self.pools[pool].append(array.ravel())
            self._ends[pool] += array.size
        return self._places[key]

    def _operand(self, name: str) -> tuple["int | Vector", int, bool]:
        """A vector or the place of float32 constants, its size, and whether it is the latter."""
        thing = self.things[name]
        if isinstance(thing, Vector):
            return thing, thing.size, False
        if isinstance(thing, np.ndarray) and thing.dtype == np.float32 and thing.ndim <= 1:
            return self._constant(thing, 0), thing.size, True
        raise Untranslatable(name)

    def _numbers(self, name: str) -> NDArray[np.int64]:
        """Whole constants."""
        thing = self.things[name]
        if not isinstance(thing, np.ndarray) or thing.dtype != np.int64:
            raise Untranslatable(name)
        return thing

    def _do_binary(self, node: Node) -> None:
        if all(isinstance(self.things[name], Shaped) for name in node.inputs):
            self._do_shaped_sum(node)
            return
        (a, p, fixed_a), (b, q, fixed_b) = map(self._operand, node.inputs)
        size = max(p, q)
        if (p not in (1, size)) or (q not in (1, size)) or (fixed_a and fixed_b):
            raise FolderError(f"its operator {node.kind} joins vectors of {p} and {q} numbers")
        out = self.things[node.outputs[0]] = self._vector(size)
        self._emit(_BINARY[node.kind], out, a, b, size, p, q, int(fixed_a) + 2 * int(fixed_b))

    def _do_unary(self, node: Node) -> None:
        thing = self.vector(node.inputs[0])
        if node.attributes.get("axis", -1) != -1:
            raise Untranslatable(node.kind)
        out = self.things[node.outputs[0]] = self._vector(thing.size)
        self._emit(_UNARY[node.kind], out, thing, 0, thing.size)

    def _do_cast(self, node: Node) -> None:
        thing, name, to = self.things[node.inputs[0]], node.outputs[0], node.attributes.get("to")
        if isinstance(thing, Pending) and to == _FLOAT:
            out = self.things[name] = self._vector(thing.size)
            kind, *rest = thing.instruction
            self._emit(kind, out, *rest)
        elif isinstance(thing, Vector) and to == _UINT8:
            whole = padded(thing.size, 4)
            self.things[name] = Bytes(self.bytes, thing.size)
            self._emit(kernels.TO_BYTES, self.bytes, thing, 0, thing.size, whole)
            self.bytes += whole
        else:
            raise Untranslatable(f"Cast to {to}")

    def _do_product(self, node: Node) -> None:
        x, matrix, middle = (self.things[name] for name in node.inputs)
        if not (isinstance(x, Bytes) and isinstance(matrix, np.ndarray) and isinstance(middle, np.ndarray)):
            raise Untranslatable("MatMulInteger")
        if matrix.dtype != np.int8 or matrix.ndim != 2 or middle.ravel().tolist() != [_MIDDLE]:
            raise Untranslatable("MatMulInteger")
        if matrix.min(initial=0) < -127:
            raise Untranslatable("MatMulInteger by -128")
        if len(matrix) != x.size:
            raise FolderError(f"its product is of {x.size} numbers and a matrix of {len(matrix)} rows")
        name, size = node.inputs[1], packed_bytes(*matrix.shape)
        if name not in self._matrices:
            self._matrices[name] = self._packed, self._middles, matrix
            self._packed, self._middles = self._packed + size, self._middles + matrix.shape[1]
        place, sums, _ = self._matrices[name]
        fields = kernels.MULTIPLY, x.place, padded(x.size, 4) // 4, matrix.shape[1], place, sums, size
        self.things[node.outputs[0]] = Pending(fields, matrix.shape[1])

    def _do_dense(self, node: Node) -> None:
        x, matrix = self.vector(node.inputs[0]), self.things[node.inputs[1]]
        if not isinstance(matrix, np.ndarray) or matrix.dtype != np.float32 or matrix.ndim != 2:
            raise Untranslatable("Gemm")
        if not node.attributes.get("transB"):
            matrix = self.things[f"{node.inputs[1]}, turned"] = matrix.T  # kept: constants go by identity
        if matrix.shape[1] != x.size:
            raise FolderError(f"its product is of {x.size} numbers and a matrix of {matrix.shape[1]} columns")
        bias, size, fixed = self._operand(node.inputs[2]) if len(node.inputs) > 2 else (0, len(matrix), None)
        if size != len(matrix):
            raise FolderError(f"its product gives {len(matrix)} numbers, and {size} are added")
        out = self.things[node.outputs[0]] = self._vector(size)
        kind = 0 if fixed is None else 1 if fixed else 2
        self._emit(kernels.DENSE, out, x, x.size, size, self._constant(matrix, 0), bias, kind)

    def _do_gather(self, node: Node) -> None:
        thing, by = (self.things[name] for name in node.inputs)
        axis, name = node.attributes.get("axis", 0), node.outputs[0]
        if isinstance(thing, Vector) and isinstance(by, np.ndarray) and axis == 1 and by.dtype == np.int64:
            if by.ndim != 1 or not by.size or by.min() < 0 or by.max() >= thing.size:
                raise FolderError("it looks up places that a vector does not have")
            out = self.things[name] = self._vector(by.size)
            self._emit(kernels.PERMUTE, out, thing, self._constant(by, 1), by.size)
            return
        if not isinstance(thing, np.ndarray) or not isinstance(by, Whole) or axis != 0:
            raise Untranslatable("Gather")
        if by.least < 0 or by.most >= len(thing):
            raise FolderError(f"it looks up row {by.most} of a table of {len(thing)}")
        if thing.dtype == np.int8 and thing.ndim == 2:
            if (2, id(thing)) not in self._places:
                self.codes.append(thing)
            place, size = self._constant(thing, 2), thing.shape[1]
            self.things[name] = Pending((kernels.CODES, place, by.slot, size), size)
        elif thing.dtype == np.int64 and thing.ndim == 1:
            found = self.things[name] = self._slot(int(thing.min()), int(thing.max()))
            self._emit(kernels.WHOLE, found.slot, self._constant(thing, 1), by.slot)
        elif thing.dtype == np.float32 and thing.ndim == 1:
            out = self.things[name] = self._vector(1)
            self._emit(kernels.SCALE, out, self._constant(thing, 0), by.slot)
        elif thing.dtype == np.float32 and thing.ndim == 2 and self.dense:
            out = self.things[name] = self._vector(thing.shape[1])
            self._emit(kernels.ROWS, out, self._constant(thing, 0), by.slot, thing.shape[1])
        else:
            raise Untranslatable("Gather")

    def _do_pick(self, node: Node) -> None:
        thing, by = self.vector(node.inputs[0]), self.things[node.inputs[1]]
        if not isinstance(by, Whole) or node.attributes.get("axis", 0) != 1:
            raise Untranslatable("GatherElements")
        if by.least < 0 or by.most >= thing.size:
            raise FolderError(f"it picks number {by.most} of {thing.size}")
        out = self.things[node.outputs[0]] = self._vector(1)
        self._emit(kernels.PICK, out, thing, by.slot)

    def _do_equal(self, node: Node) -> None:
        by, wanted = self.things[node.inputs[0]], self._numbers(node.inputs[1])
        if not isinstance(by, Whole) or wanted.size != 1:
            raise Untranslatable("Equal")
        found = self.things[node.outputs[0]] = self._slot(0, 1)
        self._emit(kernels.EQUAL, found.slot, by.slot, int(wanted.ravel()[0]))

    def _do_where(self, node: Node) -> None:
        by, first, second = self.things[node.inputs[0]], self.vector(node.inputs[1]), self.vector(node.inputs[2])
        if not isinstance(by, Whole) or first.size != second.size:
            raise Untranslatable("Where")
        out = self.things[node.outputs[0]] = self._vector(first.size)
        self._emit(kernels.CHOOSE, out, first, second, first.size, by.slot)

    def _do_largest(self, node: Node) -> None:
        thing = self.vector(node.inputs[0])
        if self._numbers(node.inputs[1]).tolist() != [-1]:
            raise Untranslatable("ReduceMax")
        out = self.things[node.outputs[0]] = self._vector(1)
        self._emit(kernels.LARGEST, out, thing, 0, thing.size)

    def _do_concat(self, node: Node) -> None:
        parts = [self._operand(name) for name in node.inputs]
        if node.attributes.get("axis") not in (-1, 1):
            raise Untranslatable("Concat")
        out = self.things[node.outputs[0]] = self._vector(sum(size for _, size, _ in parts))
        start = 0
        for part, size, fixed in parts:
            self._emit(kernels.COPY, Vector(out.made, start, size), part, 0, size, 0, 0, int(fixed))
            start += size

    def _do_split(self, node: Node) -> None:
        thing, sizes = self.vector(node.inputs[0]), self._numbers(node.inputs[1]).tolist()
        if node.attributes.get("axis", 0) != -1 or sum(sizes) != thing.size or min(sizes) < 1:
            raise Untranslatable("Split")
        start = thing.start
        for name, size in zip(node.outputs, sizes, strict=True):
            self.things[name] = Vector(thing.made, start, size)
            start += size

    def _do_slice(self, node: Node) -> None:
        thing = self.vector(node.inputs[0])
        start, end, axis = (self._numbers(name).tolist() for name in node.inputs[1:])
        if axis != [1] or not 0 <= start[0] < end[0] <= thing.size:
            raise Untranslatable("Slice")
        self.things[node.outputs[0]] = Vector(thing.made, thing.start + start[0], end[0] - start[0])

    def _do_same(self, node: Node) -> None:
        self.things[node.outputs[0]] = self.things[node.inputs[0]]

    def _do_deepen(self, node: Node) -> None:
        thing = self.things[node.inputs[0]]
        if not isinstance(thing, Whole) and self.vector(node.inputs[0]).size != 1:
            raise Untranslatable("Unsqueeze")
        self._do_same(node)

    def _do_norm(self, node: Node) -> None:
        thing, (gain, size, fixed) = self.vector(node.inputs[0]), self._operand(node.inputs[1])
        if len(node.inputs) != 2 or not fixed or node.attributes.get("axis", -1) != -1:
            raise Untranslatable("LayerNormalization")
        if size != thing.size:
            raise FolderError(f"it scales {thing.size} numbers by {size}")
        out = self.things[node.outputs[0]] = self._vector(size)
        self._emit(kernels.NORM, out, thing, gain, size)

    def _do_shape(self, node: Node) -> None:
        thing, sizes = self.things[node.inputs[0]], self._numbers(node.inputs[1]).tolist()
        vector = self._plain(node.inputs[0]).vector if isinstance(thing, Shaped) else self.vector(node.inputs[0])
        if sizes == [-1] and vector.size == 1:
            self.things[node.outputs[0]] = vector
            return
        known = math.prod(size for size in sizes[1:] if size != -1)
        if len(sizes) not in (2, 4) or sizes[0] != 0 or sizes.count(-1) > 1 or min(sizes[1:]) < -1 or known < 1:
            raise Untranslatable("Reshape")
        shape = tuple(vector.size // known if size == -1 else size for size in sizes[1:])
        if math.prod(shape) != vector.size:
            raise FolderError(f"it shapes {vector.size} numbers as {list(shape)}")
        self.things[node.outputs[0]] = vector if len(shape) == 1 else Shaped(vector, shape)

    def _plain(self, name: str) -> Shaped:
        """An array whose axes are seen as they lie."""
        thing = self.things[name]
        if not isinstance(thing, Shaped) or thing.order != (0, 1, 2, 3):
            raise Untranslatable(name)
        return thing

    def _do_shaped_sum(self, node: Node) -> None:
        first, second = map(self._plain, node.inputs)
        if node.kind != "Add" or first.shape != second.shape:
            raise Untranslatable(node.kind)
        size = first.vector.size
        out = self._vector(size)
        self._emit(kernels.ADD, out, first.vector, second.vector, size, size, size, 0)
        self.things[node.outputs[0]] = Shaped(out, first.shape)

    def _do_attention(self, node: Node) -> None:
        """A row for each head times what all of them look at, ``[keys, heads, size]``."""
        left, right = self._plain(node.inputs[0]), self.things[node.inputs[1]]
        if not isinstance(right, Shaped) or left.shape[:2] != (right.shape[1], 1):
            raise Untranslatable("MatMul")
        keys, heads, size = right.shape
        if right.order == (0, 2, 3, 1) and left.shape[2] == size:
            out = Shaped(self._vector(heads * keys), (heads, 1, keys))
            self._emit(kernels.DOTS, out.vector, left.vector, right.vector, keys, heads, size)
        elif right.order == (0, 2, 1, 3) and left.shape[2] == keys:
            out = Shaped(self._vector(heads * size), (heads, 1, size))
            self._emit(kernels.MIX, out.vector, left.vector, right.vector, keys, heads, size)
        else:
            raise Untranslatable("MatMul")
        self.things[node.outputs[0]] = out

    def _do_shares(self, node: Node) -> None:
        thing = self._plain(node.inputs[0])
        if node.attributes.get("axis", -1) != -1:
            raise Untranslatable("Softmax")
        out = self.things[node.outputs[0]] = Shaped(self._vector(thing.vector.size), thing.shape)
        heads, one, keys = thing.shape
        self._emit(kernels.SHARES, out.vector, thing.vector, 0, keys, heads * one)

    def _do_transpose(self, node: Node) -> None:
        thing, order = self.things[node.inputs[0]], node.attributes.get("perm")
        if isinstance(thing, Shaped) and order in ([0, 2, 3, 1], [0, 2, 1, 3]):
            self.things[node.outputs[0]] = Shaped(self._plain(node.inputs[0]).vector, thing.shape, tuple(order))
        elif isinstance(thing, np.ndarray) and order == [1, 0]:
            self.things[node.outputs[0]] = thing.T
        else:
            raise Untranslatable("Transpose")
