"""The layers that see a window (``elman.nn.windowed``) as ONNX operators; parts as in ``elman.export.cells``."""

import numpy as np

from elman.cells.windowed import speeds_of
from elman.export.cells import Input, Layer, Names
from elman.export.graph import Graph

_FAR = 1e9
"""Taken from the score of a key that is none; its share is then exactly zero."""


class Windowed(Layer):
    """What they share: D inputs, H outputs, a tail of inputs as the state."""

    state_names: Names = ("tail",)

    @property
    def size(self) -> int:
        return self.array("weight_out").shape[0]

    @property
    def state_sizes(self) -> tuple[int, ...]:
        return ((self.window - 1) * self.input_size,)

    @property
    def window(self) -> int:
        """W."""
        return int(self.options["window"])

    @property
    def input_size(self) -> int:
        """D."""
        return self.array("weight_ih").shape[1] // self.window

    def across(self, graph: Graph, x: str) -> str:
        """What the layer adds to."""
        return self.linear(graph, x, "weight_across") if self.has("weight_across") else x

    def linear(self, graph: Graph, x: str, name: str, bias: str = "") -> str:
        """One of the layer's matrices times x."""
        bias = self.products.vector(graph, f"{self.prefix}.{bias}") if bias else ""
        return self.products.linear(graph, x, f"{self.prefix}.{name}", bias=bias)


def scaled(graph: Graph, x: str, gain: str) -> str:
    """Vectors of mean 0 and variance 1 times a gain; one operator, since sums would depend on where a row lies."""
    return graph.op("LayerNormalization", x, gain)


class FeedForward(Windowed):
    """Bengio's network; the products with the window are no less work for all rows at once."""

    def before(self, graph: Graph, x: Input) -> tuple[Names, tuple[int, ...]]:
        return (x.name,), (self.input_size,)

    def step(self, graph: Graph, given: Names, state: Names) -> tuple[Names, Names]:
        seen = graph.concat(state[0], given[0])
        hidden = graph.op("Tanh", self.linear(graph, seen, "weight_ih", "bias_ih"))
        y = self.linear(graph, hidden, "weight_out")
        if self.has("weight_direct"):
            y = graph.op("Add", y, self.linear(graph, seen, "weight_direct"))
        return (y,), (graph.cut(seen, self.input_size, self.window * self.input_size, 1),)


