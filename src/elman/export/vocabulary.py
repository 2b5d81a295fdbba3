"""Both ends of a network as ONNX operators: from ids to vectors, and from vectors to log-probabilities of all types."""

import numpy as np
from numpy.typing import NDArray

from elman.export.cells import Input
from elman.export.graph import Graph
from elman.export.products import Products
from elman.models.shape import NeuralConfig
from elman.nn.clusters import Clusters

_NEVER = np.float32(-1e9)
"""A score that no softmax sees."""


def embed(graph: Graph, products: Products, config: NeuralConfig, clusters: Clusters | None, ids: str) -> Input:
    """Vectors ``[N, E]`` of ids ``[N]`` from 0 to V, V standing for `<s>`; or the ids themselves for one-hot input."""
    if config.input == "one-hot":
        return Input(ids, one_hot=True)
    if not (config.softmax == "adaptive" and config.tied):
        return Input(products.rows(graph, ids, "embedding.weight"), embedded=True)
    assert clusters is not None
    head = clusters.ends[0]
    # `<s>` lies behind the head's types.
    places = np.append(np.minimum(clusters.ranks, head - 1), head).astype(np.int64)
    found = products.rows(graph, _looked_up(graph, "head", places, ids), "embedding.table0")
    for number, (first, end) in enumerate(clusters.tails, 1):
        inside = np.append((clusters.ranks >= first) & (clusters.ranks < end), False)
        places = np.append((clusters.ranks - first).clip(0, end - first - 1), 0).astype(np.int64)
        rows = products.rows(graph, _looked_up(graph, f"tail{number}", places, ids), f"embedding.table{number}")
        vectors = products.linear(graph, rows, f"embedding.projection{number}", turned=True)
        here = _looked_up(graph, f"inside{number}", inside.astype(np.int64), ids)
        here = graph.op("Unsqueeze", graph.op("Equal", here, graph.ints(1)), graph.ints(-1))
        found = graph.op("Where", here, vectors, found)
    return Input(found, embedded=True)


def log_probs(
    graph: Graph, products: Products, config: NeuralConfig, clusters: Clusters | None, vocab: int, y: str
) -> str:
    """Natural log-probabilities ``[N, V]`` of all types from ``y[N, E]``."""
    arrays = products.arrays
    if config.softmax != "adaptive":
        # Tied, the table has a row for `<s>`, which nobody predicts.
        rows = vocab + 1 if config.tied else vocab
        bias = graph.value("output.scores", _padded(arrays["output.bias"], rows))
        scores = products.linear(graph, y, "embedding.weight" if config.tied else "output.weight", bias=bias)
        found = graph.op("LogSoftmax", scores, axis=-1)
        return graph.cut(found, 0, vocab, 1) if config.tied else found
    assert clusters is not None
    tables, end = "embedding" if config.tied else "output.own", clusters.ends[0]
    bias = _padded(arrays["output.bias"][:end], end + int(config.tied))
    scores = products.linear(graph, y, f"{tables}.table0", bias=graph.value("output.scores", bias))
    marks = products.vector(graph, "output.mark_bias")
    marks = products.linear(graph, y, "output.mark_weight", bias=marks)
    head = graph.op("LogSoftmax", graph.concat(scores, marks), axis=-1)
    parts = [graph.cut(head, 0, end, 1)]
    for number, (first, stop) in enumerate(clusters.tails, 1):
        low = products.linear(graph, y, f"{tables}.projection{number}")
        bias = graph.value(f"output.scores{number}", arrays["output.bias"][first:stop])
        within = graph.op("LogSoftmax", products.linear(graph, low, f"{tables}.table{number}", bias=bias), axis=-1)
        place = end + int(config.tied) + number - 1
        parts.append(graph.op("Add", within, graph.cut(head, place, place + 1, 1)))
    ranks = graph.value("output.places", clusters.ranks.astype(np.int64))
    return graph.op("Gather", graph.concat(*parts), ranks, axis=1)


def _padded(bias: NDArray[np.float32], rows: int) -> NDArray[np.float32]:
    return np.pad(bias, (0, rows - len(bias)), constant_values=_NEVER)


def _looked_up(graph: Graph, name: str, table: NDArray[np.int64], ids: str) -> str:
    return graph.op("Gather", graph.value(f"embedding.{name}", table), ids, axis=0)
