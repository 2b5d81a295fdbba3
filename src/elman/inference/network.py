"""The program of a network: its cells, recorded layer by layer between embedding and output.

    step     ids, stack.k   -> next.top, next.stack.k
    output   top, targets   -> log_probs [V], chosen [1]

``stack.k`` are the parts of the layers' states, ``top`` is the last layer's output. Id V stands for
`<s>`.
"""

import numpy as np

from elman.cells.operators import concat, linear
from elman.cells.symbol import Symbol
from elman.inference.program import (
    Function,
    Program,
    choose,
    id_input,
    log_softmax,
    looked_up,
    permuted,
    picked,
    rows,
    transposed,
)  # fmt: skip
from elman.inference.stack import record_embedding, record_stack
from elman.models.network_config import NeuralConfig
from elman.nn.clusters import Clusters


def network_program(config: NeuralConfig, vocab: int, clusters: Clusters | None) -> Program:
    """The program of a network of this configuration, with ``vocab`` V types; weights go by their
    names.
    """
    stack = record_stack(config, _embedded(config, vocab, clusters))
    step = Function({"next.top": stack.top, **stack.after})
    top, targets = Symbol.input("top", config.top_size), id_input("targets", vocab - 1)
    log_probs = _log_probs(config, vocab, clusters, top)
    output = Function({"log_probs": log_probs, "chosen": picked(log_probs, targets)})
    return Program({"step": step, "output": output}, stack.states)


def _embedded(config: NeuralConfig, vocab: int, clusters: Clusters | None) -> Symbol:
    ids, size = id_input("ids", vocab), config.embedding_size
    if not (config.softmax == "adaptive" and config.tied):
        return record_embedding(config, ids, vocab)
    assert clusters is not None
    head, widths = clusters.ends[0], clusters.widths(size)
    # The row of `<s>` comes after those of the head's types.
    row_indices = np.append(np.minimum(clusters.ranks, head - 1), head)
    embedded = rows(Symbol.parameter("embedding.table0", (head + 1, size)), looked_up(row_indices, ids))
    for number, (first, end) in enumerate(clusters.tails, 1):
        inside = np.append((clusters.ranks >= first) & (clusters.ranks < end), False)
        row_indices = np.append((clusters.ranks - first).clip(0, end - first - 1), 0)
        narrow = rows(
            Symbol.parameter(f"embedding.table{number}", (end - first, widths[number])), looked_up(row_indices, ids)
        )
        wide = linear(narrow, transposed(Symbol.parameter(f"embedding.projection{number}", (widths[number], size))))
        embedded = choose(looked_up(inside.astype(np.int64), ids), wide, embedded)
    return embedded


def _log_probs(config: NeuralConfig, vocab: int, clusters: Clusters | None, y: Symbol) -> Symbol:
    bias, size = Symbol.parameter("output.bias", (vocab,)), config.top_size
    if config.softmax != "adaptive":
        # A tied table has a row for `<s>`, which is never predicted.
        table = Symbol.parameter("embedding.weight", (vocab + 1, size)).cut(0, vocab) if config.tied else None
        return log_softmax(linear(y, table or Symbol.parameter("output.weight", (vocab, size)), bias))
    assert clusters is not None
    tables, head, widths = "embedding" if config.tied else "output.own", clusters.ends[0], clusters.widths(size)
    own = Symbol.parameter(f"{tables}.table0", (head + int(config.tied), size)).cut(0, head)
    tails = len(clusters.tails)
    marks = linear(
        y, Symbol.parameter("output.mark_weight", (tails, size)), Symbol.parameter("output.mark_bias", (tails,))
    )
    scores = linear(y, own, bias.cut(0, head))
    among = log_softmax(concat(scores, marks))
    parts = [among.cut(0, head)]
    for number, (first, end) in enumerate(clusters.tails, 1):
        low = linear(y, Symbol.parameter(f"{tables}.projection{number}", (widths[number], size)))
        table = Symbol.parameter(f"{tables}.table{number}", (end - first, widths[number]))
        within = log_softmax(linear(low, table, bias.cut(first, end)))
        parts.append(within + among.cut(head + number - 1, head + number))
    return permuted(concat(*parts), clusters.ranks.astype(np.int64))
