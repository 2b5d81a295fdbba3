"""A whole network as an ONNX graph: one token for B rows, or B rows of T tokens.

    runtime   ids [B], stack.k          -> next.top, next.stack.k        and, apart from it,
              top [N, E], targets [N]   -> log_probs [N, V], chosen [N]
    step      ids [B], stack.k          -> log_probs [B, V], next.top, next.stack.k
    score     ids [B, T], lengths [B], top, stack.k -> scores [B, T], next.top, next.stack.k

``stack.k`` are the parts of the stack's state, ``top`` is the last layer's output, from which the next token is
predicted (the model's features). An id V stands for `<s>`. The first graph is elman's own: whoever asks for the next
state does not pay for the probabilities, and the other way round.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from elman.errors import ModelError
from elman.export import cells, windowed
from elman.export.cells import Input, Layer, Names
from elman.export.graph import Graph, Shape
from elman.export.products import Products
from elman.export.vocabulary import embed, log_probs
from elman.models.layout import read_layout
from elman.models.shape import NeuralConfig

_ROWS = 64
"""Tokens whose probabilities exist at a time in ``score``."""


LAYERS: dict[str, type[Layer]] = {
    "rnn": cells.Rnn,
    "rnn-relu": cells.ReluRnn,
    "gru": cells.Gru,
    "lstm": cells.Lstm,
    "mingru": cells.MinGru,
    "minlstm": cells.MinLstm,
    "rglru": cells.RgLru,
    "feed-forward": windowed.FeedForward,
    "conv": windowed.GatedConv,
    "transformer": windowed.TransformerLayer,
}
"""Every cell of ``elman.nn.sequence.CELLS`` by its name."""


class NetworkGraph:
    """The graphs of one network.

    Args:
        arrays: what ``to_arrays`` of the network gives.
        config: its shape.
        vocab: V.
        int8: the groups of weights in 8 bits, see ``elman.export.products``.
    """

    def __init__(
        self, arrays: Mapping[str, NDArray[Any]], config: NeuralConfig, vocab: int, *, int8: frozenset[str]
    ) -> None:
        self.config = config
        self.vocab = vocab
        self.clusters = read_layout(config, vocab, arrays)
        self.products = Products(arrays, int8)
        if config.cell not in LAYERS:
            raise ModelError(f"no program is made for a cell of one's own yet ({config.cell}); it runs through torch")
        kind, options = LAYERS[config.cell], config.options
        self.layers = [kind(self.products, f"stack.layers.{k}", options) for k in range(config.layers)]
        sizes = [size for layer in self.layers for size in layer.state_sizes]
        self.states: dict[str, int] = {f"stack.{number}": size for number, size in enumerate(sizes)}
        """Sizes of the parts of the stack's state."""

    def runtime(self) -> onnx.ModelProto:
        """What elman uses; float32 weights stay outside."""
        graph = Graph()
        top, after = self._step(graph, "ids")
        found = log_probs(graph, self.products, self.config, self.clusters, self.vocab, "top")
        inputs = {"ids": (np.int64, ["B"]), **self._states(""), "top": (np.float32, ["N", self.config.top_size])}
        outputs = self._after(graph, top, after)
        outputs["log_probs"] = (found, np.float32, ["N", self.vocab])
        outputs["chosen"] = (_chosen(graph, found, "targets"), np.float32, ["N"])
        return graph.to_model({**inputs, "targets": (np.int64, ["N"])}, outputs)

    def step(self) -> onnx.ModelProto:
        """One token, for other tools; all weights inside."""
        graph = Graph()
        top, after = self._step(graph, "ids")
        found = log_probs(graph, self.products, self.config, self.clusters, self.vocab, top)
        inputs = {"ids": (np.int64, ["B"]), **self._states("")}
        outputs = {"log_probs": (found, np.float32, ["B", self.vocab]), **self._after(graph, top, after)}
        return graph.to_model(inputs, outputs, inline=self.products.arrays)

    def score(self) -> onnx.ModelProto:
        """T tokens, for other tools; all weights inside."""
        graph = Graph()
        time_and_batch = graph.op("Shape", graph.op("Transpose", "ids", perm=[1, 0]))
        real = self._real(graph, time_and_batch)
        # What stands at padding must not be looked up.
        ids = graph.op("Where", real, graph.op("Transpose", "ids", perm=[1, 0]), graph.ints(0))
        flat = graph.op("Reshape", ids, graph.ints(-1))
        tops, after = self._sequence(graph, flat, real, time_and_batch)
        # Each token is predicted from what was read before it.
        count = graph.op("Shape", flat)
        whole = graph.concat("top", tops, axis=0)
        before = graph.op("Slice", whole, graph.ints(0), count, graph.ints(0))
        found = graph.op("Reshape", self._chosen_in_chunks(graph, before, flat), time_and_batch)
        scores = graph.op("Transpose", graph.op("Where", real, found, graph.number(0)), perm=[1, 0])
        top = self._last(graph, tops, time_and_batch)
        inputs = {"ids": (np.int64, ["B", "T"]), "lengths": (np.int64, ["B"])}
        inputs |= {"top": (np.float32, ["B", self.config.top_size]), **self._states("")}
        outputs = {"scores": (scores, np.float32, ["B", "T"]), **self._after(graph, top, after)}
        return graph.to_model(inputs, outputs, inline=self.products.arrays)

    def _states(self, before: str) -> dict[str, tuple[Any, Shape]]:
        return {f"{before}{name}": (np.float32, ["B", size]) for name, size in self.states.items()}

    def _after(self, graph: Graph, top: str, after: Names) -> dict[str, tuple[str, Any, Shape]]:
        # Where the last layer's h is the output, it has two names.
        top = graph.op("Identity", top) if top in after else top
        shapes = {"next.top": (np.float32, ["B", self.config.top_size]), **self._states("next.")}
        return {name: (made, *shape) for (name, shape), made in zip(shapes.items(), (top, *after), strict=True)}

    def _step(self, graph: Graph, ids: str) -> tuple[str, Names]:
        x = embed(graph, self.products, self.config, self.clusters, ids)
        outputs: list[str] = []
        after: list[str] = []
        names = iter(self.states)
        for layer in self.layers:
            state = tuple(next(names) for _ in layer.state_names)
            made, own = layer.step(graph, layer.before(graph, x)[0], state)
            outputs.append(layer.after(graph, made))
            after += own
            x = Input(outputs[-1])
        return self._skipped(graph, outputs), tuple(after)

    def _skipped(self, graph: Graph, outputs: list[str]) -> str:
        """The last of the layers' outputs ``[N, ..]``, with what comes round the layers above each other one."""
        y = outputs[-1]
        if "stack.gain" in self.products.arrays:
            y = windowed.scaled(graph, y, self.products.vector(graph, "stack.gain"))
        for number, below in enumerate(outputs[:-1] if self.config.shortcuts else ()):
            y = graph.op("Add", y, self.products.linear(graph, below, f"stack.skips.{number}.weight"))
        return y

    def _sequence(self, graph: Graph, ids: str, real: str, time_and_batch: str) -> tuple[str, Names]:
        """All steps: the outputs ``[T * B, E]``, time first, and the stack's state after each row's last real step."""
        x = embed(graph, self.products, self.config, self.clusters, ids)
        mask = graph.op("Unsqueeze", real, graph.ints(-1))
        outputs: list[str] = []
        after: list[str] = []
        names = iter(self.states)
        for number, layer in enumerate(self.layers):
            given, sizes = layer.before(graph, x)
            shaped = [_shaped(graph, each, time_and_batch, size) for each, size in zip(given, sizes, strict=True)]
            state = [next(names) for _ in layer.state_names]
            body = _scan_body(graph, layer, f"layer{number}", sizes)
            count = len(layer.state_sizes) + len(layer.made_sizes)
            found = graph.ops("Scan", *state, mask, *shaped, outputs=count, body=body, num_scan_inputs=1 + len(given))
            after += found[: len(state)]
            made = zip(found[len(state) :], layer.made_sizes, strict=True)
            flat = tuple(graph.op("Reshape", each, graph.ints(-1, size)) for each, size in made)
            outputs.append(layer.after(graph, flat))
            x = Input(outputs[-1])
        return self._skipped(graph, outputs), tuple(after)

    def _real(self, graph: Graph, time_and_batch: str) -> str:
        """Which steps are no padding, ``[T, B]``."""
        time = graph.op("Reshape", graph.cut(time_and_batch, 0, 1, 0), graph.value("scalar", np.zeros(0, np.int64)))
        zero, one = (graph.value(f"whole{k}", np.array(k, np.int64)) for k in (0, 1))
        times = graph.op("Unsqueeze", graph.op("Range", zero, time, one), graph.ints(-1))
        return graph.op("Less", times, graph.op("Unsqueeze", "lengths", graph.ints(0)))

    def _last(self, graph: Graph, tops: str, time_and_batch: str) -> str:
        """The output at each row's last real step; where it has none, what was there before."""
        batch = graph.cut(time_and_batch, 1, 2, 0)
        size = graph.op("Reshape", batch, graph.value("scalar", np.zeros(0, np.int64)))
        zero, one = (graph.value(f"whole{k}", np.array(k, np.int64)) for k in (0, 1))
        last = graph.op("Max", graph.op("Sub", "lengths", graph.ints(1)), graph.ints(0))
        places = graph.op("Add", graph.op("Mul", last, batch), graph.op("Range", zero, size, one))
        some = graph.op("Unsqueeze", graph.op("Less", graph.ints(0), "lengths"), graph.ints(-1))
        return graph.op("Where", some, graph.op("Gather", tops, places, axis=0), "top")

    def _chosen_in_chunks(self, graph: Graph, y: str, targets: str) -> str:
        """Log-probabilities ``[N]`` of the targets, those of all types never existing for more than a few rows."""
        count = graph.op("Shape", targets)
        missing = graph.op("Mod", graph.op("Sub", graph.ints(0), count), graph.ints(_ROWS))
        zero = graph.ints(0)
        y = graph.op("Pad", y, graph.concat(zero, zero, missing, zero, axis=0))
        targets = graph.op("Pad", targets, graph.concat(zero, missing, axis=0))
        size = self.config.top_size
        body = Graph(graph)
        found = log_probs(body, self.products, self.config, self.clusters, self.vocab, "rows")
        inputs = {"rows": (np.float32, [_ROWS, size]), "wanted": (np.int64, [_ROWS])}
        made = body.to_body("chunk", inputs, {"found": (_chosen(body, found, "wanted"), np.float32, [_ROWS])})
        chunks = (
            graph.op("Reshape", y, graph.ints(-1, _ROWS, size)),
            graph.op("Reshape", targets, graph.ints(-1, _ROWS)),
        )
        chosen = graph.op("Reshape", graph.op("Scan", *chunks, body=made, num_scan_inputs=2), graph.ints(-1))
        return graph.op("Slice", chosen, zero, count, zero)


