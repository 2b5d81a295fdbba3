"""The cells of ``elman.nn.cells`` as ONNX operators, in parts: before, in and after the step that needs the state.

A layer is given ``x[N, D]``, or the ids ``[N]`` of one-hot vectors. ``before`` computes for all rows at once what needs
no state; ``step`` goes from there and a state ``[B, H]`` to an output and the next state; ``after`` is for all rows.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.export.graph import Graph
from elman.export.products import Products

Names = tuple[str, ...]


class Input(NamedTuple):
    """What a layer reads: vectors of a layer below or of the embedding, or the ids of one-hot ones."""

    name: str
    one_hot: bool = False
    embedded: bool = False


class Layer(ABC):
    """What all cells share; ``prefix`` names the layer's weights, ``options`` are those of the config."""

    state_names: Names = ("h",)

    def __init__(self, products: Products, prefix: str, options: Mapping[str, Any] | None = None) -> None:
        self.products = products
        self.prefix = prefix
        self.options = options or {}

    @property
    def size(self) -> int:
        """H."""
        return self.array("weight_hh").shape[1]

    @property
    def state_sizes(self) -> tuple[int, ...]:
        """The sizes of the state's parts."""
        return (self.size,) * len(self.state_names)

    @abstractmethod
    def before(self, graph: Graph, x: Input) -> tuple[Names, tuple[int, ...]]:
        """What needs no state, ``[N, ..]`` each, and the sizes."""

    @abstractmethod
    def step(self, graph: Graph, given: Names, state: Names) -> tuple[Names, Names]:
        """What goes on to ``after``, and the next state."""

    def after(self, graph: Graph, made: Names) -> str:
        """The output ``[N, H]``."""
        return made[0]

    @property
    def made_sizes(self) -> tuple[int, ...]:
        """The sizes of what goes on to ``after``."""
        return (self.size,)

    def array(self, name: str) -> NDArray[np.float32]:
        """One of the layer's weights."""
        return self.products.arrays[f"{self.prefix}.{name}"]

    def has(self, name: str) -> bool:
        """Whether the layer has a weight of this name."""
        return f"{self.prefix}.{name}" in self.products.arrays

    def value(self, graph: Graph, name: str, array: NDArray[np.float32]) -> str:
        """A vector made of the layer's weights."""
        return graph.value(f"{self.prefix}.{name}", array.astype(np.float32))

    def from_input(self, graph: Graph, x: Input, bias: str) -> str:
        """``weight_ih`` times x, plus a bias."""
        name = f"{self.prefix}.weight_ih"
        if x.one_hot:
            return graph.op("Add", self.products.rows(graph, x.name, name, turned=True), bias)
        return self.products.linear(graph, x.name, name, bias=bias)


class Feedback(Layer):
    """Cells that multiply the state by a matrix, and add that to what comes from the input."""

    def before(self, graph: Graph, x: Input) -> tuple[Names, tuple[int, ...]]:
        if self._is_joint(x):
            return (x.name,), (self.array("weight_ih").shape[1],)
        bias = self.value(graph, "bias", self.array("bias_ih") + self.array("bias_hh"))
        return (self.from_input(graph, x, bias),), (len(self.array("bias_ih")),)

    def step(self, graph: Graph, given: Names, state: Names) -> tuple[Names, Names]:
        bias = self.value(graph, "bias", self.array("bias_ih") + self.array("bias_hh"))
        if self._joint:
            total = self.products.joint(graph, given[0], state[0], self.prefix, bias=bias, gain=self._gain)
        elif self.products.is_int8(self.prefix):
            from_h = self.products.linear(graph, state[0], f"{self.prefix}.weight_hh")
            total = graph.op("Add", given[0], from_h)
        else:
            total = self.products.linear(graph, state[0], f"{self.prefix}.weight_hh", bias=given[0])
        after = self.gates(graph, total, state)
        return after[:1], after

    @abstractmethod
    def gates(self, graph: Graph, total: str, state: Names) -> Names:
        """The next state."""

    _joint = False
    _gain = 1.0

    def _is_joint(self, x: Input) -> bool:
        # One product of twice the width reads the same weights in one go.
        self._joint = self.products.is_int8(self.prefix) and not x.one_hot
        self._gain = self.products.gain() if x.embedded else 1.0
        return self._joint


class Rnn(Feedback):
    """Elman's network, ``activation`` Tanh or Relu."""

    activation = "Tanh"

    def gates(self, graph: Graph, total: str, state: Names) -> Names:
        return (graph.op(self.activation, total),)


class ReluRnn(Rnn):
    """With max(0, .)."""

    activation = "Relu"


class Lstm(Feedback):
    """Long short-term memory, rows ``i f g o``."""

    state_names = ("h", "c")

    def gates(self, graph: Graph, total: str, state: Names) -> Names:
        size = self.size
        both, g, o = graph.split(total, [2 * size, size, size])
        i, f = graph.split(graph.op("Sigmoid", both), [size, size])
        kept, added = graph.op("Mul", f, state[1]), graph.op("Mul", i, graph.op("Tanh", g))
        c = graph.op("Add", kept, added)
        return graph.op("Mul", graph.op("Sigmoid", o), graph.op("Tanh", c)), c