class GatedConv(Windowed):
    """A gated convolution that adds to its input."""

    @property
    def made_sizes(self) -> tuple[int, ...]:
        return (self.input_size, self.array("weight_ih").shape[0])

    def before(self, graph: Graph, x: Input) -> tuple[Names, tuple[int, ...]]:
        gain = self.products.vector(graph, f"{self.prefix}.gain")
        return (x.name, scaled(graph, x.name, gain)), (self.input_size, self.input_size)

    def step(self, graph: Graph, given: Names, state: Names) -> tuple[Names, Names]:
        seen = graph.concat(state[0], given[1])
        both = self.linear(graph, seen, "weight_ih", "bias_ih")
        return (given[0], both), (graph.cut(seen, self.input_size, self.window * self.input_size, 1),)

    def after(self, graph: Graph, made: Names) -> str:
        x, both = made
        value, gate = graph.split(both, [self.array("weight_ih").shape[0] // 2] * 2)
        opened = graph.op("Mul", value, graph.op("Sigmoid", gate))
        return graph.op("Add", self.across(graph, x), self.linear(graph, opened, "weight_out"))


class TransformerLayer(Windowed):
    """Attention over a window of keys, and a gated feed-forward part."""

    state_names = ("first", "second", "values", "read")

    @property
    def input_size(self) -> int:
        return self.array("weight_ih").shape[1]

    @property
    def heads(self) -> int:
        """Heads that share the units."""
        return int(self.options["heads"])

    @property
    def pairs(self) -> int:
        """Pairs of units of all heads."""
        return self.array("weight_ih").shape[0] // 6

    @property
    def state_sizes(self) -> tuple[int, ...]:
        lags = self.window - 1
        return (lags * self.pairs, lags * self.pairs, 2 * lags * self.pairs, 1)

    @property
    def made_sizes(self) -> tuple[int, ...]:
        return (self.input_size, 2 * self.pairs)

    def before(self, graph: Graph, x: Input) -> tuple[Names, tuple[int, ...]]:
        gain = self.products.vector(graph, f"{self.prefix}.gain")
        asked = self.linear(graph, scaled(graph, x.name, gain), "weight_ih")
        return (x.name, asked), (self.input_size, 6 * self.pairs)

    def step(self, graph: Graph, given: Names, state: Names) -> tuple[Names, Names]:
        size, window, (x, asked) = self.pairs, self.window, given
        q1, q2, *new = graph.split(asked, [size, size, size, size, 2 * size])
        first, second, values = (graph.concat(old, one) for old, one in zip(state[:3], new, strict=True))
        cos, sin = self._turns(graph)
        # R(-lag) k, which is what the query is multiplied with; the root of the head's size is in it.
        turned1 = graph.op("Add", graph.op("Mul", first, cos), graph.op("Mul", second, sin))
        turned2 = graph.op("Sub", graph.op("Mul", second, cos), graph.op("Mul", first, sin))
        scores = graph.op("Add", self._dots(graph, q1, turned1), self._dots(graph, q2, turned2))
        shares = self._shares(graph, scores, state[3])
        each = graph.op("Reshape", values, graph.ints(0, window, self.heads, -1))
        mixed = graph.op("MatMul", shares, graph.op("Transpose", each, perm=[0, 2, 1, 3]))
        found = graph.op("Reshape", mixed, graph.ints(0, -1))
        kept = (graph.cut(part, n, n * window, 1) for part, n in ((first, size), (second, size), (values, 2 * size)))
        lags, fewer = graph.number(window - 1), graph.number(window - 2)
        read = graph.op("Sub", lags, graph.op("Relu", graph.op("Sub", fewer, state[3])))
        return (x, found), (*kept, read)

    def after(self, graph: Graph, made: Names) -> str:
        x, found = made
        z = graph.op("Add", self.across(graph, x), self.linear(graph, found, "weight_out"))
        gain = self.products.vector(graph, f"{self.prefix}.gain_up")
        inner = self.array("weight_down").shape[1]
        gate, up = graph.split(self.linear(graph, scaled(graph, z, gain), "weight_up"), [inner] * 2)
        opened = graph.op("Mul", graph.op("Mul", gate, graph.op("Sigmoid", gate)), up)
        return graph.op("Add", z, self.linear(graph, opened, "weight_down"))

    def _turns(self, graph: Graph) -> tuple[str, str]:
        """Cosines and sines for each key of the window, ``[W * pairs]``."""
        half = self.pairs // self.heads
        turn = np.arange(self.window - 1, -1, -1)[:, None] * np.tile(speeds_of(half), self.heads)
        root = (2 * half) ** 0.5
        shape = f"{self.window}x{self.heads}x{half}"
        named = (("cos", np.cos(turn)), ("sin", np.sin(turn)))
        cos, sin = (graph.value(f"{name}{shape}", (part / root).ravel().astype(np.float32)) for name, part in named)
        return cos, sin

    def _dots(self, graph: Graph, query: str, keys: str) -> str:
        """A query's product with each key, ``[B, heads, 1, W]``."""
        alone = graph.op("Reshape", query, graph.ints(0, self.heads, 1, -1))
        each = graph.op("Reshape", keys, graph.ints(0, self.window, self.heads, -1))
        return graph.op("MatMul", alone, graph.op("Transpose", each, perm=[0, 2, 3, 1]))

    def _shares(self, graph: Graph, scores: str, read: str) -> str:
        """How much of each value is taken, ``[B, heads, 1, W]``; nothing of what was never read."""
        lag = np.tile(np.arange(self.window - 1, -1, -1, dtype=np.float32), self.heads) - np.float32(0.5)
        lags = graph.value(f"lags{self.window}x{self.heads}", lag)
        far = graph.op("Mul", graph.op("Relu", graph.op("Sub", lags, read)), graph.number(-_FAR))
        flat = graph.op("Add", graph.op("Reshape", scores, graph.ints(0, -1)), far)
        return graph.op("Softmax", graph.op("Reshape", flat, graph.ints(0, self.heads, 1, self.window)), axis=-1)