def _scan_body(graph: Graph, layer: Layer, name: str, sizes: tuple[int, ...]) -> onnx.GraphProto:
    """One step of a layer; rows at padding keep their state."""
    body = Graph(graph)
    state = tuple(f"{name}.before{k}" for k in range(len(layer.state_sizes)))
    given = tuple(f"{name}.given{k}" for k in range(len(sizes)))
    real = f"{name}.real"
    made, after = layer.step(body, given, state)
    inputs: dict[str, tuple[Any, Shape]] = {
        each: (np.float32, ["B", size]) for each, size in zip(state, layer.state_sizes, strict=True)
    }
    inputs[real] = (np.bool_, ["B", 1])
    inputs |= {each: (np.float32, ["B", size]) for each, size in zip(given, sizes, strict=True)}
    outputs: dict[str, tuple[str, Any, Shape]] = {}
    for k, (new, old, size) in enumerate(zip(after, state, layer.state_sizes, strict=True)):
        outputs[f"{name}.after{k}"] = (body.op("Where", real, new, old), np.float32, ["B", size])
    for k, (each, size) in enumerate(zip(made, layer.made_sizes, strict=True)):
        outputs[f"{name}.made{k}"] = (body.op("Identity", each), np.float32, ["B", size])
    return body.to_body(name, inputs, outputs)


def _shaped(graph: Graph, x: str, time_and_batch: str, size: int) -> str:
    return graph.op("Reshape", x, graph.concat(time_and_batch, graph.ints(size), axis=0))


def _chosen(graph: Graph, found: str, targets: str) -> str:
    """The log-probabilities ``[N]`` of targets ``[N]`` among ``[N, V]``."""
    places = graph.op("Unsqueeze", targets, graph.ints(-1))
    return graph.op("Reshape", graph.op("GatherElements", found, places, axis=1), graph.ints(-1))