class Gru(Layer):
    """The gated recurrent unit, rows ``r z n``; where z is 1, the old state stays."""

    def before(self, graph: Graph, x: Input) -> tuple[Names, tuple[int, ...]]:
        bias = self.products.vector(graph, f"{self.prefix}.bias_ih")
        return (self.from_input(graph, x, bias),), (3 * self.size,)

    def step(self, graph: Graph, given: Names, state: Names) -> tuple[Names, Names]:
        size, (h,) = self.size, state
        bias = self.products.vector(graph, f"{self.prefix}.bias_hh")
        from_h = self.products.linear(graph, h, f"{self.prefix}.weight_hh", bias=bias)
        gates_x, n_x = graph.split(given[0], [2 * size, size])
        gates_h, n_h = graph.split(from_h, [2 * size, size])
        r, z = graph.split(graph.op("Sigmoid", graph.op("Add", gates_x, gates_h)), [size, size])
        n = graph.op("Tanh", graph.op("Add", n_x, graph.op("Mul", r, n_h)))
        # (1 - z) n + z h
        h = graph.op("Add", n, graph.op("Mul", z, graph.op("Sub", h, n)))
        return (h,), (h,)


class MinGru(Layer):
    """The minimal GRU, rows ``z v``; where z is 1, the new value replaces the old state."""

    blocks = 2

    @property
    def size(self) -> int:
        return len(self.array("bias_ih")) // self.blocks

    def before(self, graph: Graph, x: Input) -> tuple[Names, tuple[int, ...]]:
        bias = self.products.vector(graph, f"{self.prefix}.bias_ih")
        *gates, value = graph.split(self.from_input(graph, x, bias), [self.size] * self.blocks)
        share = self.share(graph, gates)
        return (share, value), (self.size, self.size)

    def share(self, graph: Graph, gates: list[str]) -> str:
        """How much of the new state is the new value."""
        return graph.op("Sigmoid", gates[0])

    def step(self, graph: Graph, given: Names, state: Names) -> tuple[Names, Names]:
        share, value = given
        moved = graph.op("Mul", share, graph.op("Sub", value, state[0]))
        h = graph.op("Add", state[0], moved)
        return (h,), (h,)


class MinLstm(MinGru):
    """The minimal LSTM, rows ``i f v``; the gates are scaled to sum to 1."""

    blocks = 3

    def share(self, graph: Graph, gates: list[str]) -> str:
        i, f = (graph.op("Sigmoid", gate) for gate in gates)
        # Where both gates are shut, the state stays.
        least = graph.number(float(np.finfo(np.float32).tiny))
        return graph.op("Div", i, graph.op("Max", graph.op("Add", i, f), least))


class RgLru(Layer):
    """Griffin's recurrent block; the state's ``tail`` holds the convolution's last inputs, the oldest first."""

    state_names = ("h", "tail")

    @property
    def size(self) -> int:
        return len(self.array("decay"))

    @property
    def state_sizes(self) -> tuple[int, ...]:
        return (self.size, (len(self.array("weight_conv")) - 1) * self.size)

    @property
    def made_sizes(self) -> tuple[int, ...]:
        return (self.size, self.size)

    def before(self, graph: Graph, x: Input) -> tuple[Names, tuple[int, ...]]:
        bias = self.products.vector(graph, f"{self.prefix}.bias_ih")
        branch, gate = graph.split(self.from_input(graph, x, bias), [self.size] * 2)
        return (branch, gate), (self.size, self.size)

    def step(self, graph: Graph, given: Names, state: Names) -> tuple[Names, Names]:
        (branch, gate), (h, tail) = given, state
        u, tail = self._convolved(graph, branch, tail)
        bias = self.products.vector(graph, f"{self.prefix}.bias_gates")
        gates = self.products.linear(graph, u, f"{self.prefix}.weight_gates", bias=bias)
        r, i = graph.split(graph.op("Sigmoid", gates), [self.size] * 2)
        rate = self.value(graph, "rate", -8 * np.logaddexp(0, self.array("decay").astype(np.float64)))
        # With t = tanh(log a): a^2 = (1 + t) / (1 - t), and 1 - a^2 = -2 t / (1 - t), where nothing cancels.
        t = graph.op("Tanh", graph.op("Mul", rate, r))
        one = graph.number(1)
        below = graph.op("Sub", one, t)
        a = graph.op("Sqrt", graph.op("Div", graph.op("Add", one, t), below))
        share = graph.op("Sqrt", graph.op("Div", graph.op("Mul", graph.number(-2), t), below))
        kept, added = graph.op("Mul", a, h), graph.op("Mul", share, graph.op("Mul", i, u))
        h = graph.op("Add", kept, added)
        return (h, gate), (h, tail)

    def after(self, graph: Graph, made: Names) -> str:
        h, gate = made
        # gelu(x) = x / 2 (1 + erf(x / sqrt 2))
        bent = graph.op("Add", graph.op("Erf", graph.op("Mul", gate, graph.number(0.5**0.5))), graph.number(1))
        opened = graph.op("Mul", graph.op("Mul", gate, graph.number(0.5)), bent)
        bias = self.products.vector(graph, f"{self.prefix}.bias_out")
        return self.products.linear(graph, graph.op("Mul", opened, h), f"{self.prefix}.weight_out", bias=bias)

    def _convolved(self, graph: Graph, branch: str, tail: str) -> tuple[str, str]:
        weights = self.array("weight_conv")
        parts = [*graph.split(tail, [self.size] * (len(weights) - 1)), branch]
        total = self.products.vector(graph, f"{self.prefix}.bias_conv")
        for number, part in enumerate(parts):
            weight = self.value(graph, f"weight_conv.{number}", weights[number])
            total = graph.op("Add", total, graph.op("Mul", part, weight))
        return total, graph.concat(*parts[1:])
